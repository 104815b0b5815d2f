/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conformer.h - the Conformer encoder (Gulati 2020) as WeNet and PaddleSpeech have it: any size, causal or not; one forward
 * for full context, chunked training and streaming.
 *
 *     fbank [T, features] 100 Hz
 *       -> Conv2dSubsampling by 4, 6 or 8 -> linear, x sqrt(dim), positions -> [T', dim]
 *       -> layers: half a feed-forward, self-attention, convolution module, half a feed-forward, norm
 *       -> norm -> [T', dim]
 *
 *     ting_params *params = ting_params_new();
 *     TRY(ting_conformer_new(&config, params, &model));
 *     ... declare a head in the same registry ...
 *     TRY(ting_params_load(params, &source, &options));
 *
 *     whole utterances:  y = ting_conformer_forward(ctx, model, x, segments, &(ting_conformer_mode){0}, starts);
 *     chunk mask:        the same with .chunk = 16, .left = 4
 *     a stream:          TRY(ting_conformer_state_new(model, 16, 4, &state));
 *                        while (frames come in calls of ting_conformer_frames(model, state, chunks))
 *                            y = ting_conformer_forward(ctx, model, x, one, &(ting_conformer_mode){.states = &state}, starts);
 *
 * Streaming is the cache argument `states`: the result is that of the chunk mask. docs/models/conformer.md
 *
 * Left out: cross-attention decoders, post-norm layers, layers without a convolution module. Mean and variance
 * normalisation belongs to the features (feat/cmvn.h).
 */
#ifndef TING_MODEL_CONFORMER_H
#define TING_MODEL_CONFORMER_H

#include "nn/ctx.h"
#include "nn/op.h"
#include "nn/param.h"

typedef enum ting_conformer_positions {
    TING_POSITIONS_ABSOLUTE, /* the sinusoid is added to the input; plain attention */
    TING_POSITIONS_RELATIVE, /* biases u and v, the sinusoid of the key's own place: WeNet and PaddleSpeech, without the shift */
    TING_POSITIONS_SHIFTED   /* biases u and v, the sinusoid of the distance (Transformer-XL, ESPnet) */
} ting_conformer_positions;

typedef enum ting_conformer_norm { TING_CONV_BATCH_NORM, TING_CONV_LAYER_NORM } ting_conformer_norm;

enum { TING_CONFORMER_POSITIONS = 3, TING_CONFORMER_NORMS = 2 };

/* Both as model files and recipes name them; static. */
extern const char *const ting_conformer_position_names[TING_CONFORMER_POSITIONS];
extern const char *const ting_conformer_norm_names[TING_CONFORMER_NORMS];

typedef struct ting_conformer_config {
    int features;    /* mel bins */
    int subsampling; /* 4, 6 or 8 */
    int dim, heads, layers;
    int feedforward;    /* inner width */
    bool macaron;       /* half a feed-forward before the attention too; else one whole behind */
    int kernel;         /* of the convolution module; odd unless causal */
    bool causal;        /* the convolution looks back only: needed for chunks and streams */
    ting_conformer_norm norm; /* in the convolution module */
    ting_conformer_positions positions;
    ting_act act;       /* of feed-forward and convolution module: SILU */
    int chunk, left;    /* what a file says of streaming: rows, and chunks to the left (< 0: all); chunk 0: nothing. States
                           may be made with others */
    ting_real dropout, attention_dropout, position_dropout; /* in training */
    bool recompute; /* training: layers keep their input alone and run again in backward (nn/recompute.h) */
} ting_conformer_config;

typedef struct ting_conformer ting_conformer;
typedef struct ting_conformer_state ting_conformer_state;

/* Errors: model, naming the setting that cannot be. */
ting_err ting_conformer_check(const ting_conformer_config *config);

/* Declares all parameters, under the names of the reference ("encoder.embed...", "encoder.encoders.0...") and with its first
 * values, in `params`, which must outlive the model. Returns owned in *out, free with ting_conformer_free. Errors: model,
 * memory. */
ting_err ting_conformer_new(const ting_conformer_config *config, ting_params *params, ting_conformer **out);
void ting_conformer_free(ting_conformer *model);

/* ---- forward ---- */

typedef struct ting_conformer_mode {
    int chunk; /* 0: every row sees the whole utterance; otherwise rows per chunk, causal models only */
    int left;  /* with chunk: chunks to the left that a row sees; < 0: all */
    ting_conformer_state *const *states; /* streaming: one state a segment, all with the same chunk and left */
} ting_conformer_mode;

/* x [T, features], one segment an utterance or stream -> [T', dim]. Output segment starts go to out_start [count + 1], which
 * must live as long as the tape. A streaming segment holds ting_conformer_frames frames; only the last of a stream
 * may hold fewer, at least those of one row. */
ting_tensor ting_conformer_forward(ting_ctx *ctx, const ting_conformer *model, ting_tensor x, ting_segments segments,
                                   const ting_conformer_mode *mode, int *out_start);

/* Output rows of an utterance of `frames` frames: (frames - 3) / 4 for subsampling 4 and so on; 0 when it is too short. */
int ting_conformer_rows(const ting_conformer_config *config, int frames);

/* ---- streams ---- */

/* Returns an owned state at the beginning of a stream of `chunk` rows a chunk, free with ting_conformer_state_free. A state
 * belongs to one stream and one thread at a time. Errors: model (not causal), argument, memory. */
ting_err ting_conformer_state_new(const ting_conformer *model, int chunk, int left, ting_conformer_state **out);
void ting_conformer_state_free(ting_conformer_state *state);
void ting_conformer_state_reset(ting_conformer_state *state);

/* Frames that a call of `chunks` chunks takes: subsampling x chunk each, and in the first call those that the subsampling
 * looks ahead. */
int ting_conformer_frames(const ting_conformer *model, const ting_conformer_state *state, int chunks);

#endif
