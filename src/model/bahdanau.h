/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bahdanau.h - one sequence into another with recurrent networks and additive attention (Bahdanau, Cho and Bengio 2015):
 * toned syllables to hanzi, with the interface of transformer_s2s.h.
 *
 *     syllable ids [T] -> embedding -> GRU from both sides -> memory h [T, 2 hidden]
 *     s_0 = tanh(init(the backward half of h_1))
 *     for each character y_{i-1}, <S> first:   e_ij = v . tanh(W s_{i-1} + U h_j),   c_i = sum_j softmax(e_i)_j h_j
 *         s_i = GRU([embedding(y_{i-1}); c_i], s_{i-1}),   hidden row [s_i; c_i; embedding(y_{i-1})] -> logits of y_i
 *
 * Parameters: src_emb.weight, encoder.* (a layer of recurrent_stack.h), init.*, attn_w.weight, attn_u.weight, attn_v.weight,
 * tgt_emb.weight, decoder.weight_ih, decoder.weight_hh, decoder.bias_ih, decoder.bias_hh, out.*.
 * Shapes and deviations from the paper: docs/models/language-models.md
 */
#ifndef TING_MODEL_BAHDANAU_H
#define TING_MODEL_BAHDANAU_H

#include "model/linear.h"

typedef struct ting_bahdanau_shape {
    int syllables, characters;    /* sizes of the tables */
    int width, hidden, attention; /* of embeddings, of a state, inside the scores */
    ting_real dropout;            /* of embeddings, and of what the output layer reads */
} ting_bahdanau_shape;

typedef struct ting_bahdanau_net ting_bahdanau_net;

/* Errors: model, naming the number that is out of range. */
ting_err ting_bahdanau_shape_check(const ting_bahdanau_shape *shape);

/* Declares all parameters. Returns an owned net, free with ting_bahdanau_net_free; it borrows the registry. NULL when out of
 * memory. */
ting_bahdanau_net *ting_bahdanau_net_new(const ting_bahdanau_shape *shape, ting_params *params);
void ting_bahdanau_net_free(ting_bahdanau_net *net); /* accepts NULL */
const ting_bahdanau_shape *ting_bahdanau_net_shape(const ting_bahdanau_net *net);

/* ids [T] below shape->syllables -> memory [T, 2 hidden]. */
ting_tensor ting_bahdanau_encode(ting_ctx *ctx, const ting_bahdanau_net *net, const int *ids, ting_segments segments);

/* ids [U] below shape->characters; segment s of `segments` looks at segment of_memory[s] of the memory (NULL: at its own
 * number), which has at least one row. -> [U, 3 hidden + width]. The tap sees the weights of each step as "attention.<step>": a row
 * for each segment that is still running, longest first. */
ting_tensor ting_bahdanau_decode(ting_ctx *ctx, const ting_bahdanau_net *net, ting_tensor memory, ting_segments memory_segments,
                                 const int *ids, ting_segments segments, const int *of_memory);

/* ---- one character after the other, for a search ---- */

/* Hypotheses side by side, each with its state. One thread. */
typedef struct ting_bahdanau_steps ting_bahdanau_steps;

/* Begins with a hypothesis for each segment of the memory, of which it keeps a copy. Room for `most`. Borrows the net. Returns owned in
 * *out, free with ting_bahdanau_steps_free. The context has no tape; its arena is rewound. Errors: argument (sizes), memory, sticky ones of
 * the context. */
ting_err ting_bahdanau_steps_new(ting_ctx *ctx, const ting_bahdanau_net *net, ting_tensor memory, ting_segments memory_segments,
                                 int most, ting_bahdanau_steps **out);
void ting_bahdanau_steps_free(ting_bahdanau_steps *steps);

/* Hypothesis i becomes what hypothesis parents[i] was (NULL: i itself), with ids[i] behind it, <S> in the first step -> [count,
 * 3 hidden + width], in the arena: the last rows of ting_bahdanau_decode. Failures are sticky: no room (argument), a parent that is none
 * (internal). */
ting_tensor ting_bahdanau_step(ting_ctx *ctx, ting_bahdanau_steps *steps, const int *ids, const int *parents, int count);

/* The output layer: logits [U, characters]. */
ting_tensor ting_bahdanau_logits(ting_ctx *ctx, const ting_bahdanau_net *net, ting_tensor hidden);

/* Its parameters, borrowed. */
ting_linear_params ting_bahdanau_net_output(const ting_bahdanau_net *net);

#endif
