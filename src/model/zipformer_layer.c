/* SPDX-License-Identifier: Apache-2.0 */
/*
 * zipformer_layer.c - the Zip block: attention weights once, used by two self-attentions and the
 * non-linear attention.
 *
 *     w  = softmax(q k + p pos)                      from x
 *     x1 = x + ff1(x) + nonlin(w) + attend1(w) + conv1 + ff2, each from the sum so far
 *     x2 = bypass_mid(x, x1)
 *     x3 = x2 + attend2(w) + conv2 + ff3
 *     y  = bypass(x, norm(x3))
 *
 * What stands here between the lines of the mathematics (balance, whiten, skip, within) acts in training only: nn/steer.h.
 * Chances are drawn in statements of their own, since C leaves the order of arguments open.
 */
#include "model/zipformer_parts.h"

#include "nn/op.h"

/* ---- rules of training (zipformer.py) ---- */

static const ting_ramp dropout = TING_RAMP(0.3, 20000, 0.1);

static const ting_balance_rule balance_keys = {TING_FLAT(0.4), TING_FLAT(0.6), TING_FLAT(0), TING_FLAT(100), TING_FLAT(0.025)};
static const ting_balance_rule balance_hidden = {TING_FLAT(0.3), TING_FLAT(1), TING_FLAT(0.75), TING_FLAT(5),
                                                 TING_BALANCE_CHANCE};
static const ting_balance_rule balance_tanh = {TING_RAMP(0.25, 20000, 0.05), TING_RAMP(0.75, 20000, 0.95), TING_FLAT(0.5),
                                               TING_FLAT(5), TING_BALANCE_CHANCE};
static const ting_balance_rule balance_gate = {TING_RAMP(0.05, 8000, 0.025), TING_FLAT(1), TING_FLAT(1.5),
                                               TING_RAMP(5, 8000, 10), TING_BALANCE_CHANCE};
static const ting_balance_rule balance_conv = {TING_RAMP(0.1, 8000, 0.05), TING_FLAT(1), TING_RAMP(0.2, 20000, 0.5),
                                               TING_FLAT(10), TING_BALANCE_CHANCE};
static const ting_balance_rule balance_nonlin = {TING_FLAT(0.3), TING_FLAT(0.7), TING_RAMP(0.004, 4000, 0.02), TING_FLAT(100),
                                                 TING_FLAT(0.05)};
static const ting_balance_rule balance_forward[2] = { /* of the second and third feed-forward */
    {TING_FLAT(0.3), TING_FLAT(0.7), TING_RAMP(0, 4000, 0.1), TING_FLAT(2), TING_FLAT(0.05)},
    {TING_FLAT(0.3), TING_FLAT(0.7), TING_RAMP(0, 4000, 0.2), TING_FLAT(4), TING_FLAT(0.05)}};
static const ting_balance_rule balance_sum = {TING_FLAT(0.45), TING_FLAT(0.55), TING_FLAT(0.2), TING_FLAT(4),
                                              TING_BALANCE_CHANCE};
static const ting_balance_rule balance_out = {TING_FLAT(0.45), TING_FLAT(0.55), TING_FLAT(0.1), TING_FLAT(4),
                                              TING_BALANCE_CHANCE};

static const ting_whiten_rule whiten_keys = {TING_RAMP(3, 20000, 6), 0.025};
static const ting_whiten_rule whiten_attended = {TING_RAMP(7.5, 20000, 22.5), 0.01};
static const ting_whiten_rule whiten_part = {TING_RAMP(7.5, 20000, 15), 0.01}; /* feed-forward and convolution */
static const ting_whiten_rule whiten_nonlin_in = {TING_RAMP(5, 20000, 10), 0.01};
static const ting_whiten_rule whiten_nonlin = {TING_RAMP(5, 20000, 15), 0.01};
static const ting_whiten_rule whiten_out = {TING_RAMP(4, 20000, 12), 0.01};

static const ting_ramp skip_positions = TING_RAMP(0.5, 4000, 0), level_weights = TING_RAMP(0.25, 4000, 0.025);
static const ting_ramp skip_attention = TING_RAMP3(0.2, 4000, 0.05, 16000, 0); /* and convolution */
static const ting_ramp skip_forward = TING_RAMP3(0.1, 4000, 0.01, 50000, 0);
static const ting_ramp least_bypass = TING_RAMP(0.9, 20000, 0.2);

/* ---- modules ---- */

ting_tensor ting_zip_bypass(ting_ctx *ctx, ting_tensor original, ting_tensor x, const ting_param *scale)
{
    return ting_bypass(ctx, original, x, ting_within(ctx, scale, ting_scheduled(ctx, &least_bypass), 1));
}

double ting_zip_rate_now(const ting_ctx *ctx, const ting_ramp *rate, ting_real less)
{
    return ting_scheduled(ctx, rate) * (1 - (double)less);
}

double ting_zip_dropout_now(const ting_ctx *ctx, ting_real less)
{
    return ting_zip_rate_now(ctx, &dropout, less);
}

