/* SPDX-License-Identifier: Apache-2.0 */
/* zipformer.c - settings, parameters and their names; the forward is in zipformer_forward.c. */
#include "model/zipformer.h"

#include "base/mem.h"
#include "model/zipformer_parts.h"

#include <math.h>
#include <stdio.h>

enum { LAYER_NAME = 96, NAME = 160, MOST_WIDTH = 1 << 24 };

/* Sizes are small, but their products are numbers of columns and rows, which are ints everywhere. */
static ting_err check_products(const ting_zipformer_stack_config *s, int i)
{
    const struct {
        const char *what;
        long long size;
    } rules[] = {
        {"queries, keys and positions of all heads", (long long)s->heads * (2 * s->query_dim + s->pos_head_dim)},
        {"values of all heads", (long long)s->heads * s->value_dim},
        {"taps of all channels", (long long)s->dim * s->kernel},
    };
    for (size_t k = 0; k < sizeof rules / sizeof rules[0]; k++)
        if (rules[k].size > MOST_WIDTH)
            return ting_fail(TING_ERR_MODEL, "zipformer stack %d: %s make %lld numbers, expected at most %d", i,
                             rules[k].what, rules[k].size, MOST_WIDTH);
    return TING_OK;
}

static ting_err check_stack(const ting_zipformer_config *config, int i)
{
    const ting_zipformer_stack_config *s = &config->stack[i];
    const int positive[] = {s->layers,      s->dim,       s->heads,
                            s->query_dim,   s->value_dim, s->pos_head_dim,
                            s->feedforward, s->kernel,    s->downsampling};
    for (size_t k = 0; k < sizeof positive / sizeof positive[0]; k++)
        if (positive[k] < 1 || positive[k] > 65536)
            return ting_fail(TING_ERR_MODEL,
                             "zipformer stack %d: a size of %d, expected 1 to 65536", i,
                             positive[k]);
    if (s->layers > 256 || s->downsampling > TING_MAX_DOWNSAMPLE)
        return ting_fail(
            TING_ERR_MODEL,
            "zipformer stack %d: %d layers at downsampling %d, expected at most 256 and %d", i,
            s->layers, s->downsampling, TING_MAX_DOWNSAMPLE);
    if (s->kernel % 2 == 0)
        return ting_fail(
            TING_ERR_MODEL,
            "zipformer stack %d: a convolution kernel of %d taps, expected an odd number", i,
            s->kernel);
    if (s->dim < 2 || s->feedforward < 2)
        return ting_fail(TING_ERR_MODEL,
                         "zipformer stack %d: dim %d and feed-forward %d, expected at least 2", i,
                         s->dim, s->feedforward);
    if (config->causal &&
        (config->chunk % s->downsampling != 0 || config->left % s->downsampling != 0))
        return ting_fail(TING_ERR_MODEL,
                         "zipformer stack %d: downsampling %d does not divide the chunk %d and the "
                         "left context %d",
                         i, s->downsampling, config->chunk, config->left);
    if (s->unmasked < 0 || s->unmasked > s->dim)
        return ting_fail(TING_ERR_MODEL, "zipformer stack %d: %d columns that training does not mask, expected 0 to %d", i,
                         s->unmasked, s->dim);
    return check_products(s, i);
}

