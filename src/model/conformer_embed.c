/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conformer_embed.c - Conv2dSubsampling: two or three convolutions with ReLU, and a projection of all frequencies.
 *
 *     by 4    3x3 stride 2, 3x3 stride 2                  a row sees  7 frames
 *     by 6    3x3 stride 2, 5x5 stride 3                             11
 *     by 8    3x3 stride 2, 3x3 stride 2, 3x3 stride 2               15
 *
 * A stream keeps the last `sight - subsampling` frames, so that its chunks see what whole utterances see.
 */
#include "model/conformer_parts.h"

#include <string.h>

static int kernel_of(const ting_conformer_config *config, int conv)
{
    return config->subsampling == 6 && conv == 1 ? 5 : 3;
}

static int stride_of(const ting_conformer_config *config, int conv)
{
    return config->subsampling == 6 && conv == 1 ? 3 : 2;
}

static int convs_of(const ting_conformer_config *config)
{
    return config->subsampling == 8 ? 3 : 2;
}

int ting_conformer_sight(const ting_conformer_config *config)
{
    int sight = 1;
    for (int i = convs_of(config) - 1; i >= 0; i--)
        sight = (sight - 1) * stride_of(config, i) + kernel_of(config, i);
    return sight;
}

int ting_conformer_rows(const ting_conformer_config *config, int frames)
{
    const int sight = ting_conformer_sight(config);
    return frames < sight ? 0 : (frames - sight) / config->subsampling + 1;
}

void ting_conformer_embed_declare(ting_params *params, const ting_conformer_config *config, ting_conformer_embed *embed)
{
    int freq = config->features, channels = 1;
    embed->convs = convs_of(config);
    for (int i = 0; i < embed->convs; i++) {
        const int kernel = kernel_of(config, i), stride = stride_of(config, i);
        embed->shape[i] = (ting_conv2d_shape){.freq = freq, .in_channels = channels, .out_channels = config->dim,
                                              .kernel_t = kernel, .kernel_f = kernel, .stride_t = stride, .stride_f = stride};
        const ting_init init = ting_init_fan_in(channels * kernel * kernel);
        embed->w[i] = ting_param_init(ting_params_add(params, TING_PARAM_FILTERS, 4,
                                                      (int[]){config->dim, channels, kernel, kernel},
                                                      "encoder.embed.conv.%d.weight", 2 * i), init);
        embed->b[i] = ting_param_init(
            ting_params_add(params, TING_PARAM_VALUES, 1, &config->dim, "encoder.embed.conv.%d.bias", 2 * i), init);
        freq = freq < kernel ? 0 : (freq - kernel) / stride + 1;
        channels = config->dim;
    }
    /* as a convolution whose kernel is all frequencies, which puts its columns in our order */
    const char *name = config->subsampling == 4 ? "out.0" : "linear";
    const ting_init init = ting_init_fan_in(channels * freq);
    embed->out_w = ting_param_init(ting_params_add(params, TING_PARAM_FILTERS, 4, (int[]){config->dim, channels, 1, freq},
                                                   "encoder.embed.%s.weight", name), init);
    embed->out_b = ting_param_init(ting_params_add(params, TING_PARAM_VALUES, 1, &config->dim, "encoder.embed.%s.bias", name),
                                   init);
}

/* Kept frames before the new ones, segment by segment; the state then keeps the last ones. */
static ting_tensor with_kept(ting_ctx *ctx, const ting_conformer *model, ting_tensor x, ting_segments segments,
                             ting_conformer_state *const *states, int *start)
{
    const int kept = ting_conformer_sight(&model->config) - model->config.subsampling;
    const size_t row = (size_t)x.cols * sizeof(ting_real);
    start[0] = 0;
    for (int s = 0; s < segments.count; s++)
        start[s + 1] = start[s] + segments.start[s + 1] - segments.start[s] + (states[s]->rows > 0 ? kept : 0);
    ting_tensor y = ting_ctx_constant(ctx, start[segments.count], x.cols);
    for (int s = 0; s < segments.count && ctx->err == TING_OK; s++) {
        int at = start[s];
        if (states[s]->rows > 0)
            for (int t = 0; t < kept; t++)
                memcpy(ting_row(y, at++), states[s]->frames + (size_t)t * (size_t)x.cols, row);
        for (int t = segments.start[s]; t < segments.start[s + 1]; t++)
            memcpy(ting_row(y, at++), ting_row(x, t), row);
        for (int t = 0; t < kept; t++)
            memcpy(states[s]->frames + (size_t)t * (size_t)x.cols, ting_row(y, start[s + 1] - kept + t), row);
    }
    return y;
}

ting_tensor ting_conformer_embed_forward(ting_ctx *ctx, const ting_conformer *model, ting_tensor x, ting_segments segments,
                                         ting_conformer_state *const *states, int *out_start)
{
    const ting_conformer_embed *e = &model->embed;
    const ting_tensor none = {0};
    ting_segments at = segments;
    if (states != NULL) {
        int *start = ting_ctx_ints(ctx, segments.count + 1);
        if (start == NULL)
            return none;
        x = with_kept(ctx, model, x, segments, states, start);
        at.start = start;
    }
    for (int i = 0; i < e->convs; i++) {
        int *start = i + 1 == e->convs ? out_start : ting_ctx_ints(ctx, segments.count + 1);
        if (start == NULL)
            return none;
        x = ting_conv2d(ctx, x, at, &e->shape[i], e->w[i], e->b[i], TING_ACT_RELU, start);
        at.start = start;
    }
    const ting_conv2d_shape shape = {.freq = e->out_w->shape[3], .in_channels = model->config.dim,
                                     .out_channels = model->config.dim, .kernel_t = 1, .kernel_f = e->out_w->shape[3],
                                     .stride_t = 1, .stride_f = 1};
    int *start = ting_ctx_ints(ctx, segments.count + 1);
    if (start == NULL || ctx->err != TING_OK)
        return none;
    return ting_conv2d(ctx, x, at, &shape, e->out_w, e->out_b, TING_ACT_NONE, start);
}
