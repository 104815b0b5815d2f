/* SPDX-License-Identifier: Apache-2.0 */
/*
 * zipformer_embed.c - Conv2dSubsampling: three convolutions, one ConvNeXt module, a projection.
 *
 *     [T, F] -> conv 3x3 -> conv 3x3 stride 2, 2 -> conv 3x3 stride 1, 2   [(T - 7) / 2, 19 C], SwooshR after each
 *            -> x + pointwise(SwooshL(pointwise(depthwise 7x7 x)))
 *            -> linear -> BiasNorm                                            [(T - 7) / 2, dim]
 *
 * ConvNeXt sees 3 rows to both sides. A stream keeps its last 6 rows after the convolutions (3 that are past and
 * 3 that were looked ahead at) and the 7 last frames, so nothing is computed twice:
 *
 *     frames    ... [7 kept][2 n new]                 -> n new rows
 *     rows      [3 past][3 ahead][n new]              -> n rows out, from the first row ahead on
 */
#include "model/zipformer_parts.h"

#include "nn/image.h"
#include "nn/op.h"

#include <string.h>

/* ---- rules of training (subsampling.py) ---- */

#define CONV_RULE(max_abs) {TING_FLAT(0.05), TING_FLAT(0.95), TING_FLAT(0.2), TING_FLAT(max_abs), TING_BALANCE_CHANCE}
static const ting_balance_rule balance_conv[3] = {CONV_RULE(1), CONV_RULE(4), CONV_RULE(4)};
static const ting_balance_rule balance_hidden = {TING_FLAT(0.3), TING_FLAT(1), TING_FLAT(0.75), TING_FLAT(5),
                                                 TING_BALANCE_CHANCE};
static const ting_balance_rule balance_next = {TING_FLAT(0.4), TING_FLAT(0.6), TING_FLAT(1), TING_FLAT(6), TING_BALANCE_CHANCE};
static const ting_whiten_rule whiten_next = {TING_FLAT(5), 0.01}, whiten_out = {TING_RAMP(4, 20000, 8), 0.02};
static const ting_ramp skip_next = TING_RAMP(0.2, 20000, 0.015);
static const ting_real first_gradient = (ting_real)0.2; /* of the first convolution: it would be too large */

/* ---- layers ---- */

/* Convolution i and its activation, in training with a rule in between for the channels. */
static ting_tensor convolve_one(ting_ctx *ctx, const ting_zip_embed *e, int i, ting_tensor x, ting_segments segments,
                                const ting_conv2d_shape *shape, int *start)
{
    x = ting_conv2d(ctx, x, segments, shape, e->conv_w[i], e->conv_b[i], ctx->training ? TING_ACT_NONE : TING_ACT_SWOOSH_R,
                    start);
    if (!ctx->training || ctx->err != TING_OK)
        return x;
    const int width = x.cols / shape->out_channels;
    if (i == 0)
        x = ting_scale_grad(ctx, x, first_gradient);
    x = ting_image_frames(ting_balance(ctx, ting_image_positions(x, width), &balance_conv[i]), width);
    return ting_activate(ctx, TING_ACT_SWOOSH_R, x);
}

int ting_zipformer_embed_columns(const ting_zipformer_config *config)
{
    return ting_zip_embed_width(config->features) * config->embed_channels[2];
}

static ting_tensor convolve(ting_ctx *ctx, const ting_zipformer *model, ting_tensor x,
                            ting_segments segments, int *start)
{
    const int *c = model->config.embed_channels;
    int features = model->config.features, half = (features - 1) / 2;
    const ting_conv2d_shape shape[3] = {
        {features, 1, c[0], 3, 3, 1, 1, 0, 1},
        {features, c[0], c[1], 3, 3, 2, 2, 0, 0},
        {half, c[1], c[2], 3, 3, 1, 2, 0, 0},
    };
    int *first = ting_ctx_ints(ctx, segments.count + 1),
        *second = ting_ctx_ints(ctx, segments.count + 1);
    if (first == NULL || second == NULL)
        return (ting_tensor){0};
    const ting_zip_embed *e = &model->embed;
    x = convolve_one(ctx, e, 0, x, segments, &shape[0], first);
    x = convolve_one(ctx, e, 1, x, (ting_segments){segments.count, first}, &shape[1], second);
    return convolve_one(ctx, e, 2, x, (ting_segments){segments.count, second}, &shape[2], start);
}

