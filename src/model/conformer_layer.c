/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conformer_layer.c - one layer (Gulati 2020, figure 1; WeNet encoder_layer.py, attention.py, convolution.py):
 *
 *     x += ffn(norm x) / 2                                                                     macaron only
 *     x += attention(norm x)
 *     x += pointwise(act(norm(depthwise(glu(pointwise(norm x))))))
 *     x += ffn(norm x) / 2                                             whole without macaron
 *     x  = norm x
 *
 * Attention with biases (u, v per head, p the projected positions):
 *     RELATIVE   score(i, j) = ((q_i + u) k_j + (q_i + v) p_j) / sqrt(d)
 *     SHIFTED    score(i, j) = ((q_i + u) k_j + (q_i + v) p_(i-j)) / sqrt(d)
 *
 * The causal convolution of the reference pads its input with zeros before the first pointwise convolution, so what
 * stands before an utterance is glu(bias), not zero: `before` makes it, with its gradient.
 */
#include "model/conformer_parts.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const ting_real norm_eps = (ting_real)1e-5;

/* A parameter of `dim` numbers that all start as `value`. */
static const ting_param *declare_constant(ting_params *params, ting_param_role role, int dim, double value,
                                          const char *prefix, const char *name)
{
    return ting_param_init(ting_params_add(params, role, 1, &dim, "%s%s", prefix, name), ting_init_constant(value));
}

ting_conformer_norm_params ting_conformer_norm_declare(ting_params *params, int dim, const char *prefix, const char *name)
{
    char weight[64], bias[64];
    snprintf(weight, sizeof weight, "%s.weight", name);
    snprintf(bias, sizeof bias, "%s.bias", name);
    return (ting_conformer_norm_params){declare_constant(params, TING_PARAM_VALUES, dim, 1, prefix, weight),
                                        declare_constant(params, TING_PARAM_VALUES, dim, 0, prefix, bias)};
}

static ting_conformer_ffn declare_ffn(ting_params *params, const ting_conformer_config *c, const char *prefix,
                                      const char *name)
{
    char inner[64], outer[64];
    snprintf(inner, sizeof inner, "%s.w_1", name);
    snprintf(outer, sizeof outer, "%s.w_2", name);
    return (ting_conformer_ffn){ting_linear_declare(params, c->feedforward, c->dim, prefix, inner),
                                ting_linear_declare(params, c->dim, c->feedforward, prefix, outer)};
}

static void declare_attention(ting_params *params, const ting_conformer_config *c, const char *prefix,
                              ting_conformer_layer *layer)
{
    layer->query = ting_linear_declare(params, c->dim, c->dim, prefix, "self_attn.linear_q");
    layer->key = ting_linear_declare(params, c->dim, c->dim, prefix, "self_attn.linear_k");
    layer->value = ting_linear_declare(params, c->dim, c->dim, prefix, "self_attn.linear_v");
    layer->out = ting_linear_declare(params, c->dim, c->dim, prefix, "self_attn.linear_out");
    if (c->positions == TING_POSITIONS_ABSOLUTE)
        return;
    const int shape[2] = {c->heads, c->dim / c->heads};
    const ting_init xavier = ting_init_uniform(sqrt(6.0 / (shape[0] + shape[1]))); /* Glorot 2010, uniform */
    layer->position.weight = ting_param_init(ting_params_add(params, TING_PARAM_MATRIX, 2, (int[]){c->dim, c->dim},
                                                             "%sself_attn.linear_pos.weight", prefix),
                                             ting_init_fan_in(c->dim));
    layer->bias_u = ting_param_init(ting_params_add(params, TING_PARAM_VALUES, 2, shape, "%sself_attn.pos_bias_u", prefix),
                                    xavier);
    layer->bias_v = ting_param_init(ting_params_add(params, TING_PARAM_VALUES, 2, shape, "%sself_attn.pos_bias_v", prefix),
                                    xavier);
}

