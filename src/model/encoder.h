/* SPDX-License-Identifier: Apache-2.0 */
/*
 * encoder.h - any acoustic encoder behind one interface: frames of features -> rows for a head. Training, files and
 * recognition see this one, and no network beside it.
 *
 *     x [T, features] -> y [rows(T), dim]        one row for each `step` frames
 *
 *     ting_params *params = ting_params_new();
 *     TRY(ting_encoder_new(&config, params, &encoder));
 *     ... declare heads in the same registry, then ting_params_alloc or ting_params_load ...
 *     TRY(ting_encoder_prepare(encoder));
 *
 *     whole utterances:  y = ting_encoder_forward(ctx, encoder, x, segments, &(ting_encoder_mode){0}, starts);
 *     chunked training:  the same with .chunk = 8, .left = 4
 *     a stream:          TRY(ting_encoder_state_new(encoder, &state));
 *                        while (frames come in calls of ting_encoder_frames(state, chunks))
 *                            y = ting_encoder_forward(ctx, encoder, x, one, &(ting_encoder_mode){.states = &state}, starts);
 *
 * Chunks and what they see are counted alike for all kinds: rows of the output, and whole chunks to the left.
 */
#ifndef TING_MODEL_ENCODER_H
#define TING_MODEL_ENCODER_H

#include "base/str.h"
#include "model/cnn.h"
#include "model/conformer.h"
#include "model/zipformer.h"

typedef enum ting_encoder_kind {
    TING_ENCODER_ZIPFORMER,
    TING_ENCODER_CONFORMER,
    TING_ENCODER_CNN,
    TING_ENCODER_KINDS
} ting_encoder_kind;

typedef struct ting_encoder_config {
    ting_encoder_kind kind;
    union {
        ting_zipformer_config zipformer;
        ting_conformer_config conformer;
        ting_cnn_config cnn;
    };
} ting_encoder_config;

typedef struct ting_encoder ting_encoder;
typedef struct ting_encoder_state ting_encoder_state;

/* "zipformer2", "conformer", "cnn": as the architectures of model files begin. NULL outside the enum. */
const char *ting_encoder_kind_name(ting_encoder_kind kind);

/* Appends what it is in a few words: "Conformer of 12 layers of 256". */
void ting_encoder_describe(const ting_encoder_config *config, ting_str *out);

/* Errors: model, naming the setting that cannot be. */
ting_err ting_encoder_check(const ting_encoder_config *config);

/* Declares all parameters in `params`, which must outlive the encoder. Returns owned in *out, free with ting_encoder_free.
 * Errors: model, memory. */
ting_err ting_encoder_new(const ting_encoder_config *config, ting_params *params, ting_encoder **out);
void ting_encoder_free(ting_encoder *encoder);

/* What follows from the weights; after loading, before the first streaming forward. Errors: memory. */
ting_err ting_encoder_prepare(ting_encoder *encoder);

/* ---- what follows from the settings ---- */

int ting_encoder_features(const ting_encoder_config *config); /* values of a frame */
int ting_encoder_dim(const ting_encoder_config *config);      /* columns of the output */
int ting_encoder_step(const ting_encoder_config *config);     /* frames from one row to the next */
int ting_encoder_least(const ting_encoder_config *config);    /* frames that give one row */
int ting_encoder_rows(const ting_encoder_config *config, int frames); /* rows of a whole utterance; 0: too short */

/* Whether chunks of any size can be asked for, as training does; and of what their rows must be a multiple
 * (8192: of nothing that a chunk can have). */
bool ting_encoder_chunks(const ting_encoder_config *config);
int ting_encoder_chunk_unit(const ting_encoder_config *config);

/* Whether it can hear a stream: causal, and the settings say in which chunks. */
bool ting_encoder_streams(const ting_encoder_config *config);

/* Whether it can hear whole utterances, which a file made for streaming alone (projected positions) cannot. */
bool ting_encoder_hears_whole(const ting_encoder_config *config);

/* ---- forward ---- */

typedef struct ting_encoder_mode {
    int chunk; /* 0: every row sees the whole utterance; otherwise rows of the output per chunk, causal encoders only */
    int left;  /* with chunk: chunks to the left that a row sees; < 0: all */
    ting_encoder_state *const *states; /* streaming: one state a segment */
    const ting_tensor *given; /* what the parts of a Zipformer hear (zipformer.h); NULL: what comes from the one before */
} ting_encoder_mode;

/* The mask that gives whole utterances what a stream gives them, for an encoder that streams. */
ting_encoder_mode ting_encoder_stream_mode(const ting_encoder_config *config);

/* x [T, features], one segment an utterance or stream -> [rows, dim]. Output segment starts go to out_start [count + 1],
 * which must live as long as the tape. Every utterance has at least ting_encoder_least frames. */
ting_tensor ting_encoder_forward(ting_ctx *ctx, const ting_encoder *encoder, ting_tensor x, ting_segments segments,
                                 const ting_encoder_mode *mode, int *out_start);

/* ---- streams, with the chunk and the left context of the settings ---- */

/* Returns an owned state at the beginning of a stream, free with ting_encoder_state_free. It borrows the encoder and belongs
 * to one stream and one thread at a time. Errors: model (it cannot stream), memory. */
ting_err ting_encoder_state_new(const ting_encoder *encoder, ting_encoder_state **out);
void ting_encoder_state_free(ting_encoder_state *state);
void ting_encoder_state_reset(ting_encoder_state *state);

/* Frames that a call of `chunks` chunks takes: more in the first call, by those that the encoder looks ahead. */
int ting_encoder_frames(const ting_encoder_state *state, int chunks);

/* The fewest frames that the last call of a stream may hold; an encoder that takes whole chunks only wants one chunk. */
int ting_encoder_last_frames(const ting_encoder_state *state);

/* Rows that one chunk gives; 0 when it cannot stream. */
int ting_encoder_chunk_rows(const ting_encoder_config *config);

#endif