ting_err ting_zipformer_check(const ting_zipformer_config *config)
{
    if (config->features < 9 || config->features > 4096)
        return ting_fail(TING_ERR_MODEL, "zipformer: %d features, expected 9 to 4096",
                         config->features);
    for (int i = 0; i < 3; i++)
        if (config->embed_channels[i] < 1 || config->embed_channels[i] > 4096)
            return ting_fail(TING_ERR_MODEL,
                             "zipformer: convolution %d has %d channels, expected 1 to 4096", i,
                             config->embed_channels[i]);
    if (config->stacks < 1 || config->stacks > TING_ZIPFORMER_MAX_STACKS)
        return ting_fail(TING_ERR_MODEL, "zipformer: %d stacks, expected 1 to %d", config->stacks,
                         TING_ZIPFORMER_MAX_STACKS);
    if (config->pos_dim < 0 || config->pos_dim % 2 != 0 || config->pos_dim > 65536)
        return ting_fail(TING_ERR_MODEL,
                         "zipformer: position encodings of %d values, expected an even number",
                         config->pos_dim);
    if (config->output_downsampling < 1 || config->output_downsampling > TING_MAX_DOWNSAMPLE)
        return ting_fail(TING_ERR_MODEL, "zipformer: output downsampling %d, expected 1 to %d",
                         config->output_downsampling, TING_MAX_DOWNSAMPLE);
    if (config->causal &&
        (config->chunk < 1 || config->chunk > 4096 || config->left < 1 || config->left > 65536 ||
         config->chunk % config->output_downsampling != 0))
        return ting_fail(TING_ERR_MODEL,
                         "zipformer: chunks of %d rows with %d to the left cannot stream",
                         config->chunk, config->left);
    if (!config->causal && config->pos_dim == 0)
        return ting_fail(TING_ERR_MODEL, "zipformer: position tables need a causal model");
    for (int i = 0; i < config->stacks; i++)
        if (check_stack(config, i) != TING_OK)
            return TING_ERR_MODEL;
    return TING_OK;
}

int ting_zip_embed_width(int features)
{
    return ((features - 1) / 2 - 1) / 2;
}

/* ---- declarations ---- */

static const ting_param *declare(ting_params *params, ting_param_role role, int dims, const int *shape,
                                 ting_init init, const char *module, const char *name)
{
    return ting_param_init(ting_params_add(params, role, dims, shape, "%s.%s", module, name), init);
}

static const ting_param *values(ting_params *params, int n, ting_init init, const char *module, const char *name)
{
    return declare(params, TING_PARAM_VALUES, 1, &n, init, module, name);
}

static const ting_init zero = {TING_INIT_CONSTANT, 0}, half = {TING_INIT_CONSTANT, 0.5}, one = {TING_INIT_CONSTANT, 1};
static const ting_init norm_bias = {TING_INIT_NORMAL, 1e-4}; /* BiasNorm; its log_scale starts as 1 */

ting_zip_module ting_zip_declare_module(ting_params *params, int in_n, int out_k, int dim, double out_scale,
                                        const char *name)
{
    char prefix[NAME];
    ting_zip_module module;
    snprintf(prefix, sizeof prefix, "%s%s", name, name[0] == '\0' ? "" : ".");
    module.in = ting_linear_declare(params, in_n, dim, prefix, "in_proj");
    module.out = ting_linear_declare_scaled(params, dim, out_k, out_scale, prefix, "out_proj");
    return module;
}

ting_zip_conv_module ting_zip_declare_conv(ting_params *params, int dim, int kernel, bool causal,
                                           const char *name)
{
    char conv[NAME], part[NAME + 16];
    const ting_init taps = ting_init_fan_in(kernel);
    ting_zip_module ends = ting_zip_declare_module(params, 2 * dim, dim, dim, 0.05, name);
    ting_zip_conv_module module = {.in = ends.in, .out = ends.out};
    snprintf(conv, sizeof conv, "%s%sdepthwise_conv", name, name[0] == '\0' ? "" : ".");
    if (!causal) {
        module.conv.chunk_w = declare(params, TING_PARAM_TAPS, 3, (int[]){dim, 1, kernel}, taps, conv, "weight");
        module.conv.chunk_b = values(params, dim, taps, conv, "bias");
        return module;
    }
    snprintf(part, sizeof part, "%s.causal_conv", conv);
    module.conv.causal_w = declare(params, TING_PARAM_TAPS, 3, (int[]){dim, 1, (kernel + 1) / 2},
                                   ting_init_fan_in((kernel + 1) / 2), part, "weight");
    module.conv.causal_b = values(params, dim, ting_init_scaled_bias(1), part, "bias");
    snprintf(part, sizeof part, "%s.chunkwise_conv", conv);
    module.conv.chunk_w = declare(params, TING_PARAM_TAPS, 3, (int[]){dim, 1, kernel}, taps, part, "weight");
    module.conv.chunk_b = values(params, dim, taps, part, "bias");
    module.conv.edge_scale = declare(params, TING_PARAM_VALUES, 3, (int[]){2, dim, kernel}, zero, conv,
                                     "chunkwise_conv_scale");
    return module;
}

