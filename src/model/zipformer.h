/* SPDX-License-Identifier: Apache-2.0 */
/*
 * zipformer.h - the Zipformer2 encoder (Yao 2024; icefall egs/librispeech/ASR/zipformer), complete: any
 * stacks, dims, layers and downsampling; causal or not; one forward for full context, chunked training
 * and streaming.
 *
 *     fbank [T, features] 100 Hz
 *       -> Conv2dSubsampling with ConvNeXt -> [T / 2, dim 0] 50 Hz
 *       -> stacks, each at 50 Hz / downsampling -> widest combination of their outputs
 *       -> downsampling by 2 -> [T / 4, widest dim] 25 Hz
 *
 *     ting_params *params = ting_params_new();
 *     TRY(ting_zipformer_new(&config, params, &model));
 *     ... declare decoder and joiner in the same registry ...
 *     TRY(ting_params_load(params, &source, &options));
 *     TRY(ting_zipformer_prepare(model));
 *
 *     whole utterances:  y = ting_zipformer_forward(ctx, model, x, segments, &(ting_zipformer_mode){0}, starts);
 *     a stream:          TRY(ting_zipformer_state_new(model, &state));
 *                        while (frames come in calls of ting_zipformer_frames(model, state, chunks))
 *                            y = ting_zipformer_forward(ctx, model, x, one, &(ting_zipformer_mode){
 *                                                       .states = &state}, starts);
 *
 * Streaming is the cache argument `states`. One call may hold several chunks and several streams; the
 * result is bitwise that of one chunk and one stream at a time. docs/models/zipformer.md, docs/STREAMING.md
 *
 * With ctx->training the forward also does what the reference does in training: dropouts, skips, balancers, whitening, limits
 * of parameters, by chance (nn/steer.h) and after schedules of ctx->batch_count; docs/models/zipformer.md lists all. The size of
 * chunks is the caller's choice, also when it is to change from step to step.
 */
#ifndef TING_MODEL_ZIPFORMER_H
#define TING_MODEL_ZIPFORMER_H

#include "nn/ctx.h"
#include "nn/op.h"
#include "nn/param.h"

enum { TING_ZIPFORMER_MAX_STACKS = 16 };

typedef struct ting_zipformer_stack_config {
    int layers, dim;
    int heads, query_dim, value_dim, pos_head_dim; /* dims per head */
    int feedforward; /* of the middle module; the others have 3/4 and 5/4 of it */
    int kernel;      /* of the convolution modules, odd */
    int downsampling;
    int unmasked; /* training: columns that every utterance keeps in every step; 0 or dim: all */
} ting_zipformer_stack_config;

typedef struct ting_zipformer_config {
    int features;          /* mel bins */
    int embed_channels[3]; /* of the three convolutions, usually 8, 32, 128 */
    int stacks;
    ting_zipformer_stack_config stack[TING_ZIPFORMER_MAX_STACKS];
    int pos_dim; /* of the relative position encoding; 0: the file holds projected tables, valid for
                                `chunk` and `left` only */
    int output_downsampling; /* usually 2 */
    ting_real less_chance;   /* training: share of the rates at which the reference drops and skips that is left out, 0 to 1 */
    bool recompute;          /* training: layers keep their input alone and run again in backward (nn/recompute.h) */
    bool causal;
    int chunk,
        left; /* of streaming, in 50 Hz rows: usually 16 and 64, multiples of every downsampling */
} ting_zipformer_config;

typedef struct ting_zipformer ting_zipformer;
typedef struct ting_zipformer_state ting_zipformer_state;

/* Errors: model, naming the setting that cannot be. */
ting_err ting_zipformer_check(const ting_zipformer_config *config);

/* Declares all parameters, under the names of the reference ("encoder_embed...", "encoder...") and with its first values (a
 * file of projected positions has none: it cannot be trained from nothing), in `params`, which must outlive the model.
 * Returns owned in *out, free with ting_zipformer_free. */
ting_err ting_zipformer_new(const ting_zipformer_config *config, ting_params *params,
                            ting_zipformer **out);
void ting_zipformer_free(ting_zipformer *model);

/* Projects the positions of streaming; after loading, before the first streaming forward. */
ting_err ting_zipformer_prepare(ting_zipformer *model);

const ting_zipformer_config *ting_zipformer_settings(const ting_zipformer *model);

/* Columns of the output: the widest stack's. */
int ting_zipformer_dim(const ting_zipformer *model);

/* ---- forward ---- */

typedef struct ting_zipformer_mode {
    int chunk; /* 0: every row sees the whole utterance; otherwise rows at 50 Hz per chunk, causal models only */
    int left; /* with chunk: rows to the left of a chunk that it sees */
    ting_zipformer_state *const
        *states; /* streaming with the model's own chunk and left: one state a segment */
    const ting_tensor *given; /* [stacks + 1] rows at 50 Hz that the projection of the subsampling and each stack hear in
                                 place of what comes from the part before, to train them side by side; NULL: none */
} ting_zipformer_mode;

/* Columns of the rows before the projection of the subsampling. */
int ting_zipformer_embed_columns(const ting_zipformer_config *config);

/* Rows at 50 Hz of a whole utterance; 0: too short. */
int ting_zipformer_rows(int frames);

/* x [T, features], one segment an utterance or stream. Output segment starts go to out_start [count + 1],
 * which must live as long as the tape. Whole utterances of T frames give (T - 7) / 2 rows after the
 * subsampling (T >= 9); streaming segments hold exactly ting_zipformer_frames frames. */
ting_tensor ting_zipformer_forward(ting_ctx *ctx, const ting_zipformer *model, ting_tensor x,
                                   ting_segments segments, const ting_zipformer_mode *mode,
                                   int *out_start);

/* ---- streams ---- */

/* Returns an owned state at the beginning of a stream, free with ting_zipformer_state_free. One block
 * of memory; a forward allocates nothing. A state belongs to one stream and one thread at a time. */
ting_err ting_zipformer_state_new(const ting_zipformer *model, ting_zipformer_state **out);
void ting_zipformer_state_free(ting_zipformer_state *state);
void ting_zipformer_state_reset(ting_zipformer_state *state);

/* Frames that a call of `chunks` chunks takes: 2 chunk each, and 13 more in the first call, which the
 * subsampling looks ahead. */
int ting_zipformer_frames(const ting_zipformer *model, const ting_zipformer_state *state,
                          int chunks);

/* Output rows that one chunk gives. */
int ting_zipformer_chunk_rows(const ting_zipformer *model);

/* ---- parts, for tests ---- */

/* Relative positions -(time + left - 1) .. time - 1: out [left + 2 time - 1, dim]. length_factor is 1 in the encoder. */
void ting_zipformer_positions(int time, int left, int dim, double length_factor, ting_real *out);

#endif