/* What ConvNeXt adds to its input; pad rows of zeros in time. */
static ting_tensor next(ting_ctx *ctx, const ting_zipformer *model, ting_tensor x,
                        ting_segments segments, int pad, int *start)
{
    const ting_zip_embed *e = &model->embed;
    int width = ting_zip_embed_width(model->config.features),
        channels = model->config.embed_channels[2];
    const ting_conv2d_shape shape = {width, channels, channels, 7, 7, 1, 1, pad, 3};
    ting_tensor y =
        ting_depthwise2d(ctx, x, segments, &shape, e->depthwise_w, e->depthwise_b, start);
    if (ctx->err != TING_OK)
        return y;
    y = ting_feed_forward_balanced(ctx, ting_image_positions(y, width), (ting_segments){0}, e->pointwise[0].weight,
                                   e->pointwise[0].bias, &balance_hidden, TING_ACT_SWOOSH_L, 0, e->pointwise[1].weight,
                                   e->pointwise[1].bias);
    return ctx->err == TING_OK ? ting_image_frames(y, width) : y;
}

/* The projection is a convolution whose kernel is all frequencies: that puts its columns in our order. */
static ting_tensor finish(ting_ctx *ctx, const ting_zipformer *model, ting_tensor x)
{
    const ting_zip_embed *e = &model->embed;
    int width = ting_zip_embed_width(model->config.features);
    const ting_conv2d_shape shape = {
        width, model->config.embed_channels[2], e->out.weight->shape[0], 1, width, 1, 1, 0, 0};
    int *start = ting_ctx_ints(ctx, 4); /* all rows as one segment, in and out */
    if (start == NULL)
        return (ting_tensor){0};
    start[0] = 0;
    start[1] = x.rows;
    x = ting_conv2d(ctx, x, (ting_segments){1, start}, &shape, e->out.weight, e->out.bias, TING_ACT_NONE,
                    start + 2);
    return ting_zip_norm(ctx, ting_whiten_by(ctx, x, 1, &whiten_out), e->norm_bias, e->norm_scale);
}

/* ---- streaming ---- */

static void copy_rows(ting_tensor to, int at, ting_tensor from, int first, int count)
{
    for (int r = 0; r < count; r++)
        memcpy(ting_row(to, at + r), ting_row(from, first + r), (size_t)to.cols * sizeof *to.data);
}

/* The rows kept from before (zeros at the beginning of a stream, `at_first` of them), then x's own; `memory` then
 * keeps the last `kept` rows. */
static ting_tensor with_kept(ting_ctx *ctx, ting_tensor x, ting_real *memory, int kept,
                             int at_first, bool begun)
{
    int before = begun ? kept : at_first;
    ting_tensor y = ting_ctx_constant(ctx, before + x.rows, x.cols);
    ting_tensor kept_rows = {.data = memory, .rows = kept, .cols = x.cols, .ld = x.cols};
    if (y.data == NULL)
        return y;
    if (begun)
        copy_rows(y, 0, kept_rows, 0, before);
    else
        memset(y.data, 0, (size_t)before * (size_t)y.ld * sizeof *y.data);
    copy_rows(y, before, x, 0, x.rows);
    copy_rows(kept_rows, 0, y, y.rows - kept, kept);
    return y;
}