/* Queries and keys share what other attentions divide by, the root of the head's size. */
static void declare_attention(const ting_zipformer_config *config, const ting_zipformer_stack_config *s,
                              ting_params *params, const char *name, ting_zip_layer *layer)
{
    const int heads = s->heads, positions = (config->left + 2 * config->chunk) / s->downsampling - 1;
    layer->attention = ting_linear_declare_scaled(params, heads * (2 * s->query_dim + s->pos_head_dim), s->dim,
                                                  pow(s->query_dim, -0.25), name, ".self_attn_weights.in_proj");
    if (config->pos_dim > 0)
        layer->pos = declare(params, TING_PARAM_VALUES, 2, (int[]){heads * s->pos_head_dim, config->pos_dim},
                             ting_init_scaled(config->pos_dim, 0.05), name, "self_attn_weights.linear_pos.weight");
    else
        layer->pos = declare(params, TING_PARAM_VALUES, 2, (int[]){positions, heads * s->pos_head_dim},
                             (ting_init){TING_INIT_NONE, 0}, name, "self_attn_weights.linear_pos.table");
}

static void declare_layer(const ting_zipformer_config *config, const ting_zipformer_stack_config *s,
                          ting_params *params, const char *name, ting_zip_layer *layer)
{
    char part[NAME];
    int dim = s->dim, heads = s->heads,
        hidden[3] = {s->feedforward * 3 / 4, s->feedforward, s->feedforward * 5 / 4};
    layer->config = s;
    declare_attention(config, s, params, name, layer);
    for (int i = 0; i < 2; i++) {
        snprintf(part, sizeof part, "%s.self_attn%d", name, i + 1);
        layer->attend[i] =
            ting_zip_declare_module(params, heads * s->value_dim, heads * s->value_dim, dim, 0.05, part);
        snprintf(part, sizeof part, "%s.conv_module%d", name, i + 1);
        layer->conv[i] = ting_zip_declare_conv(params, dim, s->kernel, config->causal, part);
    }
    for (int i = 0; i < 3; i++) {
        snprintf(part, sizeof part, "%s.feed_forward%d", name, i + 1);
        layer->feedforward[i] = ting_zip_declare_module(params, hidden[i], hidden[i], dim, 0.1, part);
    }
    snprintf(part, sizeof part, "%s.nonlin_attention", name);
    layer->nonlin = ting_zip_declare_module(params, 3 * (3 * dim / 4), 3 * dim / 4, dim, 0.05, part);
    layer->norm_bias = values(params, dim, norm_bias, name, "norm.bias");
    layer->norm_scale = declare(params, TING_PARAM_VALUES, 0, NULL, one, name, "norm.log_scale");
    layer->bypass = values(params, dim, half, name, "bypass.bypass_scale");
    layer->bypass_mid = values(params, dim, half, name, "bypass_mid.bypass_scale");
}