ting_tensor ting_zip_norm(ting_ctx *ctx, ting_tensor x, const ting_param *bias, const ting_param *log_scale)
{
    return ting_bias_norm(ctx, x, bias, ting_within(ctx, log_scale, -1.5, 1.5));
}

ting_tensor ting_zip_feedforward(ting_ctx *ctx, const ting_zip_module *module, const ting_zip_run *run, ting_tensor x)
{
    ting_tensor y = ting_feed_forward_balanced(ctx, x, run->segments, module->in.weight, module->in.bias, &balance_hidden,
                                               TING_ACT_SWOOSH_L, ting_zip_dropout_now(ctx, run->less_chance),
                                               module->out.weight, module->out.bias);
    return ting_whiten_by(ctx, y, 1, &whiten_part);
}

/* The distances' projections for this layer. */
static ting_tensor positions(ting_ctx *ctx, const ting_zip_layer *layer, const ting_zip_run *run)
{
    if (run->pos.rows > 0)
        return ting_linear(ctx, run->pos, layer->pos, NULL, TING_ACT_NONE);
    int cols = layer->config->heads * layer->config->pos_head_dim;
    ting_real *table = layer->pos_table != NULL ? layer->pos_table : layer->pos->t.data;
    return (ting_tensor){
        .data = table, .rows = run->left + 2 * run->chunk - 1, .cols = cols, .ld = cols};
}

ting_tensor ting_zip_attention_weights(ting_ctx *ctx, const ting_zip_layer *layer,
                                       const ting_zip_run *run, ting_tensor x)
{
    int keys = layer->config->heads * layer->config->query_dim;
    ting_tensor p = {0}, pos = {0};
    ting_tensor qkp =
        ting_linear_apply(ctx, x, layer->attention, TING_ACT_NONE); /* [T, 2 heads dq + heads dp] */
    if (ctx->err != TING_OK)
        return qkp;
    ting_tensor k = ting_balance(ctx, ting_cols(qkp, keys, keys), &balance_keys);
    k = ting_whiten_by(ctx, k, layer->config->heads, &whiten_keys);
    k = ting_zip_with_cache(ctx, run, TING_ZIP_KEY, run->left, k);
    if (!ting_chance_to_skip(ctx, ting_zip_rate_now(ctx, &skip_positions, run->less_chance))) {
        p = ting_cols(qkp, 2 * keys, qkp.cols - 2 * keys);
        pos = positions(ctx, layer, run);
    }
    ting_tensor scores = ting_attn_scores(ctx, &run->attention, ting_cols(qkp, 0, keys), k, p, pos, run->pos_zero, 1);
    if (ting_chance_to_edit(ctx, 0.1)) /* scores that no trained network has; backward looks at them again */
        return ting_attn_softmax(ctx, &run->attention, ting_excess(ctx, scores, 25, (ting_real)1e-4));
    return ting_attn_softmax_in_place(ctx, &run->attention, scores);
}

/* The same weight for every key that the first head sees at all: a constant. */
static ting_tensor levelled(ting_ctx *ctx, const ting_zip_run *run, ting_tensor weights)
{
    ting_tensor y = ting_ctx_constant(ctx, weights.rows, weights.cols);
    for (int s = 0; s < run->attention.count && ctx->err == TING_OK; s++) {
        const ting_span *span = &run->attention.spans[s];
        for (int i = 0; i < span->q1 - span->q0; i++) {
            const int row = ting_attention_row(&run->attention, s, 0, i), keys = span->k1 - span->k0;
            const ting_real *w = ting_row(weights, row);
            int seen = 0;
            for (int j = 0; j < keys; j++)
                seen += w[j] > 0;
            for (int j = 0; j < keys; j++)
                ting_row(y, row)[j] = w[j] > 0 ? 1 / (ting_real)seen : 0;
        }
    }
    return y;
}

ting_tensor ting_zip_attend(ting_ctx *ctx, const ting_zip_module *module, const ting_zip_run *run,
                            ting_tensor weights, ting_tensor x, ting_zip_cache cache)
{
    ting_tensor v = ting_linear_apply(ctx, x, module->in, TING_ACT_NONE);
    v = ting_zip_with_cache(ctx, run, cache, run->left, v);
    ting_tensor y = ting_attn_apply(ctx, &run->attention, weights, v, run->attention.heads);
    return ting_whiten_by(ctx, ting_linear_apply(ctx, y, module->out, TING_ACT_NONE), 1, &whiten_attended);
}

