/* SPDX-License-Identifier: Apache-2.0 */
/* lm_net.c - see lm_net.h: the check of a configuration, and the kinds behind one interface (lm_parts.h). */
#include "model/lm_parts.h"

#include "base/mem.h"

#include <string.h>

static const struct kind {
    const char *name;
    const ting_lm_part *part;
} kinds[TING_LM_KINDS] = {
    [TING_LM_NNLM] = {"nnlm", &ting_lm_nnlm_part},     [TING_LM_RNN] = {"rnn", &ting_lm_recurrent_part},
    [TING_LM_LSTM] = {"lstm", &ting_lm_recurrent_part}, [TING_LM_GRU] = {"gru", &ting_lm_recurrent_part},
    [TING_LM_BILSTM] = {"bilstm", &ting_lm_bilstm_part}, [TING_LM_GPT] = {"gpt", &ting_lm_gpt_part},
};

const char *ting_lm_kind_name(ting_lm_kind kind)
{
    return kinds[kind].name;
}

static bool is_plain(ting_lm_kind kind) /* recurrent, one direction */
{
    return kind == TING_LM_RNN || kind == TING_LM_LSTM || kind == TING_LM_GRU;
}

static ting_err check_classes(const ting_lm_config *c)
{
    if (c->classes == 0)
        return TING_OK;
    if (!is_plain(c->kind) || c->tied)
        return ting_fail(TING_ERR_MODEL, "language model: %s%s has no output of classes", c->tied ? "a tied " : "", kinds[c->kind].name);
    bool well = c->class_start != NULL && c->class_start[0] == 0 && c->class_start[c->classes] == c->tokens;
    for (int k = 0; k < c->classes && well; k++)
        well = c->class_start[k] < c->class_start[k + 1];
    if (!well)
        return ting_fail(TING_ERR_MODEL, "language model: %d classes that do not divide %d tokens", c->classes, c->tokens);
    return TING_OK;
}

static ting_err check_tied(const ting_lm_config *c)
{
    if (!c->tied || c->kind == TING_LM_GPT)
        return TING_OK;
    if (c->kind == TING_LM_NNLM || c->kind == TING_LM_BILSTM)
        return ting_fail(TING_ERR_MODEL, "language model: %s has no tied output", kinds[c->kind].name);
    if (c->hidden != c->width)
        return ting_fail(TING_ERR_MODEL, "language model: a tied output needs hidden = width, they are %d and %d", c->hidden,
                         c->width);
    return TING_OK;
}

ting_err ting_lm_config_check(const ting_lm_config *c)
{
    if ((int)c->kind < 0 || c->kind >= TING_LM_KINDS)
        return ting_fail(TING_ERR_MODEL, "language model: there is no kind %d", (int)c->kind);
    const bool gpt = c->kind == TING_LM_GPT, nnlm = c->kind == TING_LM_NNLM;
    const struct {
        const char *name;
        bool matters;
        int value, low, high;
    } rules[] = {
        {"tokens", true, c->tokens, 1, 1 << 24},
        {"width", true, c->width, 1, 16384},
        {"hidden", true, c->hidden, 1, 65536},
        {"layers", !nnlm, c->layers, 1, gpt ? TING_LM_LAYERS : TING_STACK_LAYERS},
        {"context", gpt || nnlm, c->context, 1, nnlm ? 64 : 65536},
        {"heads", gpt, c->heads, 1, 256},
        {"classes", true, c->classes, 0, c->tokens},
        {"bptt", true, c->bptt, 0, 1 << 24},
    };
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++)
        if (rules[i].matters && (rules[i].value < rules[i].low || rules[i].value > rules[i].high))
            return ting_fail(TING_ERR_MODEL, "language model: %s is %d, expected %d to %d", rules[i].name, rules[i].value,
                             rules[i].low, rules[i].high);
    if (gpt && c->width % c->heads != 0)
        return ting_fail(TING_ERR_MODEL, "language model: %d heads do not divide the width %d", c->heads, c->width);
    if (!(c->dropout >= 0 && c->dropout < 1))
        return ting_fail(TING_ERR_MODEL, "language model: dropout is %g, expected 0 to below 1", (double)c->dropout);
    if (c->bptt > 0 && !is_plain(c->kind))
        return ting_fail(TING_ERR_MODEL, "language model: bptt is for rnn, lstm and gru, not for %s", kinds[c->kind].name);
    const ting_err err = check_tied(c);
    return err == TING_OK ? check_classes(c) : err;
}

ting_lm_net *ting_lm_net_new(const ting_lm_config *config, ting_params *params)
{
    ting_lm_net *net = ting_alloc(1, sizeof *net);
    if (net == NULL)
        return NULL;
    net->config = *config;
    net->config.class_start = NULL;
    if (config->classes > 0) {
        net->class_start = ting_alloc((size_t)config->classes + 1, sizeof *net->class_start);
        if (net->class_start == NULL) {
            ting_free(net);
            return NULL;
        }
        memcpy(net->class_start, config->class_start, ((size_t)config->classes + 1) * sizeof *net->class_start);
        net->config.class_start = net->class_start;
    }
    net->part = kinds[config->kind].part;
    net->part->declare(net, params);
    return net;
}

