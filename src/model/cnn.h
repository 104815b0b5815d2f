/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cnn.h - a deep convolutional encoder, as the classic Mandarin recipes with CTC have it (DFCNN; ASRT's "251"): the
 * spectrogram is an image, which blocks of 3x3 convolutions make smaller and deeper.
 *
 *     features [T, F], an image of one channel
 *       -> blocks: convs x (3x3 convolution, batch norm, act); the last one of a block strides by (time, freq)
 *       -> all frequencies and channels of a row -> linear, act, dropout -> [T', dim]
 *
 * A block of stride s makes ceil(n / s) of n rows or frequencies. Full context: it hears whole utterances, though a row sees
 * some frames around its own only. docs/models/cnn.md
 *
 * Left out: pooling by maximum, which the strides stand in for.
 */
#ifndef TING_MODEL_CNN_H
#define TING_MODEL_CNN_H

#include "nn/ctx.h"
#include "nn/op.h"
#include "nn/param.h"

enum { TING_CNN_MAX_BLOCKS = 8 };

typedef struct ting_cnn_block_config {
    int convs, channels;
    int stride_time, stride_freq; /* of the last convolution */
} ting_cnn_block_config;

typedef struct ting_cnn_config {
    int features; /* mel bins */
    int blocks;
    ting_cnn_block_config block[TING_CNN_MAX_BLOCKS];
    int dim; /* columns of the output */
    ting_act act;
    ting_real dropout; /* of the output, in training */
} ting_cnn_config;

typedef struct ting_cnn ting_cnn;

/* Errors: model, naming the setting that cannot be. */
ting_err ting_cnn_check(const ting_cnn_config *config);

/* Declares all parameters ("encoder.blocks.0.1.conv.weight", "....norm.running_mean", "encoder.out.weight") with their first values
 * (He 2015) in `params`, which must outlive the model. Returns owned in *out, free with ting_cnn_free. Errors: model, memory. */
ting_err ting_cnn_new(const ting_cnn_config *config, ting_params *params, ting_cnn **out);
void ting_cnn_free(ting_cnn *model);

/* Frames from one row to the next, and rows of an utterance of `frames` frames. */
int ting_cnn_step(const ting_cnn_config *config);
int ting_cnn_rows(const ting_cnn_config *config, int frames);

/* x [T, features], one segment an utterance of at least one frame -> [T', dim]. Output segment starts go to out_start
 * [count + 1], which must live as long as the tape. */
ting_tensor ting_cnn_forward(ting_ctx *ctx, const ting_cnn *model, ting_tensor x, ting_segments segments, int *out_start);

#endif
