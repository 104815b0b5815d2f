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
 */
#include "model/zipformer_parts.h"

#include "nn/op.h"

ting_tensor ting_zip_feedforward(ting_ctx *ctx, const ting_zip_module *module, ting_tensor x)
{
    ting_tensor y = ting_linear_apply(ctx, x, module->in, TING_ACT_SWOOSH_L);
    return ting_linear_apply(ctx, y, module->out, TING_ACT_NONE);
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
    ting_tensor qkp =
        ting_linear_apply(ctx, x, layer->attention, TING_ACT_NONE); /* [T, 2 heads dq + heads dp] */
    if (ctx->err != TING_OK)
        return qkp;
    ting_tensor k =
        ting_zip_with_cache(ctx, run, TING_ZIP_KEY, run->left, ting_cols(qkp, keys, keys));
    ting_tensor scores = ting_attn_scores(ctx, &run->attention, ting_cols(qkp, 0, keys), k,
                                          ting_cols(qkp, 2 * keys, qkp.cols - 2 * keys),
                                          positions(ctx, layer, run), run->pos_zero, 1);
    return ting_attn_softmax(ctx, &run->attention, scores);
}

ting_tensor ting_zip_attend(ting_ctx *ctx, const ting_zip_module *module, const ting_zip_run *run,
                            ting_tensor weights, ting_tensor x, ting_zip_cache cache)
{
    ting_tensor v = ting_linear_apply(ctx, x, module->in, TING_ACT_NONE);
    v = ting_zip_with_cache(ctx, run, cache, run->left, v);
    ting_tensor y = ting_attn_apply(ctx, &run->attention, weights, v, run->attention.heads);
    return ting_linear_apply(ctx, y, module->out, TING_ACT_NONE);
}

/* out((A (b tanh(a))) c), A the weights of the first head. */
ting_tensor ting_zip_nonlin(ting_ctx *ctx, const ting_zip_module *module, const ting_zip_run *run,
                            ting_tensor weights, ting_tensor x)
{
    ting_tensor abc = ting_linear_apply(ctx, x, module->in, TING_ACT_NONE);
    if (ctx->err != TING_OK)
        return abc;
    int hidden = abc.cols / 3;
    ting_tensor v =
        ting_mul_act(ctx, TING_ACT_TANH, ting_cols(abc, hidden, hidden), ting_cols(abc, 0, hidden));
    v = ting_zip_with_cache(ctx, run, TING_ZIP_NONLIN, run->left, v);
    ting_tensor y = ting_attn_apply(ctx, &run->attention, weights, v, 1);
    y = ting_mul(ctx, y, ting_cols(abc, 2 * hidden, hidden));
    return ting_linear_apply(ctx, y, module->out, TING_ACT_NONE);
}

ting_tensor ting_zip_convolve(ting_ctx *ctx, const ting_zip_conv_module *module,
                              const ting_zip_run *run, ting_tensor x, ting_zip_cache cache)
{
    ting_tensor both = ting_linear_apply(ctx, x, module->in, TING_ACT_NONE);
    if (ctx->err != TING_OK)
        return both;
    int dim = both.cols / 2;
    ting_tensor y =
        ting_mul_act(ctx, TING_ACT_SIGMOID, ting_cols(both, 0, dim), ting_cols(both, dim, dim));
    ting_tensor left = ting_zip_take_cache(ctx, run, cache, module->conv.chunk_w->shape[2] / 2, y);
    y = ting_chunk_conv(ctx, y, run->segments, run->chunk, &module->conv, left);
    y = ting_activate(ctx, TING_ACT_SWOOSH_R, y);
    return ting_linear_apply(ctx, y, module->out, TING_ACT_NONE);
}

ting_tensor ting_zip_layer_forward(ting_ctx *ctx, const ting_zip_layer *layer,
                                   const ting_zip_run *run, ting_tensor x)
{
    ting_tensor w = ting_zip_attention_weights(ctx, layer, run, x);
    ting_tensor y = ting_add(ctx, x, ting_zip_feedforward(ctx, &layer->feedforward[0], x));
    y = ting_add(ctx, y, ting_zip_nonlin(ctx, &layer->nonlin, run, w, y));
    y = ting_add(ctx, y, ting_zip_attend(ctx, &layer->attend[0], run, w, y, TING_ZIP_VAL1));
    y = ting_add(ctx, y, ting_zip_convolve(ctx, &layer->conv[0], run, y, TING_ZIP_CONV1));
    y = ting_add(ctx, y, ting_zip_feedforward(ctx, &layer->feedforward[1], y));
    y = ting_bypass(ctx, x, y, layer->bypass_mid);
    y = ting_add(ctx, y, ting_zip_attend(ctx, &layer->attend[1], run, w, y, TING_ZIP_VAL2));
    y = ting_add(ctx, y, ting_zip_convolve(ctx, &layer->conv[1], run, y, TING_ZIP_CONV2));
    y = ting_add(ctx, y, ting_zip_feedforward(ctx, &layer->feedforward[2], y));
    y = ting_bias_norm(ctx, y, layer->norm_bias, layer->norm_scale);
    return ting_bypass(ctx, x, y, layer->bypass);
}