static void declare_conv(ting_params *params, const ting_conformer_config *c, const char *prefix, ting_conformer_layer *layer)
{
    layer->in = ting_linear_declare(params, 2 * c->dim, c->dim, prefix, "conv_module.pointwise_conv1");
    const ting_init taps = ting_init_fan_in(c->kernel);
    layer->taps = ting_param_init(ting_params_add(params, TING_PARAM_TAPS, 3, (int[]){c->dim, 1, c->kernel},
                                                  "%sconv_module.depthwise_conv.weight", prefix), taps);
    layer->taps_bias = ting_param_init(
        ting_params_add(params, TING_PARAM_VALUES, 1, &c->dim, "%sconv_module.depthwise_conv.bias", prefix), taps);
    const ting_conformer_norm_params n = ting_conformer_norm_declare(params, c->dim, prefix, "conv_module.norm");
    layer->conv_norm = (ting_batch_norm_weights){.gamma = n.weight, .beta = n.bias};
    if (c->norm == TING_CONV_BATCH_NORM) {
        layer->conv_norm.mean = declare_constant(params, TING_PARAM_STATISTICS, c->dim, 0, prefix,
                                                 "conv_module.norm.running_mean");
        layer->conv_norm.variance = declare_constant(params, TING_PARAM_STATISTICS, c->dim, 1, prefix,
                                                     "conv_module.norm.running_var");
    }
    layer->back = ting_linear_declare(params, c->dim, c->dim, prefix, "conv_module.pointwise_conv2");
}

void ting_conformer_layer_declare(ting_params *params, const ting_conformer_config *c, int index, ting_conformer_layer *layer)
{
    char prefix[64];
    snprintf(prefix, sizeof prefix, "encoder.encoders.%d.", index);
    if (c->macaron) {
        layer->norm_ffn_before = ting_conformer_norm_declare(params, c->dim, prefix, "norm_ff_macaron");
        layer->ffn_before = declare_ffn(params, c, prefix, "feed_forward_macaron");
    }
    layer->norm_attention = ting_conformer_norm_declare(params, c->dim, prefix, "norm_mha");
    declare_attention(params, c, prefix, layer);
    layer->norm_conv = ting_conformer_norm_declare(params, c->dim, prefix, "norm_conv");
    declare_conv(params, c, prefix, layer);
    layer->norm_ffn = ting_conformer_norm_declare(params, c->dim, prefix, "norm_ff");
    layer->ffn = declare_ffn(params, c, prefix, "feed_forward");
    layer->norm_final = ting_conformer_norm_declare(params, c->dim, prefix, "norm_final");
}

/* ---- forward ---- */

static ting_tensor norm(ting_ctx *ctx, ting_tensor x, ting_conformer_norm_params p)
{
    return ting_layer_norm(ctx, x, p.weight, p.bias, norm_eps);
}

static ting_tensor feed_forward(ting_ctx *ctx, const ting_conformer_config *c, const ting_conformer_ffn *ffn, ting_tensor x)
{
    return ting_feed_forward(ctx, x, ffn->inner.weight, ffn->inner.bias, c->act, c->dropout, ffn->outer.weight,
                             ffn->outer.bias);
}

/* Rows of the caches before the new rows of each segment; the caches then keep the last ones. */
static ting_tensor with_cache(ting_ctx *ctx, const ting_conformer_run *run, int index, bool values, ting_tensor x)
{
    ting_conformer_state *const *states = run->mode->states;
    const size_t row = (size_t)x.cols * sizeof(ting_real);
    if (states == NULL)
        return x;
    ting_tensor y = ting_ctx_constant(ctx, run->keys.start[run->keys.count], x.cols);
    for (int s = 0; s < run->keys.count && ctx->err == TING_OK; s++) {
        const ting_conformer_cache *cache = &states[s]->layer[index];
        ting_real *block = values ? cache->value : cache->key;
        const int first = run->keys.start[s], have = run->keys.start[s + 1] - first, keep = ting_conformer_keep(states[s], have);
        for (int t = 0; t < have; t++)
            memcpy(ting_row(y, first + t),
                   t < states[s]->kept ? block + (size_t)t * (size_t)x.cols
                                       : ting_row(x, run->rows.start[s] + t - states[s]->kept), row);
        for (int t = 0; t < keep; t++)
            memcpy(block + (size_t)t * (size_t)x.cols, ting_row(y, first + have - keep + t), row);
    }
    return y;
}

