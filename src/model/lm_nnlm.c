/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lm_nnlm.c - the neural probabilistic language model (Bengio, Ducharme, Vincent and Janvin 2003):
 *
 *     x = C(w_{t-n+1}) .. C(w_t) side by side, oldest first;   logits = b + W x + U tanh(d + H x)
 *
 * for the token behind w_t. W, the direct connections, may be absent. Places before the first token are zeros. hidden is
 * tanh(d + H x), with direct connections behind x. The state is the last n tokens.
 */
#include "model/lm_parts.h"

#include <math.h>
#include <string.h>

static void declare(ting_lm_net *net, ting_params *params)
{
    const ting_lm_config *c = &net->config;
    const int seen = c->context * c->width;
    const ting_init zero = ting_init_constant(0);
    const ting_init fan_in = ting_init_fan_in(seen), of_units = ting_init_fan_in(c->hidden);
    ting_lm_nnlm *n = &net->nnlm;
    n->C = ting_param_init(ting_params_add(params, TING_PARAM_VALUES, 2, (int[]){c->tokens, c->width}, "C"), ting_init_normal(1));
    n->H = ting_param_init(ting_params_add(params, TING_PARAM_MATRIX, 2, (int[]){c->hidden, seen}, "H"), fan_in);
    n->d = ting_param_init(ting_params_add(params, TING_PARAM_VALUES, 1, &c->hidden, "d"), zero);
    n->U = ting_param_init(ting_params_add(params, TING_PARAM_MATRIX, 2, (int[]){c->tokens, c->hidden}, "U"), of_units);
    if (c->direct)
        n->W = ting_param_init(ting_params_add(params, TING_PARAM_MATRIX, 2, (int[]){c->tokens, seen}, "W"), fan_in);
    n->b = ting_param_init(ting_params_add(params, TING_PARAM_VALUES, 1, &c->tokens, "b"), zero);
}

/* seen [rows, context]: ids, negative before the first -> hidden */
static ting_tensor from_contexts(ting_ctx *ctx, const ting_lm_net *net, const int *seen, int rows)
{
    const ting_lm_config *c = &net->config;
    const ting_lm_nnlm *n = &net->nnlm;
    ting_tensor x = ting_embedding(ctx, seen, rows * c->context, n->C);
    x.rows = ctx->err == TING_OK ? rows : 0; /* the embeddings of a row stand side by side already */
    x.cols = x.ld = c->context * c->width;
    ting_tensor units = ting_dropout(ctx, ting_linear(ctx, x, n->H, n->d, TING_ACT_TANH), c->dropout);
    return c->direct ? ting_concat_cols(ctx, (ting_tensor[]){x, units}, 2) : units;
}

static ting_tensor hidden(ting_ctx *ctx, const ting_lm_net *net, const int *ids, ting_segments segments)
{
    const int rows = segments.start[segments.count], n = net->config.context;
    int *seen = ting_ctx_ints(ctx, rows * n);
    if (seen == NULL)
        return (ting_tensor){0};
    for (int s = 0; s < segments.count; s++)
        for (int t = segments.start[s]; t < segments.start[s + 1]; t++)
            for (int j = 0; j < n; j++) {
                const int from = t - n + 1 + j;
                seen[t * n + j] = from < segments.start[s] ? -1 : ids[from];
            }
    return from_contexts(ctx, net, seen, rows);
}

static ting_tensor logits(ting_ctx *ctx, const ting_lm_net *net, ting_tensor x)
{
    const ting_lm_nnlm *n = &net->nnlm;
    const int seen = net->config.context * net->config.width, units = net->config.hidden;
    if (n->W == NULL || ctx->err != TING_OK)
        return ting_linear(ctx, x, n->U, n->b, TING_ACT_NONE);
    ting_tensor of_units = ting_linear(ctx, ting_cols(x, seen, units), n->U, n->b, TING_ACT_NONE);
    return ting_add(ctx, of_units, ting_linear(ctx, ting_cols(x, 0, seen), n->W, NULL, TING_ACT_NONE));
}

static int hidden_cols(const ting_lm_config *c)
{
    return c->hidden + (c->direct ? c->context * c->width : 0);
}

static size_t state_data(const ting_lm_config *c, int tokens)
{
    (void)tokens;
    return (size_t)c->context * sizeof(int);
}

static void start(const ting_lm_net *net, void *data)
{
    int *seen = data;
    for (int j = 0; j < net->config.context; j++)
        seen[j] = -1;
}

static ting_tensor step(ting_ctx *ctx, const ting_lm_net *net, const int *ids, ting_lm_state *const *states, int count)
{
    const int n = net->config.context;
    int *seen = ting_ctx_ints(ctx, count * n);
    if (seen == NULL)
        return (ting_tensor){0};
    for (int i = 0; i < count; i++) {
        const int *before = ting_lm_state_data(states[i]);
        memcpy(seen + i * n, before + 1, (size_t)(n - 1) * sizeof *seen);
        seen[i * n + n - 1] = ids[i];
    }
    ting_tensor y = from_contexts(ctx, net, seen, count);
    for (int i = 0; ctx->err == TING_OK && i < count; i++)
        memcpy(ting_lm_state_data(states[i]), seen + i * n, (size_t)n * sizeof *seen);
    return y;
}

const ting_lm_part ting_lm_nnlm_part = {declare, hidden, logits, hidden_cols, state_data, start, step};