/* out((A (b tanh(a))) c), A the weights of the first head. */
ting_tensor ting_zip_nonlin(ting_ctx *ctx, const ting_zip_module *module, const ting_zip_run *run,
                            ting_tensor weights, ting_tensor x)
{
    ting_tensor abc = ting_linear_apply(ctx, x, module->in, TING_ACT_NONE);
    if (ctx->err != TING_OK)
        return abc;
    int hidden = abc.cols / 3;
    ting_tensor a = ting_balance(ctx, ting_cols(abc, 0, hidden), &balance_tanh);
    ting_tensor b = ting_whiten_by(ctx, ting_cols(abc, hidden, hidden), 1, &whiten_nonlin_in);
    ting_tensor v = ting_mul_act(ctx, TING_ACT_TANH, b, a);
    v = ting_zip_with_cache(ctx, run, TING_ZIP_NONLIN, run->left, v);
    ting_tensor y = ting_attn_apply(ctx, &run->attention, weights, v, 1);
    y = ting_mul(ctx, y, ting_cols(abc, 2 * hidden, hidden));
    return ting_whiten_by(ctx, ting_linear_apply(ctx, y, module->out, TING_ACT_NONE), 1, &whiten_nonlin);
}

ting_tensor ting_zip_convolve(ting_ctx *ctx, const ting_zip_conv_module *module,
                              const ting_zip_run *run, ting_tensor x, ting_zip_cache cache)
{
    ting_tensor both = ting_linear_apply(ctx, x, module->in, TING_ACT_NONE);
    if (ctx->err != TING_OK)
        return both;
    int dim = both.cols / 2;
    ting_tensor gate = ting_balance(ctx, ting_cols(both, dim, dim), &balance_gate);
    ting_tensor y = ting_mul_act(ctx, TING_ACT_SIGMOID, ting_cols(both, 0, dim), gate);
    ting_tensor left = ting_zip_take_cache(ctx, run, cache, module->conv.chunk_w->shape[2] / 2, y);
    y = ting_chunk_conv(ctx, y, run->segments, run->chunk, &module->conv, left);
    y = ting_whiten_by(ctx, ting_balance(ctx, y, &balance_conv), 1, &whiten_part);
    y = ting_activate(ctx, TING_ACT_SWOOSH_R, y);
    return ting_linear_apply(ctx, y, module->out, TING_ACT_NONE);
}

/* ---- the layer ---- */

static const bool *draw(ting_ctx *ctx, const ting_zip_run *run, const ting_ramp *rate)
{
    return ting_draw_segments(ctx, run->segments.count, ting_zip_rate_now(ctx, rate, run->less_chance));
}

/* x + part, and x for the segments that go without. */
static ting_tensor residual(ting_ctx *ctx, const ting_zip_run *run, ting_tensor x, ting_tensor part, const bool *kept)
{
    return ting_segment_add(ctx, x, part, run->segments, kept);
}

/* Attention, convolution, feed-forward: the order of both halves of the layer. */
static ting_tensor half_layer(ting_ctx *ctx, const ting_zip_layer *layer, const ting_zip_run *run, int i, ting_tensor w,
                              ting_tensor x, const bool *attending)
{
    x = residual(ctx, run, x, ting_zip_attend(ctx, &layer->attend[i], run, w, x, i == 0 ? TING_ZIP_VAL1 : TING_ZIP_VAL2),
                 attending);
    const bool *kept = draw(ctx, run, &skip_attention);
    x = residual(ctx, run, x, ting_zip_convolve(ctx, &layer->conv[i], run, x, i == 0 ? TING_ZIP_CONV1 : TING_ZIP_CONV2), kept);
    kept = draw(ctx, run, &skip_forward);
    ting_tensor part = ting_zip_feedforward(ctx, &layer->feedforward[i + 1], run, x);
    return residual(ctx, run, x, ting_balance(ctx, part, &balance_forward[i]), kept);
}

ting_tensor ting_zip_layer_forward(ting_ctx *ctx, const ting_zip_layer *layer,
                                   const ting_zip_run *run, ting_tensor x)
{
    ting_tensor w = ting_zip_attention_weights(ctx, layer, run, x);
    ting_tensor y = residual(ctx, run, x, ting_zip_feedforward(ctx, &layer->feedforward[0], run, x), NULL);
    const bool *attending = draw(ctx, run, &skip_attention);
    const double levelling = ting_zip_rate_now(ctx, &level_weights, run->less_chance);
    ting_tensor mixing = ting_chance_to_skip(ctx, levelling) ? levelled(ctx, run, w) : w;
    ting_tensor part = ting_zip_nonlin(ctx, &layer->nonlin, run, mixing, y);
    y = residual(ctx, run, y, ting_balance(ctx, part, &balance_nonlin), attending);
    y = half_layer(ctx, layer, run, 0, w, y, attending);
    y = ting_zip_bypass(ctx, x, y, layer->bypass_mid);
    y = half_layer(ctx, layer, run, 1, w, y, attending);
    y = ting_zip_norm(ctx, ting_balance(ctx, y, &balance_sum), layer->norm_bias, layer->norm_scale);
    const bool *kept = draw(ctx, run, &run->skip);
    y = ting_skip(ctx, x, ting_zip_bypass(ctx, x, y, layer->bypass), run->segments, kept);
    return ting_whiten_by(ctx, ting_balance(ctx, y, &balance_out), 1, &whiten_out);
}
