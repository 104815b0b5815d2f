/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lm_net.h - networks that say which token comes next: those of the language-model literature, with one interface.
 *
 *     nnlm    the last `context` tokens, embedded side by side, one layer of tanh units        Bengio 2003
 *     rnn     recurrent layers of tanh units                                     Elman 1990, Mikolov 2010
 *     lstm    the same of LSTM cells, dropout between them     Sundermeyer 2012, Zaremba 2014; gru: Cho 2014
 *     bilstm  a stack from each side: knows what stands before and behind a token, never the token itself; for
 *             pseudo-likelihood and the scoring of whole sentences                               Arisoy 2015
 *     gpt     causal self-attention                                                Radford 2018, 2019
 *
 * All rows of a ragged batch at once, for training and scoring:
 *
 *     logits = ting_lm_net_forward(ctx, net, ids, segments);         row t: the token behind ids[t]
 *
 * or token by token, for search and generation. The state of a hypothesis is a block of bytes that belongs to the caller:
 *
 *     state = room for ting_lm_net_state_bytes(net);  ting_lm_net_state_start(net, state);
 *     hidden = ting_lm_net_step(ctx, net, ids, states, count);       each of `count` states takes its token
 *     logits = ting_lm_net_logits(ctx, net, hidden);                 row i: the token behind it
 *
 * Shapes, equations and deviations from the papers: docs/models/language-models.md
 */
#ifndef TING_MODEL_LM_NET_H
#define TING_MODEL_LM_NET_H

#include "model/transformer.h"

typedef enum ting_lm_kind {
    TING_LM_NNLM, TING_LM_RNN, TING_LM_LSTM, TING_LM_GRU, TING_LM_BILSTM, TING_LM_GPT, TING_LM_KINDS
} ting_lm_kind;

typedef struct ting_lm_config {
    ting_lm_kind kind;
    int tokens;           /* size of the vocabulary */
    int width;            /* of an embedding; gpt: of everything outside of the feed-forward */
    int hidden;           /* nnlm: tanh units; gpt: rows inside the feed-forward; the others: the state of a direction */
    int layers;           /* not nnlm */
    int context;          /* nnlm: tokens that it sees; gpt: most tokens of a segment */
    int heads;            /* gpt; they divide the width */
    bool direct;          /* nnlm: connections from the embeddings to the output */
    bool tied;            /* the output's matrix is the embedding (Press 2017); gpt, and rnn, lstm, gru with hidden = width */
    int classes;          /* rnn, lstm, gru: the output says a class of words, then a word of it (Goodman 2001); 0: a word at once */
    const int *class_start; /* [classes + 1], rising from 0 to tokens: class k is words class_start[k] .. class_start[k + 1] - 1 */
    int bptt;             /* rnn, lstm, gru: gradients go back through pieces of so many tokens, states through all; 0: all */
    ting_norm_place norm; /* gpt: after each part (2018) or before it (2019) */
    ting_act act;         /* gpt: TING_ACT_GELU_TANH as published */
    ting_real eps;        /* gpt: of the norms */
    ting_real dropout;
} ting_lm_config;

typedef struct ting_lm_net ting_lm_net;

/* "nnlm", "rnn", "lstm", "gru", "bilstm", "gpt"; static. */
const char *ting_lm_kind_name(ting_lm_kind kind);

/* Errors: model, naming the number that is out of range. */
ting_err ting_lm_config_check(const ting_lm_config *config);

/* Declares all parameters. config has passed the check and is copied, class_start too. Returns an owned net, free with ting_lm_net_free; it
 * borrows the registry. NULL when out of memory. */
ting_lm_net *ting_lm_net_new(const ting_lm_config *config, ting_params *params);
void ting_lm_net_free(ting_lm_net *net); /* accepts NULL */
const ting_lm_config *ting_lm_net_config(const ting_lm_net *net);

/* ids [T], 0 to tokens - 1 -> [T, tokens]: hidden, then logits. */
ting_tensor ting_lm_net_forward(ting_ctx *ctx, const ting_lm_net *net, const int *ids, ting_segments segments);

/* ids [T] -> [T, ting_lm_net_hidden_cols]: what the output layer reads. Row t is for the token behind ids[t]: from
 * ids[.. t] of its segment and, for bilstm, from those behind the token that is asked for, ids[t + 2 ..]. An id out of range,
 * and with gpt a segment longer than its context, is the sticky TING_ERR_INTERNAL. */
ting_tensor ting_lm_net_hidden(ting_ctx *ctx, const ting_lm_net *net, const int *ids, ting_segments segments);
int ting_lm_net_hidden_cols(const ting_lm_net *net);

/* The output layer: hidden [N, hidden cols] -> [N, tokens], before the softmax; with classes the logarithms of probabilities, which a
 * softmax leaves as they are, and without a tape. */
ting_tensor ting_lm_net_logits(ting_ctx *ctx, const ting_lm_net *net, ting_tensor hidden);

typedef struct ting_lm_output { /* of rnn, lstm, gru, bilstm: one linear layer, or two with classes; borrows from the net */
    ting_linear_params words, classes; /* [tokens, hidden cols]; [classes, hidden cols], else NULL */
    const int *class_start;            /* [class_count + 1] */
    int class_count;                   /* 0: none */
} ting_lm_output;

/* For losses that need not look at all words. False for nnlm and gpt. */
bool ting_lm_net_output(const ting_lm_net *net, ting_lm_output *out);

/* Before training: ting_linear_start_shares for the output, and for its classes, of counts [tokens]. gpt has no bias: nothing happens. */
void ting_lm_net_start_shares(ting_lm_net *net, const uint64_t *counts);

/* The class of a word. */
int ting_lm_output_class(const ting_lm_output *output, int word);

/* out [rows of hidden]: log p(targets[t]), natural, of what hidden row t is about; 0 for a negative target. Without a tape, in blocks of
 * rows: for a whole text at once. */
void ting_lm_net_log_probs(ting_ctx *ctx, const ting_lm_net *net, ting_tensor hidden, const int *targets, double *out);

/* Bytes of a state, a multiple of 64; 0 for a network that cannot go token by token (bilstm). A state is aligned as memory from an
 * allocator is, holds no pointers, may be copied as bytes or, only as far as it is filled, by ting_lm_net_state_copy. */
size_t ting_lm_net_state_bytes(const ting_lm_net *net);
void ting_lm_net_state_start(const ting_lm_net *net, void *state); /* before any token */
void ting_lm_net_state_copy(const ting_lm_net *net, void *to, const void *from);
int ting_lm_net_state_tokens(const void *state); /* how many it has taken */

/* ids [count] -> hidden [count, hidden cols], those of ting_lm_net_hidden within rounding; states [count], each another, move on. Without a
 * tape and outside of training. An id out of range, a gpt state that is full and a network without states are the sticky
 * TING_ERR_INTERNAL; no state has changed then. */
ting_tensor ting_lm_net_step(ting_ctx *ctx, const ting_lm_net *net, const int *ids, void *const *states, int count);

#endif
