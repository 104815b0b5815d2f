/* SPDX-License-Identifier: Apache-2.0 */
/*
 * am_net.h - an acoustic network: an encoder and the heads on it, one thing for training, files (am_file.h) and recognition.
 *
 *     frames [T, features] -> encoder.h -> rows [n, dim] -> CTC head      log-probabilities [n, vocab]
 *                                                        -> transducer    predictor and joiner
 *                                                        -> attention     decoder that has the last word on what CTC found
 *                                                        -> simple heads  of pruned transducer training; never in files
 *
 *     TRY(ting_am_net_new(&config, &net));
 *     to train:      TRY(ting_params_alloc(net->params, true));
 *     to recognise:  TRY(ting_params_load(net->params, &source, &options)); TRY(ting_am_net_prepare(net));
 *     ting_encoder_forward(ctx, net->encoder, ...), ting_ctc_head_logits(ctx, &net->ctc, rows), ...
 */
#ifndef TING_MODEL_AM_NET_H
#define TING_MODEL_AM_NET_H

#include "base/str.h"
#include "model/attention_decoder.h"
#include "model/ctc_head.h"
#include "model/encoder.h"
#include "model/transducer.h"

enum { TING_AM_HEAD_NAME = 64, TING_MOST_HINTS = TING_ZIPFORMER_MAX_STACKS + 2 };
#define TING_CTC_HEAD "ctc_output.1" /* the parameters of a CTC head that has no other name */

typedef struct ting_ctc_config {
    int vocab; /* outputs, blank included; 0: there is no such head */
    int blank;
    char name[TING_AM_HEAD_NAME]; /* of its parameters: TING_CTC_HEAD as in icefall, "ctc.ctc_lo" in WeNet; "": the former */
} ting_ctc_config;

typedef struct ting_am_config {
    ting_encoder_config encoder;
    ting_ctc_config ctc;
    ting_transducer_config transducer; /* vocab 0: there is none; encoder_dim 0: the encoder's own */
    ting_attention_config attention; /* layers 0: there is none; vocab and width 0: those of the CTC head and the encoder */
    bool simple; /* simple_am_proj and simple_lm_proj (icefall): to train a transducer with the pruned loss */
    int hints;   /* of a teacher, 0 or a Zipformer's stacks + 1 (train/am_hints.h) */
    int hint_dims[TING_MOST_HINTS]; /* columns of each */
} ting_am_config;

typedef struct ting_am_net { /* read it, change nothing; shared by threads once loaded */
    ting_am_config config;
    ting_params *params;         /* of all parts */
    ting_encoder *encoder;
    ting_ctc_head ctc;           /* with config.ctc.vocab > 0 */
    ting_transducer *transducer; /* NULL: there is none */
    ting_attention_decoder *attention; /* NULL: there is none */
    ting_linear_params simple_am, simple_lm; /* with config.simple: [vocab, encoder dim], [vocab, decoder dim] */
    ting_linear_params hint[TING_MOST_HINTS]; /* maps to a teacher's hints; never in files */
} ting_am_net;

/* Settings of all parts, and that they fit each other: at least one head, the same tokens for all; an attention
 * decoder beside a CTC head only. Errors: model. */
ting_err ting_am_net_check(const ting_am_config *config);

/* Checks, and declares all parameters under the names of the reference; no values yet. Returns owned in *out, free with
 * ting_am_net_free. Errors: model, memory. */
ting_err ting_am_net_new(const ting_am_config *config, ting_am_net **out);
void ting_am_net_free(ting_am_net *net);

/* After loading, before the first streaming forward (ting_encoder_prepare). Errors: memory. */
ting_err ting_am_net_prepare(ting_am_net *net);

/* Tokens that its heads write, and which of them is blank. */
int ting_am_vocab(const ting_am_config *config);
int ting_am_blank(const ting_am_config *config);

/* Appends what it is in a few words: "Conformer of 12 layers of 256, CTC head, streaming". */
void ting_am_describe(const ting_am_config *config, ting_str *out);

/* Whether a parameter serves training alone and is not written to files. */
bool ting_am_only_trains(const ting_param *param);

#endif
