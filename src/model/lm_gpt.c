/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lm_gpt.c - causal self-attention (Radford 2018, GPT-1; 2019, GPT-2):
 *
 *     x = token embedding + learned position;   each layer  x = norm(x + part(x))  or  x = x + part(norm(x)),  the parts
 *     attention and feed-forward;   logits = x E^T, E the token embedding when tied, no bias
 *
 * Parameters have the names of the published code: wte, wpe, h.N.ln_1, .attn.c_attn (queries, keys, values), .attn.c_proj,
 * .ln_2, .mlp.c_fc, .mlp.c_proj, with pre-norm ln_f, untied lm_head; matrices in torch's layout. Left out: dropout of
 * attention weights.
 *
 * A state is the keys and values of its tokens: [tokens][layers][2][width], so that what is filled is one piece.
 */
#include "model/lm_parts.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static ting_linear_params declare_linear(ting_params *params, int n, int k, double deviation, const char *prefix, const char *name)
{
    return ting_linear_declare_init(params, n, k, ting_init_normal(deviation), ting_init_constant(0), prefix, name);
}

static const ting_param *declare_table(ting_params *params, int rows, int width, const char *name)
{
    return ting_param_init(ting_params_add(params, TING_PARAM_VALUES, 2, (int[]){rows, width}, "%s.weight", name),
                           ting_init_normal(0.02));
}

/* N(0, 0.02^2); in pre-norm what ends a residual part divided by sqrt(2 layers), as GPT-2 has it. */
static void declare(ting_lm_net *net, ting_params *params)
{
    const ting_lm_config *c = &net->config;
    const double deviation = 0.02, last = c->norm == TING_NORM_BEFORE ? deviation / sqrt(2.0 * c->layers) : deviation;
    ting_lm_gpt *g = &net->gpt;
    g->tokens = declare_table(params, c->tokens, c->width, "wte");
    g->positions = declare_table(params, c->context, c->width, "wpe");
    for (int i = 0; i < c->layers; i++) {
        ting_lm_gpt_layer *layer = &g->layer[i];
        char prefix[32];
        snprintf(prefix, sizeof prefix, "h.%d.", i);
        layer->norm[0] = ting_norm_declare(params, c->width, prefix, "ln_1");
        layer->qkv = declare_linear(params, 3 * c->width, c->width, deviation, prefix, "attn.c_attn");
        layer->out = declare_linear(params, c->width, c->width, last, prefix, "attn.c_proj");
        layer->norm[1] = ting_norm_declare(params, c->width, prefix, "ln_2");
        layer->inner = declare_linear(params, c->hidden, c->width, deviation, prefix, "mlp.c_fc");
        layer->outer = declare_linear(params, c->width, c->hidden, last, prefix, "mlp.c_proj");
    }
    if (c->norm == TING_NORM_BEFORE)
        g->norm = ting_norm_declare(params, c->width, "", "ln_f");
    g->output = g->tokens;
    if (!c->tied)
        g->output = ting_param_init(
            ting_params_add(params, TING_PARAM_MATRIX, 2, (int[]){c->tokens, c->width}, "lm_head.weight"),
            ting_init_normal(deviation));
}

/* ---- states ---- */

static size_t state_data(const ting_lm_config *c, int tokens)
{
    return (size_t)tokens * (size_t)c->layers * 2 * (size_t)c->width * sizeof(ting_real);
}

static void start(const ting_lm_net *net, void *data)
{
    (void)net;
    (void)data;
}

/* What attention looks at: the rows of the batch itself, or the past of each hypothesis and its new row. */
typedef struct sight {
    ting_attention geometry;
    ting_lm_state *const *states; /* NULL: the rows themselves */
    ting_tensor keys, values;     /* [all tokens of all states, width], for one layer at a time */
} sight;

/* Keys (side 0) or values (1) of a state's token. */
static ting_real *kept(const ting_lm_config *c, ting_lm_state *state, int token, int layer, int side)
{
    const size_t row = ((size_t)token * (size_t)c->layers + (size_t)layer) * 2 + (size_t)side;
    return (ting_real *)ting_lm_state_data(state) + row * (size_t)c->width;
}

/* Puts the new keys and values into the states, and all of theirs behind each other. */
static void remember(const ting_lm_config *c, const sight *s, int layer, ting_tensor k, ting_tensor v)
{
    const size_t bytes = (size_t)c->width * sizeof *k.data;
    for (int i = 0; i < k.rows; i++) {
        const ting_span *span = &s->geometry.spans[i];
        const int new = s->states[i]->tokens;
        memcpy(kept(c, s->states[i], new, layer, 0), ting_row(k, i), bytes);
        memcpy(kept(c, s->states[i], new, layer, 1), ting_row(v, i), bytes);
        for (int t = 0; t <= new; t++) {
            memcpy(ting_row(s->keys, span->k0 + t), kept(c, s->states[i], t, layer, 0), bytes);
            memcpy(ting_row(s->values, span->k0 + t), kept(c, s->states[i], t, layer, 1), bytes);
        }
    }
}