/* The rows of v that q chooses by k, with the positions of the configuration. */
static ting_tensor choose(ting_ctx *ctx, const ting_conformer_config *c, const ting_conformer_layer *layer, ting_tensor q,
                          ting_tensor k, ting_tensor v, const ting_conformer_run *run)
{
    const ting_real factor = (ting_real)(1 / sqrt((double)(c->dim / c->heads)));
    const bool dropped = ctx->training && c->attention_dropout > 0; /* weights, one by one */
    ting_tensor qv = {0}, p = {0};
    if (c->positions != TING_POSITIONS_ABSOLUTE) {
        p = ting_linear_apply(ctx, run->positions, layer->position, TING_ACT_NONE);
        qv = ting_add(ctx, q, ting_param_row(layer->bias_v));
        q = ting_add(ctx, q, ting_param_row(layer->bias_u));
    }
    if (c->positions != TING_POSITIONS_SHIFTED && !dropped)
        return ting_attend(ctx, &run->attention, q, k, v, qv, p, factor);
    const bool shifted = c->positions == TING_POSITIONS_SHIFTED;
    const ting_tensor scores = ting_attn_scores(ctx, &run->attention, q, k, shifted ? ting_scale(ctx, qv, factor) : qv, p,
                                                shifted ? run->position_zero : TING_POSITIONS_OF_KEYS, factor);
    const ting_tensor weights = ting_attn_softmax_in_place(ctx, &run->attention, scores);
    return ting_attn_apply(ctx, &run->attention, ting_dropout(ctx, weights, c->attention_dropout), v, c->heads);
}

static ting_tensor attend(ting_ctx *ctx, const ting_conformer *model, int index, ting_tensor x, const ting_conformer_run *run)
{
    const ting_conformer_config *c = &model->config;
    const ting_conformer_layer *layer = &model->layers[index];
    ting_tensor q = ting_linear_apply(ctx, x, layer->query, TING_ACT_NONE);
    ting_tensor k = with_cache(ctx, run, index, false, ting_linear_apply(ctx, x, layer->key, TING_ACT_NONE));
    ting_tensor v = with_cache(ctx, run, index, true, ting_linear_apply(ctx, x, layer->value, TING_ACT_NONE));
    if (ctx->err != TING_OK)
        return (ting_tensor){0};
    return ting_linear_apply(ctx, choose(ctx, c, layer, q, k, v, run), layer->out, TING_ACT_NONE);
}

/* glu(pointwise x): [T, dim] */
static ting_tensor gated(ting_ctx *ctx, const ting_conformer_layer *layer, ting_tensor x)
{
    x = ting_linear_apply(ctx, x, layer->in, TING_ACT_NONE);
    if (ctx->err != TING_OK)
        return (ting_tensor){0};
    const int dim = x.cols / 2;
    return ting_mul_act(ctx, TING_ACT_SIGMOID, ting_cols(x, 0, dim), ting_cols(x, dim, dim));
}

