/* SPDX-License-Identifier: Apache-2.0 */
/* transformer.c - declaring and running the layers of transformer.h. */
#include "model/transformer.h"

#include <math.h>

ting_init ting_transformer_glorot(int outputs, int inputs)
{
    return ting_init_normal(sqrt(2 / ((double)inputs + outputs)));
}

ting_init ting_transformer_embedding(int width)
{
    return ting_init_normal(1 / sqrt((double)width));
}

ting_linear_params ting_transformer_linear(ting_params *params, int n, int k, const char *prefix, const char *name)
{
    return ting_linear_declare_init(params, n, k, ting_transformer_glorot(n, k), ting_init_constant(0), prefix, name);
}

/* The last matrix of a residual part. */
static ting_linear_params declare_last(ting_params *params, int n, int k, int depth, const char *prefix, const char *name)
{
    ting_init small = ting_transformer_glorot(n, k);
    small.size /= sqrt(2.0 * depth);
    return ting_linear_declare_init(params, n, k, small, ting_init_constant(0), prefix, name);
}

ting_linear_params ting_norm_declare(ting_params *params, int width, const char *prefix, const char *name)
{
    ting_linear_params p;
    p.weight = ting_param_init(ting_params_add(params, TING_PARAM_VALUES, 1, &width, "%s%s.weight", prefix, name),
                               ting_init_constant(1));
    p.bias = ting_param_init(ting_params_add(params, TING_PARAM_VALUES, 1, &width, "%s%s.bias", prefix, name),
                             ting_init_constant(0));
    return p;
}

static ting_mha_params declare_mha(ting_params *params, int width, int depth, const char *prefix, bool cross)
{
    ting_mha_params mha;
    mha.query = ting_transformer_linear(params, width, width, prefix, cross ? "cross.wq" : "mha.wq");
    mha.key = ting_transformer_linear(params, width, width, prefix, cross ? "cross.wk" : "mha.wk");
    mha.value = ting_transformer_linear(params, width, width, prefix, cross ? "cross.wv" : "mha.wv");
    mha.out = declare_last(params, width, width, depth, prefix, cross ? "cross.dense" : "mha.dense");
    return mha;
}

ting_transformer_layer ting_transformer_declare(ting_params *params, const ting_transformer_shape *shape,
                                                ting_layer_kind kind, int depth, const char *prefix)
{
    ting_transformer_layer layer = {0};
    layer.self = declare_mha(params, shape->width, depth, prefix, false);
    if (kind == TING_LAYER_DECODER)
        layer.cross = declare_mha(params, shape->width, depth, prefix, true);
    layer.inner = ting_transformer_linear(params, shape->inner, shape->width, prefix, "ffn.0");
    layer.outer = declare_last(params, shape->width, shape->inner, depth, prefix, "ffn.1");
    layer.norm[0] = ting_norm_declare(params, shape->width, prefix, "layernorm1");
    layer.norm[1] = ting_norm_declare(params, shape->width, prefix, "layernorm2");
    if (kind == TING_LAYER_DECODER)
        layer.norm[2] = ting_norm_declare(params, shape->width, prefix, "layernorm3");
    return layer;
}

void ting_attention_full(ting_ctx *ctx, ting_segments queries, ting_segments keys, int heads, bool causal,
                         ting_attention *out)
{
    ting_span *spans = ting_arena_take_zeroed(ctx->arena, (size_t)queries.count, sizeof *spans);
    *out = (ting_attention){.spans = spans, .count = queries.count, .heads = heads, .causal = causal};
    if (spans == NULL) {
        ting_ctx_fail(ctx, TING_ERR_MEMORY, "no memory for the spans of %d sequences", queries.count);
        out->count = 0;
        return;
    }
    for (int s = 0; s < queries.count; s++)
        spans[s] = (ting_span){.q0 = queries.start[s],
                               .q1 = queries.start[s + 1],
                               .k0 = keys.start[s],
                               .k1 = keys.start[s + 1]};
}

static ting_tensor norm(ting_ctx *ctx, const ting_transformer_shape *shape, ting_tensor x, ting_linear_params p)
{
    return ting_layer_norm(ctx, x, p.weight, p.bias, shape->eps);
}

/* x [Tq, width], keys [Tk, width] -> [Tq, width] */
static ting_tensor attend(ting_ctx *ctx, const ting_transformer_shape *shape, const ting_mha_params *mha,
                          ting_tensor x, ting_tensor keys, const ting_attention *geometry)
{
    const ting_tensor none = {0};
    ting_real factor = (ting_real)(1 / sqrt((double)(shape->width / shape->heads)));
    ting_tensor q = ting_linear_apply(ctx, x, mha->query, TING_ACT_NONE);
    ting_tensor k = ting_linear_apply(ctx, keys, mha->key, TING_ACT_NONE);
    ting_tensor v = ting_linear_apply(ctx, keys, mha->value, TING_ACT_NONE);
    return ting_linear_apply(ctx, ting_attend(ctx, geometry, q, k, v, none, none, factor), mha->out, TING_ACT_NONE);
}

/* The residual connection around one part, in either order of norms. */
typedef struct part {
    const ting_mha_params *mha; /* NULL: the two linear maps */
    ting_linear_params norm;
    const ting_attention *geometry;
    const ting_tensor *memory; /* NULL: the keys are the (normed) input itself */
} part;

static ting_tensor run_part(ting_ctx *ctx, const ting_transformer_shape *shape,
                            const ting_transformer_layer *layer, ting_tensor x, const part *p)
{
    ting_tensor in = shape->norm == TING_NORM_BEFORE ? norm(ctx, shape, x, p->norm) : x;
    ting_tensor y;
    if (p->mha != NULL) {
        y = attend(ctx, shape, p->mha, in, p->memory != NULL ? *p->memory : in, p->geometry);
    } else {
        y = ting_feed_forward(ctx, in, layer->inner.weight, layer->inner.bias, shape->act, 0, layer->outer.weight,
                              layer->outer.bias);
    }
    y = ting_residual(ctx, x, y, 1, shape->dropout);
    return shape->norm == TING_NORM_AFTER ? norm(ctx, shape, y, p->norm) : y;
}

ting_tensor ting_transformer_layer_forward(ting_ctx *ctx, const ting_transformer_shape *shape,
                                           const ting_transformer_layer *layer, ting_tensor x,
                                           const ting_attention *self, ting_tensor memory,
                                           const ting_attention *across)
{
    x = run_part(ctx, shape, layer, x, &(part){.mha = &layer->self, .norm = layer->norm[0], .geometry = self});
    if (layer->cross.query.weight != NULL)
        x = run_part(ctx, shape, layer, x,
                     &(part){.mha = &layer->cross, .norm = layer->norm[2], .geometry = across, .memory = &memory});
    return run_part(ctx, shape, layer, x, &(part){.norm = layer->norm[1]});
}