static ting_tensor attend(ting_ctx *ctx, const ting_lm_net *net, int layer, ting_tensor x, const sight *s)
{
    const ting_lm_config *c = &net->config;
    const ting_lm_gpt_layer *l = &net->gpt.layer[layer];
    const ting_real factor = (ting_real)(1 / sqrt((double)(c->width / c->heads)));
    const ting_tensor none = {0}, qkv = ting_linear_apply(ctx, x, l->qkv, TING_ACT_NONE);
    if (ctx->err != TING_OK)
        return none;
    ting_tensor q = ting_cols(qkv, 0, c->width), k = ting_cols(qkv, c->width, c->width);
    ting_tensor v = ting_cols(qkv, 2 * c->width, c->width);
    if (s->states != NULL) {
        remember(c, s, layer, k, v);
        k = s->keys;
        v = s->values;
    }
    return ting_linear_apply(ctx, ting_attend(ctx, &s->geometry, q, k, v, none, none, factor), l->out, TING_ACT_NONE);
}

static ting_tensor norm(ting_ctx *ctx, const ting_lm_net *net, ting_tensor x, ting_linear_params p)
{
    return ting_layer_norm(ctx, x, p.weight, p.bias, net->config.eps);
}

/* ids and positions [T] -> [T, width] */
static ting_tensor run(ting_ctx *ctx, const ting_lm_net *net, const int *ids, const int *positions, int rows, const sight *s)
{
    const ting_lm_config *c = &net->config;
    const ting_lm_gpt *g = &net->gpt;
    const bool before = c->norm == TING_NORM_BEFORE;
    ting_tensor x = ting_add(ctx, ting_embedding(ctx, ids, rows, g->tokens), ting_embedding(ctx, positions, rows, g->positions));
    x = ting_dropout_in_place(ctx, x, c->dropout);
    for (int i = 0; i < c->layers; i++) {
        const ting_lm_gpt_layer *l = &g->layer[i];
        for (int part = 0; part < 2; part++) {
            ting_tensor in = before ? norm(ctx, net, x, l->norm[part]) : x;
            ting_tensor y = part == 0 ? attend(ctx, net, i, in, s)
                                      : ting_feed_forward(ctx, in, l->inner.weight, l->inner.bias, c->act, 0, l->outer.weight,
                                                          l->outer.bias);
            y = ting_residual(ctx, x, y, 1, c->dropout);
            x = before ? y : norm(ctx, net, y, l->norm[part]);
        }
        ting_ctx_see(ctx, x, "h.%d", i);
    }
    return before ? norm(ctx, net, x, g->norm) : x;
}

static ting_tensor hidden(ting_ctx *ctx, const ting_lm_net *net, const int *ids, ting_segments segments)
{
    const int rows = segments.start[segments.count], most = net->config.context;
    int *positions = ting_ctx_ints(ctx, rows);
    sight s = {0};
    ting_attention_full(ctx, segments, segments, net->config.heads, true, &s.geometry);
    for (int i = 0; ctx->err == TING_OK && i < segments.count; i++) {
        const int first = segments.start[i], length = segments.start[i + 1] - first;
        if (length > most)
            ting_ctx_fail(ctx, TING_ERR_INTERNAL, "gpt: segment %d has %d tokens, the context holds %d", i, length, most);
        for (int t = 0; t < length; t++)
            positions[first + t] = t;
    }
    return ctx->err == TING_OK ? run(ctx, net, ids, positions, rows, &s) : (ting_tensor){0};
}

static ting_tensor step(ting_ctx *ctx, const ting_lm_net *net, const int *ids, ting_lm_state *const *states, int count)
{
    const ting_lm_config *c = &net->config;
    int *positions = ting_ctx_ints(ctx, count), *start = ting_ctx_ints(ctx, count + 1);
    if (ctx->err != TING_OK)
        return (ting_tensor){0};
    start[0] = 0;
    for (int i = 0; i < count; i++) {
        positions[i] = states[i]->tokens;
        start[i + 1] = start[i] + positions[i] + 1;
    }
    sight s = {.states = states, .keys = ting_ctx_constant(ctx, start[count], c->width),
               .values = ting_ctx_constant(ctx, start[count], c->width)};
    ting_attention_full(ctx, ting_lm_single_rows(ctx, count), (ting_segments){count, start}, c->heads, false, &s.geometry);
    return ctx->err == TING_OK ? run(ctx, net, ids, positions, count, &s) : (ting_tensor){0};
}

static ting_tensor logits(ting_ctx *ctx, const ting_lm_net *net, ting_tensor x)
{
    return ting_linear(ctx, x, net->gpt.output, NULL, TING_ACT_NONE);
}

static int hidden_cols(const ting_lm_config *c)
{
    return c->width;
}

const ting_lm_part ting_lm_gpt_part = {declare, hidden, logits, hidden_cols, state_data, start, step};