/* What stands before each segment: [segments (kernel - 1), dim] with its segments. */
static ting_tensor before(ting_ctx *ctx, const ting_conformer *model, int index, const ting_conformer_run *run, int *start)
{
    const ting_conformer_config *c = &model->config;
    const int back = c->kernel - 1, count = run->rows.count;
    for (int s = 0; s <= count; s++)
        start[s] = s * back;
    ting_tensor zeros = ting_ctx_constant(ctx, count * back, c->dim);
    if (ctx->err != TING_OK)
        return zeros;
    memset(zeros.data, 0, (size_t)zeros.rows * (size_t)zeros.ld * sizeof *zeros.data);
    ting_tensor y = gated(ctx, &model->layers[index], zeros);
    for (int s = 0; run->mode->states != NULL && s < count && ctx->err == TING_OK; s++)
        for (int t = 0; run->mode->states[s]->rows > 0 && t < back; t++)
            memcpy(ting_row(y, start[s] + t), run->mode->states[s]->layer[index].conv + (size_t)t * (size_t)c->dim,
                   (size_t)c->dim * sizeof *y.data);
    return y;
}

/* The states keep the last inputs of the depthwise convolution. */
static void keep_inputs(const ting_conformer *model, int index, const ting_conformer_run *run, ting_tensor x,
                        ting_segments segments)
{
    const int back = model->config.kernel - 1;
    for (int s = 0; run->mode->states != NULL && s < segments.count; s++)
        for (int t = 0; t < back; t++)
            memcpy(run->mode->states[s]->layer[index].conv + (size_t)t * (size_t)x.cols,
                   ting_row(x, segments.start[s + 1] - back + t), (size_t)x.cols * sizeof *x.data);
}

static ting_tensor convolve(ting_ctx *ctx, const ting_conformer *model, int index, ting_tensor x,
                            const ting_conformer_run *run)
{
    const ting_conformer_config *c = &model->config;
    const ting_conformer_layer *layer = &model->layers[index];
    const int half = c->causal ? 0 : c->kernel / 2;
    const int count = run->rows.count;
    ting_segments segments = run->rows;
    int *starts = ting_ctx_ints(ctx, 3 * (count + 1));
    if (starts == NULL)
        return (ting_tensor){0};
    x = gated(ctx, layer, x);
    if (c->causal && c->kernel > 1) {
        ting_tensor past = before(ctx, model, index, run, starts);
        x = ting_concat_time(ctx, past, (ting_segments){count, starts}, x, run->rows);
        for (int s = 0; s <= count; s++)
            starts[count + 1 + s] = run->rows.start[s] + s * (c->kernel - 1);
        segments.start = starts + count + 1;
        if (ctx->err == TING_OK)
            keep_inputs(model, index, run, x, segments);
    }
    x = ting_depthwise(ctx, x, segments, half, half, layer->taps, layer->taps_bias, starts + 2 * (count + 1));
    x = c->norm == TING_CONV_LAYER_NORM
            ? ting_layer_norm(ctx, x, layer->conv_norm.gamma, layer->conv_norm.beta, norm_eps)
            : ting_batch_norm(ctx, x, &layer->conv_norm, norm_eps);
    x = ting_activate(ctx, c->act, x);
    return ting_linear_apply(ctx, x, layer->back, TING_ACT_NONE);
}

ting_tensor ting_conformer_layer_forward(ting_ctx *ctx, const ting_conformer *model, int index, ting_tensor x,
                                         const ting_conformer_run *run)
{
    const ting_conformer_config *c = &model->config;
    const ting_conformer_layer *layer = &model->layers[index];
    const ting_real part = c->macaron ? (ting_real)0.5 : 1;
    if (c->macaron)
        x = ting_residual(ctx, x, feed_forward(ctx, c, &layer->ffn_before, norm(ctx, x, layer->norm_ffn_before)), part, c->dropout);
    x = ting_residual(ctx, x, attend(ctx, model, index, norm(ctx, x, layer->norm_attention), run), 1, c->dropout);
    x = ting_residual(ctx, x, convolve(ctx, model, index, norm(ctx, x, layer->norm_conv), run), 1, c->dropout);
    x = ting_residual(ctx, x, feed_forward(ctx, c, &layer->ffn, norm(ctx, x, layer->norm_ffn)), part, c->dropout);
    return norm(ctx, x, layer->norm_final);
}