static void declare_embed(const ting_zipformer_config *config, ting_params *params,
                          ting_zip_embed *embed)
{
    static const int place[3] = {0, 4, 7}; /* in the reference's sequence of modules */
    const int *c = config->embed_channels;
    const int dim = config->stack[0].dim, hidden = 3 * c[2], width = ting_zip_embed_width(config->features);
    for (int i = 0; i < 3; i++) {
        const int from = i == 0 ? 1 : c[i - 1];
        char conv[NAME];
        snprintf(conv, sizeof conv, "encoder_embed.conv.%d", place[i]);
        embed->conv_w[i] = declare(params, TING_PARAM_FILTERS, 4, (int[]){c[i], from, 3, 3}, ting_init_fan_in(9 * from),
                                   conv, "weight");
        embed->conv_b[i] = values(params, c[i], ting_init_fan_in(9 * from), conv, "bias");
    }
    const char *next = "encoder_embed.convnext", *out = "encoder_embed.out";
    embed->depthwise_w = declare(params, TING_PARAM_TAPS, 4, (int[]){c[2], 1, 7, 7}, ting_init_fan_in(49), next,
                                 "depthwise_conv.weight");
    embed->depthwise_b = values(params, c[2], ting_init_fan_in(49), next, "depthwise_conv.bias");
    /* linear layers with the shape that the reference, which has them as convolutions, gives them */
    embed->pointwise[0].weight = declare(params, TING_PARAM_MATRIX, 4, (int[]){hidden, c[2], 1, 1},
                                         ting_init_fan_in(c[2]), next, "pointwise_conv1.weight");
    embed->pointwise[0].bias = values(params, hidden, ting_init_fan_in(c[2]), next, "pointwise_conv1.bias");
    embed->pointwise[1].weight = declare(params, TING_PARAM_MATRIX, 4, (int[]){c[2], hidden, 1, 1},
                                         ting_init_scaled(hidden, 0.01), next, "pointwise_conv2.weight");
    embed->pointwise[1].bias = values(params, c[2], ting_init_scaled_bias(0.01), next, "pointwise_conv2.bias");
    embed->out.weight = declare(params, TING_PARAM_FILTERS, 4, (int[]){dim, c[2], 1, width},
                                ting_init_fan_in(c[2] * width), out, "weight");
    embed->out.bias = values(params, dim, ting_init_fan_in(c[2] * width), out, "bias");
    embed->norm_bias = values(params, dim, norm_bias, "encoder_embed", "out_norm.bias");
    embed->norm_scale = declare(params, TING_PARAM_VALUES, 0, NULL, one, "encoder_embed", "out_norm.log_scale");
}

static ting_err declare_stack(ting_zipformer *model, int i, ting_params *params)
{
    const ting_zipformer_stack_config *s = &model->config.stack[i];
    ting_zip_stack *stack = &model->stack[i];
    bool slow = s->downsampling > 1;
    stack->layers = ting_alloc((size_t)s->layers, sizeof *stack->layers);
    if (stack->layers == NULL)
        return TING_ERR_MEMORY;
    for (int j = 0; j < s->layers; j++) {
        char name[LAYER_NAME];
        snprintf(name, sizeof name, "encoder.encoders.%d%s.layers.%d", i, slow ? ".encoder" : "",
                 j);
        declare_layer(&model->config, s, params, name, &stack->layers[j]);
    }
    if (slow) {
        char name[LAYER_NAME];
        snprintf(name, sizeof name, "encoder.encoders.%d", i);
        stack->downsample = values(params, s->downsampling, zero, name, "downsample.bias");
        stack->combine = values(params, s->dim, half, name, "out_combiner.bypass_scale");
    }
    return TING_OK;
}

ting_err ting_zipformer_new(const ting_zipformer_config *config, ting_params *params,
                            ting_zipformer **out)
{
    ting_err err = TING_OK;
    ting_zipformer *model = NULL;
    TRY(ting_zipformer_check(config));
    model = ting_alloc(1, sizeof *model);
    if (model == NULL)
        return TING_ERR_MEMORY;
    model->config = *config;
    declare_embed(&model->config, params, &model->embed);
    for (int i = 0; i < config->stacks; i++)
        TRY(declare_stack(model, i, params));
    model->downsample = values(params, config->output_downsampling, zero, "encoder", "downsample_output.bias");
    TRY(ting_params_declared(params));
out:
    if (err != TING_OK) {
        ting_zipformer_free(model);
        model = NULL;
    }
    *out = model;
    return err;
}

