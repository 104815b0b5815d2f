/* SPDX-License-Identifier: Apache-2.0 */
/* cnn.c - see cnn.h. Images are [T, F C] with channels innermost; batch norm sees them as [T F, C]. */
#include "model/cnn.h"

#include "base/mem.h"
#include "model/linear.h"
#include "nn/image.h"
#include "nn/rows.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { MOST_CONVS = 16, MOST_STRIDE = 4, MOST_WIDTH = 1 << 22 };
static const ting_real norm_eps = (ting_real)1e-5;

typedef struct layer {
    ting_conv2d_shape shape;
    const ting_param *filters; /* without a bias: the norm has one */
    ting_batch_norm_weights norm;
} layer;

struct ting_cnn {
    ting_cnn_config config;
    layer layers[TING_CNN_MAX_BLOCKS][MOST_CONVS];
    ting_linear_params out;
};

ting_err ting_cnn_check(const ting_cnn_config *c)
{
    if (c->features < 1 || c->features > 4096 || c->dim < 1 || c->dim > 8192)
        return ting_fail(TING_ERR_MODEL, "cnn: %d features and %d columns, expected up to 4096 and 8192", c->features, c->dim);
    if (c->blocks < 1 || c->blocks > TING_CNN_MAX_BLOCKS)
        return ting_fail(TING_ERR_MODEL, "cnn: %d blocks, expected 1 to %d", c->blocks, TING_CNN_MAX_BLOCKS);
    for (int i = 0, freq = c->features; i < c->blocks; i++) {
        const ting_cnn_block_config *b = &c->block[i];
        if (b->convs < 1 || b->convs > MOST_CONVS || b->channels < 1 || b->channels > 4096)
            return ting_fail(TING_ERR_MODEL, "cnn block %d: %d convolutions of %d channels, expected up to %d of 4096", i, b->convs,
                             b->channels, MOST_CONVS);
        if (b->stride_time < 1 || b->stride_time > MOST_STRIDE || b->stride_freq < 1 || b->stride_freq > MOST_STRIDE)
            return ting_fail(TING_ERR_MODEL, "cnn block %d: strides %d and %d, expected 1 to %d", i, b->stride_time, b->stride_freq,
                             MOST_STRIDE);
        if (freq * b->channels > MOST_WIDTH)
            return ting_fail(TING_ERR_MODEL, "cnn block %d: %d frequencies of %d channels are too many", i, freq, b->channels);
        freq = (freq - 1) / b->stride_freq + 1;
    }
    return TING_OK;
}

static void declare_layer(ting_params *params, int block, int index, layer *l)
{
    const ting_conv2d_shape *s = &l->shape;
    char prefix[64];
    snprintf(prefix, sizeof prefix, "encoder.blocks.%d.%d", block, index);
    l->filters = ting_param_init(ting_params_add(params, TING_PARAM_FILTERS, 4,
                                                 (int[]){s->out_channels, s->in_channels, s->kernel_t, s->kernel_f},
                                                 "%s.conv.weight", prefix),
                                 ting_init_normal(sqrt(2.0 / ting_conv2d_patch(s)))); /* He 2015 */
    const struct {
        const char *name;
        ting_param_role role;
        double first;
        const ting_param **to;
    } parts[] = {{"weight", TING_PARAM_VALUES, 1, &l->norm.gamma},
                 {"bias", TING_PARAM_VALUES, 0, &l->norm.beta},
                 {"running_mean", TING_PARAM_STATISTICS, 0, &l->norm.mean},
                 {"running_var", TING_PARAM_STATISTICS, 1, &l->norm.variance}};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        *parts[i].to = ting_param_init(
            ting_params_add(params, parts[i].role, 1, &s->out_channels, "%s.norm.%s", prefix, parts[i].name),
            ting_init_constant(parts[i].first));
}

ting_err ting_cnn_new(const ting_cnn_config *config, ting_params *params, ting_cnn **out)
{
    ting_err err = TING_OK;
    *out = NULL;
    TRY(ting_cnn_check(config));
    ting_cnn *model = ting_alloc(1, sizeof *model);
    if (model == NULL)
        return TING_ERR_MEMORY;
    model->config = *config;
    int freq = config->features, channels = 1;
    for (int i = 0; i < config->blocks; i++) {
        const ting_cnn_block_config *b = &config->block[i];
        for (int k = 0; k < b->convs; k++) {
            const bool last = k + 1 == b->convs;
            layer *l = &model->layers[i][k];
            l->shape = (ting_conv2d_shape){.freq = freq, .in_channels = channels, .out_channels = b->channels, .kernel_t = 3,
                                           .kernel_f = 3, .stride_t = last ? b->stride_time : 1,
                                           .stride_f = last ? b->stride_freq : 1, .pad_t = 1, .pad_f = 1};
            declare_layer(params, i, k, l);
            channels = b->channels;
        }
        freq = (freq - 1) / b->stride_freq + 1;
    }
    model->out = ting_linear_declare(params, config->dim, freq * channels, "encoder.", "out");
    *out = model;
out:
    return err;
}

void ting_cnn_free(ting_cnn *model)
{
    ting_free(model);
}

int ting_cnn_step(const ting_cnn_config *config)
{
    int step = 1;
    for (int i = 0; i < config->blocks; i++)
        step *= config->block[i].stride_time;
    return step;
}

int ting_cnn_rows(const ting_cnn_config *config, int frames)
{
    const int step = ting_cnn_step(config); /* ceil(ceil(n / a) / b) = ceil(n / (a b)) */
    return frames < 1 ? 0 : (frames - 1) / step + 1;
}

