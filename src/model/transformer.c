/* SPDX-License-Identifier: Apache-2.0 */
/* transformer.c - declaring and running the layers of transformer.h. */
#include "model/transformer.h"

#include <math.h>
#include <string.h>

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

static const ting_transformer_names p2h_names = {
    .self = {"mha.wq", "mha.wk", "mha.wv", "mha.dense"},
    .cross = {"cross.wq", "cross.wk", "cross.wv", "cross.dense"},
    .inner = "ffn.0",
    .outer = "ffn.1",
    .norm = {"layernorm1", "layernorm2", "layernorm3"},
};

static ting_mha_params declare_mha(ting_params *params, int width, int depth, const char *prefix, const char *const names[4])
{
    ting_mha_params mha;
    mha.query = ting_transformer_linear(params, width, width, prefix, names[0]);
    mha.key = ting_transformer_linear(params, width, width, prefix, names[1]);
    mha.value = ting_transformer_linear(params, width, width, prefix, names[2]);
    mha.out = declare_last(params, width, width, depth, prefix, names[3]);
    return mha;
}

ting_transformer_layer ting_transformer_declare_named(ting_params *params, const ting_transformer_shape *shape,
                                                      ting_layer_kind kind, int depth, const char *prefix,
                                                      const ting_transformer_names *names)
{
    ting_transformer_layer layer = {0};
    layer.self = declare_mha(params, shape->width, depth, prefix, names->self);
    if (kind == TING_LAYER_DECODER)
        layer.cross = declare_mha(params, shape->width, depth, prefix, names->cross);
    layer.inner = ting_transformer_linear(params, shape->inner, shape->width, prefix, names->inner);
    layer.outer = declare_last(params, shape->width, shape->inner, depth, prefix, names->outer);
    for (int i = 0; i < (kind == TING_LAYER_DECODER ? 3 : 2); i++)
        layer.norm[i] = ting_norm_declare(params, shape->width, prefix, names->norm[i]);
    return layer;
}

ting_transformer_layer ting_transformer_declare(ting_params *params, const ting_transformer_shape *shape,
                                                ting_layer_kind kind, int depth, const char *prefix)
{
    return ting_transformer_declare_named(params, shape, kind, depth, prefix, &p2h_names);
}

void ting_attention_across(ting_ctx *ctx, ting_segments queries, ting_segments keys, const int *of_keys, int heads,
                           bool causal, ting_attention *out)
{
    ting_span *spans = ting_arena_take_zeroed(ctx->arena, (size_t)queries.count, sizeof *spans);
    *out = (ting_attention){.spans = spans, .count = queries.count, .heads = heads, .causal = causal};
    if (spans == NULL) {
        ting_ctx_fail(ctx, TING_ERR_MEMORY, "no memory for the spans of %d sequences", queries.count);
        out->count = 0;
        return;
    }
    for (int s = 0; s < queries.count; s++) {
        const int k = of_keys == NULL ? s : of_keys[s];
        spans[s] = (ting_span){.q0 = queries.start[s],
                               .q1 = queries.start[s + 1],
                               .k0 = keys.start[k],
                               .k1 = keys.start[k + 1]};
    }
}

void ting_attention_full(ting_ctx *ctx, ting_segments queries, ting_segments keys, int heads, bool causal,
                         ting_attention *out)
{
    ting_attention_across(ctx, queries, keys, NULL, heads, causal, out);
}

static ting_tensor norm(ting_ctx *ctx, const ting_transformer_shape *shape, ting_tensor x, ting_linear_params p)
{
    return ting_layer_norm(ctx, x, p.weight, p.bias, shape->eps);
}

ting_mha_kept ting_mha_keep(ting_ctx *ctx, const ting_mha_params *mha, ting_tensor x)
{
    return (ting_mha_kept){.keys = ting_linear_apply(ctx, x, mha->key, TING_ACT_NONE),
                           .values = ting_linear_apply(ctx, x, mha->value, TING_ACT_NONE)};
}

static void copy_rows(ting_tensor from, ting_tensor to, const int *row)
{
    for (int r = 0; r < from.rows; r++)
        memcpy(ting_row(to, row[r]), ting_row(from, r), (size_t)from.cols * sizeof *from.data);
}

/* The residual connection around one part, in either order of norms. */
typedef struct part {
    const ting_mha_params *mha; /* NULL: the two linear maps */
    ting_linear_params norm;
    const ting_attention *geometry;
    const ting_tensor *memory; /* NULL: the keys are the (normed) input itself */
    const ting_mha_kept *kept; /* NULL: keys and values are made of those */
} part;

/* x [Tq, width] -> [Tq, width] */
static ting_tensor attend(ting_ctx *ctx, const ting_transformer_shape *shape, const part *p, ting_tensor x)
{
    const ting_tensor none = {0};
    ting_real factor = (ting_real)(1 / sqrt((double)(shape->width / shape->heads)));
    ting_tensor q = ting_linear_apply(ctx, x, p->mha->query, TING_ACT_NONE);
    ting_mha_kept seen = {0};
    if (p->kept == NULL || p->kept->row != NULL)
        seen = ting_mha_keep(ctx, p->mha, p->memory != NULL ? *p->memory : x);
    if (p->kept != NULL && ctx->err == TING_OK) {
        if (p->kept->row != NULL) {
            copy_rows(seen.keys, p->kept->keys, p->kept->row);
            copy_rows(seen.values, p->kept->values, p->kept->row);
        }
        seen = *p->kept;
    }
    ting_tensor y = ting_attend(ctx, p->geometry, q, seen.keys, seen.values, none, none, factor);
    return ting_linear_apply(ctx, y, p->mha->out, TING_ACT_NONE);
}

static ting_tensor run_part(ting_ctx *ctx, const ting_transformer_shape *shape, const ting_transformer_layer *layer,
                            ting_tensor x, const part *p)
{
    ting_tensor in = shape->norm == TING_NORM_BEFORE ? norm(ctx, shape, x, p->norm) : x;
    ting_tensor y;
    if (p->mha != NULL)
        y = attend(ctx, shape, p, in);
    else
        y = ting_feed_forward(ctx, in, layer->inner.weight, layer->inner.bias, shape->act, shape->inner_dropout,
                              layer->outer.weight, layer->outer.bias);
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

ting_tensor ting_transformer_layer_step(ting_ctx *ctx, const ting_transformer_shape *shape,
                                        const ting_transformer_layer *layer, ting_tensor x, const ting_attention *self,
                                        const ting_mha_kept *past, const ting_attention *across,
                                        const ting_mha_kept *memory)
{
    x = run_part(ctx, shape, layer, x,
                 &(part){.mha = &layer->self, .norm = layer->norm[0], .geometry = self, .kept = past});
    x = run_part(ctx, shape, layer, x,
                 &(part){.mha = &layer->cross, .norm = layer->norm[2], .geometry = across, .kept = memory});
    return run_part(ctx, shape, layer, x, &(part){.norm = layer->norm[1]});
}