void ting_zipformer_free(ting_zipformer *model)
{
    if (model == NULL)
        return;
    for (int i = 0; i < model->config.stacks; i++) {
        for (int j = 0; model->stack[i].layers != NULL && j < model->config.stack[i].layers; j++)
            ting_free(model->stack[i].layers[j].pos_table);
        ting_free(model->stack[i].layers);
    }
    ting_free(model);
}

const ting_zipformer_config *ting_zipformer_settings(const ting_zipformer *model)
{
    return &model->config;
}

int ting_zipformer_rows(int frames)
{
    return frames < 9 ? 0 : (frames - 7) / 2;
}

int ting_zipformer_dim(const ting_zipformer *model)
{
    int widest = 0;
    for (int i = 0; i < model->config.stacks; i++)
        if (model->config.stack[i].dim > widest)
            widest = model->config.stack[i].dim;
    return widest;
}

/* ---- positions ---- */

void ting_zipformer_positions(int time, int left, int dim, double length_factor, ting_real *out)
{
    const double pi = 3.14159265358979323846;
    double root = sqrt((double)dim);
    for (int i = 0; i < left + 2 * time - 1; i++) {
        double x = i - (time + left - 1), size = fabs(x);
        double squeezed = (x < 0 ? -root : root) * (log(size + root) - log(root));
        double angle = atan(squeezed * 2 * pi / (length_factor * dim));
        for (int k = 0; k < dim / 2; k++) {
            *out++ = (ting_real)cos(angle * (k + 1));
            *out++ = (ting_real)sin(angle * (k + 1));
        }
        out[-1] = 1; /* the last column is a bias */
    }
}

/* table [rows, n] = positions [rows, k] W^T */
static void project(int rows, int n, int k, const ting_real *positions, const ting_real *w,
                    ting_real *table)
{
    for (int r = 0; r < rows; r++)
        for (int i = 0; i < n; i++) {
            double sum = 0;
            for (int j = 0; j < k; j++)
                sum += (double)positions[(size_t)r * (size_t)k + (size_t)j] *
                       (double)w[(size_t)i * (size_t)k + (size_t)j];
            table[(size_t)r * (size_t)n + (size_t)i] = (ting_real)sum;
        }
}

ting_err ting_zipformer_prepare(ting_zipformer *model)
{
    ting_err err = TING_OK;
    const ting_zipformer_config *config = &model->config;
    ting_real *positions = NULL;
    if (!config->causal || config->pos_dim == 0)
        return TING_OK;
    positions = ting_alloc((size_t)(config->left + 2 * config->chunk) * (size_t)config->pos_dim,
                           sizeof *positions);
    if (positions == NULL)
        return TING_ERR_MEMORY;
    for (int i = 0; i < config->stacks; i++) {
        const ting_zipformer_stack_config *s = &config->stack[i];
        int chunk = config->chunk / s->downsampling, left = config->left / s->downsampling;
        int rows = left + 2 * chunk - 1, cols = s->heads * s->pos_head_dim;
        ting_zipformer_positions(chunk, left, config->pos_dim, 1, positions);
        for (int j = 0; j < s->layers; j++) {
            ting_zip_layer *layer = &model->stack[i].layers[j];
            if (layer->pos_table == NULL)
                layer->pos_table =
                    ting_alloc((size_t)rows * (size_t)cols, sizeof *layer->pos_table);
            if (layer->pos_table == NULL) {
                err = TING_ERR_MEMORY;
                goto out;
            }
            project(rows, cols, config->pos_dim, positions, layer->pos->t.data, layer->pos_table);
        }
    }
out:
    ting_free(positions);
    return err;
}