/* ---- forward ---- */

struct norm_job {
    const ting_kern *kern;
    ting_tensor x;
    ting_act act;
    const ting_real *scale, *shift; /* [cols] */
};

static void norm_rows(void *arg, ting_row_block block)
{
    const struct norm_job *job = arg;
    for (int r = block.first; r < block.first + block.count; r++) {
        ting_real *row = ting_row(job->x, r);
        job->kern->mul(job->x.cols, row, job->scale, row);
        job->kern->add(job->x.cols, row, job->shift, row);
        job->kern->act(job->act, job->x.cols, row, row);
    }
}

/* Batch norm by the running statistics and activation, in place. */
static void norm_in_place(ting_ctx *ctx, const layer *l, ting_tensor image, ting_act act)
{
    const ting_arena_mark mark = ting_arena_tell(ctx->arena);
    const int channels = l->shape.out_channels;
    ting_real *scale = ting_ctx_reals(ctx, (size_t)image.cols), *shift = ting_ctx_reals(ctx, (size_t)image.cols);
    if (ctx->err == TING_OK) {
        ting_batch_norm_fold(&l->norm, norm_eps, scale, shift);
        for (int at = channels; at < image.cols; at += channels) {
            memcpy(scale + at, scale, (size_t)channels * sizeof *scale);
            memcpy(shift + at, shift, (size_t)channels * sizeof *shift);
        }
        struct norm_job job = {ctx->kern, image, act, scale, shift};
        ting_rows_run(ctx->pool, image.rows, 4 * image.cols, norm_rows, &job);
    }
    ting_arena_rewind(ctx->arena, mark);
}

static ting_tensor run_layer(ting_ctx *ctx, const layer *l, ting_act act, ting_tensor x, ting_segments *segments)
{
    int *start = ting_ctx_ints(ctx, segments->count + 1);
    if (start == NULL)
        return (ting_tensor){0};
    x = ting_conv2d(ctx, x, *segments, &l->shape, l->filters, NULL, TING_ACT_NONE, start);
    segments->start = start;
    if (ctx->err != TING_OK)
        return (ting_tensor){0};
    if (ctx->tape == NULL && !ctx->training) {
        norm_in_place(ctx, l, x, act);
        return x;
    }
    const int freq = x.cols / l->shape.out_channels;
    x = ting_batch_norm(ctx, ting_image_positions(x, freq), &l->norm, norm_eps);
    x = ting_activate(ctx, act, x);
    return ctx->err == TING_OK ? ting_image_frames(x, freq) : (ting_tensor){0};
}

/* The rows of x in an own place, so that what made it can be given back. */
static ting_tensor moved(ting_tensor to, ting_tensor x)
{
    to.rows = x.rows;
    for (int r = 0; r < x.rows; r++)
        memcpy(ting_row(to, r), ting_row(x, r), (size_t)x.cols * sizeof *x.data);
    return to;
}

static ting_tensor run_block(ting_ctx *ctx, const ting_cnn *model, int i, ting_tensor x, ting_segments *segments)
{
    const ting_cnn_block_config *b = &model->config.block[i];
    const layer *last = &model->layers[i][b->convs - 1];
    const bool lean = ctx->tape == NULL;
    int most = 0; /* rows that come out */
    for (int s = 0; s < segments->count; s++)
        most += (segments->start[s + 1] - segments->start[s] - 1) / b->stride_time + 1;
    int *start = lean ? ting_ctx_ints(ctx, segments->count + 1) : NULL;
    ting_tensor kept = lean ? ting_ctx_constant(ctx, most, ((last->shape.freq - 1) / b->stride_freq + 1) * b->channels)
                            : (ting_tensor){0};
    const ting_arena_mark mark = ting_arena_tell(ctx->arena);
    for (int k = 0; k < b->convs && ctx->err == TING_OK; k++)
        x = run_layer(ctx, &model->layers[i][k], model->config.act, x, segments);
    if (!lean || ctx->err != TING_OK)
        return x;
    memcpy(start, segments->start, (size_t)(segments->count + 1) * sizeof *start);
    segments->start = start;
    x = moved(kept, x);
    ting_arena_rewind(ctx->arena, mark);
    return x;
}

ting_tensor ting_cnn_forward(ting_ctx *ctx, const ting_cnn *model, ting_tensor x, ting_segments segments, int *out_start)
{
    const ting_cnn_config *c = &model->config;
    if (ctx->err == TING_OK && (x.cols != c->features || segments.start[segments.count] != x.rows))
        ting_ctx_fail(ctx, TING_ERR_INTERNAL, "cnn: x is [%d, %d], expected [%d, %d]", x.rows, x.cols,
                      segments.start[segments.count], c->features);
    for (int s = 0; s < segments.count; s++)
        if (segments.start[s + 1] == segments.start[s])
            ting_ctx_fail(ctx, TING_ERR_ARGUMENT, "cnn: utterance %d has no frame", s);
    for (int i = 0; i < c->blocks && ctx->err == TING_OK; i++) {
        x = run_block(ctx, model, i, x, &segments);
        ting_ctx_see(ctx, x, "encoder.blocks.%d", i);
    }
    if (ctx->err != TING_OK)
        return (ting_tensor){0};
    memcpy(out_start, segments.start, (size_t)(segments.count + 1) * sizeof *out_start);
    x = ting_linear_apply(ctx, x, model->out, c->act);
    x = ting_dropout(ctx, x, c->dropout);
    ting_ctx_see(ctx, x, "encoder");
    return x;
}