/* One chunk of a stream: its frames -> its rows before the projection, into `out`. */
static void stream_chunk(ting_ctx *ctx, const ting_zipformer *model, ting_tensor frames,
                         ting_zipformer_state *state, bool begun, ting_tensor out)
{
    ting_arena_mark mark = ting_arena_tell(ctx->arena);
    int start[2] = {0}, rows[2], wide[2] = {0}, done[2];
    ting_tensor x = with_kept(ctx, frames, state->frames, TING_ZIP_FRAMES_KEPT, 0, begun);
    start[1] = x.rows;
    x = convolve(ctx, model, x, (ting_segments){1, start}, rows);
    if (ctx->err == TING_OK)
        x = with_kept(ctx, x, state->rows, 2 * TING_ZIP_NEXT_PAD, TING_ZIP_NEXT_PAD, begun);
    wide[1] = x.rows;
    ting_tensor y = next(ctx, model, x, (ting_segments){1, wide}, 0, done);
    for (int t = 0; t < out.rows && ctx->err == TING_OK; t++)
        ctx->kern->add(out.cols, ting_row(x, TING_ZIP_NEXT_PAD + t), ting_row(y, t),
                       ting_row(out, t));
    ting_arena_rewind(ctx->arena, mark);
}

/* Chunk by chunk, so that what one chunk needs stays in the second-level cache. */
static ting_tensor stream(ting_ctx *ctx, const ting_zipformer *model, ting_tensor x,
                          ting_segments segments, ting_zipformer_state *const *states,
                          int *out_start)
{
    int chunk = model->config.chunk;
    int width = ting_zipformer_embed_columns(&model->config);
    out_start[0] = 0;
    for (int s = 0; s < segments.count; s++) {
        int frames =
            segments.start[s + 1] - segments.start[s] - ting_zipformer_frames(model, states[s], 0);
        out_start[s + 1] = out_start[s] + frames / 2;
    }
    ting_tensor y = ting_ctx_constant(ctx, out_start[segments.count], width);
    for (int s = 0; s < segments.count; s++) {
        int at = segments.start[s];
        for (int row = out_start[s]; row < out_start[s + 1] && ctx->err == TING_OK; row += chunk) {
            bool begun = states[s]->processed > 0 || row > out_start[s];
            int frames = 2 * chunk + (begun ? 0 : TING_ZIP_FIRST_EXTRA);
            stream_chunk(ctx, model, ting_rows(x, at, frames), states[s], begun,
                         ting_rows(y, row, chunk));
            at += frames;
        }
    }
    return y;
}

ting_tensor ting_zip_embed_forward(ting_ctx *ctx, const ting_zipformer *model, ting_tensor x,
                                   ting_segments segments, const ting_zipformer_mode *mode, int *out_start)
{
    if (mode->states != NULL) {
        x = stream(ctx, model, x, segments, mode->states, out_start);
        ting_ctx_see(ctx, x, "encoder_embed.convnext");
        return finish(ctx, model, x);
    }
    int *start = ting_ctx_ints(ctx, segments.count + 1);
    if (start == NULL)
        return (ting_tensor){0};
    x = convolve(ctx, model, x, segments, start);
    if (ctx->err != TING_OK)
        return x;
    const ting_segments rows = {segments.count, start};
    const int width = ting_zip_embed_width(model->config.features);
    const ting_real less = model->config.less_chance;
    const bool *kept = ting_draw_segments(ctx, segments.count, ting_zip_rate_now(ctx, &skip_next, less));
    x = ting_segment_add(ctx, x, next(ctx, model, x, rows, TING_ZIP_NEXT_PAD, out_start), rows, kept);
    x = ting_balance(ctx, ting_image_positions(x, width), &balance_next);
    x = ting_image_frames(ting_whiten_by(ctx, x, 1, &whiten_next), width);
    ting_ctx_see(ctx, x, "encoder_embed.convnext");
    if (mode->given != NULL)
        x = mode->given[0];
    return ting_dropout_shared(ctx, finish(ctx, model, x), rows, ting_zip_dropout_now(ctx, less));
}
