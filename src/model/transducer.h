/* SPDX-License-Identifier: Apache-2.0 */
/*
 * transducer.h - stateless predictor and joiner of a transducer (Ghodsi 2020; icefall zipformer/decoder.py and
 * joiner.py).
 *
 *     predictor: the last `context` tokens -> embeddings -> grouped convolution -> ReLU    [n, decoder_dim]
 *                (context 1: the embedding alone)
 *     joiner:    output(tanh(encoder_proj(e) + decoder_proj(d)))                               [n, vocab]
 *
 * The two projections run once per encoder row and once per new context: decoders keep projected rows and call
 * ting_transducer_join on sums of them. Parameters have the reference's names ("decoder...", "joiner...") and
 * start as it has them.
 */
#ifndef TING_MODEL_TRANSDUCER_H
#define TING_MODEL_TRANSDUCER_H

#include "nn/ctx.h"
#include "nn/param.h"

enum { TING_TRANSDUCER_MAX_CONTEXT = 4 };

typedef struct ting_transducer_config {
    int vocab;   /* outputs of the joiner, blank included */
    int context; /* tokens that the predictor sees, 1 to TING_TRANSDUCER_MAX_CONTEXT */
    int encoder_dim, decoder_dim, joiner_dim;
    int groups; /* of the predictor's convolution; 0: decoder_dim / 4, as icefall has it */
    int blank;
} ting_transducer_config;

typedef struct ting_transducer ting_transducer;

/* Errors: model, naming the setting that cannot be. */
ting_err ting_transducer_check(const ting_transducer_config *config);

/* Declares the parameters in `params`, which must outlive the model. Returns owned in *out, free with
 * ting_transducer_free. Errors: model (a setting that cannot be), memory. */
ting_err ting_transducer_new(const ting_transducer_config *config, ting_params *params,
                             ting_transducer **out);
void ting_transducer_free(ting_transducer *model);
const ting_transducer_config *ting_transducer_settings(const ting_transducer *model);

/* Predictor over whole token sequences: ids of all utterances, one segment each; what stands before a sequence is
 * zeros. A negative id is a zero embedding. -> [U, decoder_dim]. ids are copied. */
ting_tensor ting_transducer_predict(ting_ctx *ctx, const ting_transducer *model, const int *ids,
                                    ting_segments segments);

/* Predictor and decoder_proj for `count` contexts of `context` tokens each, the newest last. -> [count, joiner_dim] */
ting_tensor ting_transducer_contexts(ting_ctx *ctx, const ting_transducer *model,
                                     const int *contexts, int count);

ting_tensor ting_transducer_project_encoder(ting_ctx *ctx, const ting_transducer *model,
                                            ting_tensor rows);
ting_tensor ting_transducer_project_decoder(ting_ctx *ctx, const ting_transducer *model,
                                            ting_tensor rows);

/* d [n, joiner_dim] and e, one row for all or n rows, both projected. -> [n, vocab] */
ting_tensor ting_transducer_join(ting_ctx *ctx, const ting_transducer *model, ting_tensor e,
                                 ting_tensor d);

/* The same for the lattice of training: row r joins row ie[r] of e with row id[r] of d, both projected. -> [count, vocab] */
ting_tensor ting_transducer_join_pairs(ting_ctx *ctx, const ting_transducer *model, ting_tensor e, const int *ie, ting_tensor d,
                                       const int *id, int count);

#endif