void ting_lm_net_free(ting_lm_net *net)
{
    if (net == NULL)
        return;
    ting_free(net->class_start);
    ting_free(net);
}

const ting_lm_config *ting_lm_net_config(const ting_lm_net *net)
{
    return &net->config;
}

int ting_lm_net_hidden_cols(const ting_lm_net *net)
{
    return net->part->hidden_cols(&net->config);
}

/* ---- all rows at once ---- */

static bool check_ids(ting_ctx *ctx, const ting_lm_net *net, const int *ids, int count)
{
    for (int i = 0; ctx->err == TING_OK && i < count; i++)
        if (ids[i] < 0 || ids[i] >= net->config.tokens)
            ting_ctx_fail(ctx, TING_ERR_INTERNAL, "%s: id %d at place %d, there are %d tokens", kinds[net->config.kind].name,
                          ids[i], i, net->config.tokens);
    return ctx->err == TING_OK;
}

ting_tensor ting_lm_net_hidden(ting_ctx *ctx, const ting_lm_net *net, const int *ids, ting_segments segments)
{
    if (!check_ids(ctx, net, ids, segments.start[segments.count]))
        return (ting_tensor){0};
    ting_tensor hidden = net->part->hidden(ctx, net, ids, segments);
    ting_ctx_see(ctx, hidden, "hidden");
    return hidden;
}

ting_tensor ting_lm_net_logits(ting_ctx *ctx, const ting_lm_net *net, ting_tensor hidden)
{
    return net->part->logits(ctx, net, hidden);
}

ting_tensor ting_lm_net_forward(ting_ctx *ctx, const ting_lm_net *net, const int *ids, ting_segments segments)
{
    return ting_lm_net_logits(ctx, net, ting_lm_net_hidden(ctx, net, ids, segments));
}

/* ---- token by token ---- */

/* The tokens of a state that is full. */
static int most_tokens(const ting_lm_config *config)
{
    return config->kind == TING_LM_GPT ? config->context : 0;
}

size_t ting_lm_net_state_bytes(const ting_lm_net *net)
{
    if (net->part->step == NULL)
        return 0;
    const size_t data = net->part->state_data(&net->config, most_tokens(&net->config));
    return TING_LM_STATE_HEAD * (1 + (data + TING_LM_STATE_HEAD - 1) / TING_LM_STATE_HEAD);
}

void ting_lm_net_state_start(const ting_lm_net *net, void *state)
{
    ting_lm_state *head = state;
    head->tokens = 0;
    net->part->start(net, ting_lm_state_data(head));
}

void ting_lm_net_state_copy(const ting_lm_net *net, void *to, const void *from)
{
    memcpy(to, from, TING_LM_STATE_HEAD + net->part->state_data(&net->config, ting_lm_net_state_tokens(from)));
}

int ting_lm_net_state_tokens(const void *state)
{
    return ((const ting_lm_state *)state)->tokens;
}

ting_segments ting_lm_single_rows(ting_ctx *ctx, int count)
{
    int *start = ting_ctx_ints(ctx, count + 1);
    for (int i = 0; start != NULL && i <= count; i++)
        start[i] = i;
    return (ting_segments){start == NULL ? 0 : count, start};
}

static bool check_step(ting_ctx *ctx, const ting_lm_net *net, void *const *states, int count)
{
    const char *name = kinds[net->config.kind].name;
    const int most = most_tokens(&net->config);
    if (net->part->step == NULL)
        ting_ctx_fail(ctx, TING_ERR_INTERNAL, "%s reads both sides of a token and cannot go token by token", name);
    else if (ctx->tape != NULL)
        ting_ctx_fail(ctx, TING_ERR_INTERNAL, "%s: a step cannot be recorded, states have no gradient", name);
    for (int i = 0; ctx->err == TING_OK && most > 0 && i < count; i++)
        if (ting_lm_net_state_tokens(states[i]) >= most)
            ting_ctx_fail(ctx, TING_ERR_INTERNAL, "%s: state %d has taken %d tokens, its context is full", name, i, most);
    return ctx->err == TING_OK;
}

ting_tensor ting_lm_net_step(ting_ctx *ctx, const ting_lm_net *net, const int *ids, void *const *states, int count)
{
    if (!check_ids(ctx, net, ids, count) || !check_step(ctx, net, states, count))
        return (ting_tensor){0};
    ting_lm_state **heads = ting_arena_take(ctx->arena, ((size_t)count + 1) * sizeof *heads);
    ting_ctx_check(ctx);
    if (ctx->err != TING_OK)
        return (ting_tensor){0};
    for (int i = 0; i < count; i++)
        heads[i] = states[i];
    ting_tensor hidden = net->part->step(ctx, net, ids, heads, count);
    for (int i = 0; ctx->err == TING_OK && i < count; i++)
        heads[i]->tokens++;
    return hidden;
}
