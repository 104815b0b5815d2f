/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lm_recurrent.c - recurrent language models (Mikolov 2010; Sundermeyer 2012; Zaremba 2014): embedding -> layers -> linear,
 * dropout before, between and behind the layers, never on the way from a state to the next.
 *
 * bilstm has a stack from each side (Arisoy 2015). The row for the token behind ids[t] is what the one from the left knows at t
 * and the one from the right at t + 2: neither has seen that token, whatever the number of layers.
 * The state is h, and c of LSTM, of each layer.
 */
#include "model/lm_parts.h"

#include <string.h>

static ting_cell_kind cell_of(ting_lm_kind kind)
{
    return kind == TING_LM_RNN ? TING_CELL_RNN : kind == TING_LM_GRU ? TING_CELL_GRU : TING_CELL_LSTM;
}

static int hidden_cols(const ting_lm_config *c)
{
    return c->kind == TING_LM_BILSTM ? 2 * c->hidden : c->hidden;
}

static const ting_param *declare_bias(ting_params *params, int tokens, ting_init first)
{
    return ting_param_init(ting_params_add(params, TING_PARAM_VALUES, 1, &tokens, "linear.bias"), first);
}

static void declare(ting_lm_net *net, ting_params *params)
{
    const ting_lm_config *c = &net->config;
    const ting_recurrent_shape shape = {.cell = cell_of(c->kind),
                                        .sides = c->kind == TING_LM_BILSTM ? TING_SIDES_APART : TING_SIDES_ONE,
                                        .layers = c->layers, .inputs = c->width, .hidden = c->hidden, .dropout = c->dropout};
    ting_lm_recurrent *r = &net->recurrent;
    ting_param *table = ting_params_add(params, TING_PARAM_VALUES, 2, (int[]){c->tokens, c->width}, "embedding.weight");
    r->embedding = ting_param_init(table, c->tied ? ting_init_uniform(0.1) : ting_init_normal(1));
    ting_recurrent_stack_declare(&r->stack, &shape, params, "rnn.");
    r->output = (ting_lm_output){.class_start = c->class_start, .class_count = c->classes};
    if (c->tied)
        r->output.words = (ting_linear_params){r->embedding, declare_bias(params, c->tokens, ting_init_constant(0))};
    else if (c->classes == 0)
        r->output.words = ting_linear_declare(params, c->tokens, hidden_cols(c), "", "linear");
    else { /* a few rows are read at a time: never packed */
        const ting_init first = ting_init_fan_in(c->hidden);
        ting_param *words = ting_params_add(params, TING_PARAM_VALUES, 2, (int[]){c->tokens, c->hidden}, "linear.weight");
        r->output.words = (ting_linear_params){ting_param_init(words, first), declare_bias(params, c->tokens, first)};
        r->output.classes = ting_linear_declare(params, c->classes, c->hidden, "", "classes");
    }
}

static ting_tensor run(ting_ctx *ctx, const ting_lm_net *net, const int *ids, ting_segments segments,
                       const ting_recurrent_state *first, ting_recurrent_state *last)
{
    const ting_lm_recurrent *r = &net->recurrent;
    ting_tensor x = ting_embedding(ctx, ids, segments.start[segments.count], r->embedding);
    x = ting_dropout(ctx, x, net->config.dropout);
    return ting_recurrent_stack_forward(ctx, &r->stack, x, segments, first, last);
}

/* ---- truncated backpropagation through time: pieces that begin with the states, as constants, that those before ended with ---- */

typedef struct piece {
    ting_segments rows; /* of this piece; a segment for each that has not ended */
    int *segments;      /* [rows.count]: which ones */
    int *ids;
} piece;

/* Tokens first .. first + most - 1 of each segment that has some. */
static bool cut_piece(ting_ctx *ctx, const int *ids, ting_segments segments, int first, int most, piece *out)
{
    int *start = ting_ctx_ints(ctx, segments.count + 1);
    out->segments = ting_ctx_ints(ctx, segments.count);
    out->ids = ting_ctx_ints(ctx, segments.start[segments.count]);
    if (ctx->err != TING_OK)
        return false;
    int count = 0, rows = 0;
    start[0] = 0;
    for (int s = 0; s < segments.count; s++) {
        const int begin = segments.start[s] + first, left = segments.start[s + 1] - begin, length = left < most ? left : most;
        if (length <= 0)
            continue;
        memcpy(out->ids + rows, ids + begin, (size_t)length * sizeof *ids);
        out->segments[count] = s;
        start[++count] = rows += length;
    }
    out->rows = (ting_segments){count, start};
    return count > 0;
}

/* Of the states behind the piece before those of the segments that go on, without a way back. */
static ting_tensor go_on(ting_ctx *ctx, ting_tensor states, const piece *before, const piece *now)
{
    ting_tensor out = ting_ctx_constant(ctx, states.rows > 0 ? now->rows.count : 0, states.cols);
    for (int i = 0, j = 0; i < out.rows; i++) {
        while (before->segments[j] != now->segments[i])
            j++;
        memcpy(ting_row(out, i), ting_row(states, j), (size_t)states.cols * sizeof *states.data);
    }
    return out;
}

static ting_tensor run_in_pieces(ting_ctx *ctx, const ting_lm_net *net, const int *ids, ting_segments segments)
{
    enum { MOST_PIECES = 4096 };
    const ting_lm_config *c = &net->config;
    const int total = segments.start[segments.count];
    ting_recurrent_state first[TING_STACK_LAYERS] = {0}, last[TING_STACK_LAYERS] = {0};
    ting_tensor *parts = ting_arena_take(ctx->arena, MOST_PIECES * sizeof *parts);
    ting_row_place *from = ting_arena_take(ctx->arena, ((size_t)total + 1) * sizeof *from);
    piece before = {0}, now;
    int count = 0;
    ting_ctx_check(ctx);
    for (; ctx->err == TING_OK && cut_piece(ctx, ids, segments, count * c->bptt, c->bptt, &now); count++, before = now) {
        if (count == MOST_PIECES) {
            ting_ctx_fail(ctx, TING_ERR_ARGUMENT, "a sentence of more than %d pieces of %d tokens: take a larger bptt",
                          MOST_PIECES, c->bptt);
            break;
        }
        for (int layer = 0; count > 0 && layer < c->layers; layer++)
            first[layer] = (ting_recurrent_state){go_on(ctx, last[layer].h, &before, &now), go_on(ctx, last[layer].c, &before, &now)};
        parts[count] = run(ctx, net, now.ids, now.rows, count > 0 ? first : NULL, last);
        for (int i = 0; i < now.rows.count; i++)
            for (int t = now.rows.start[i]; t < now.rows.start[i + 1]; t++)
                from[segments.start[now.segments[i]] + count * c->bptt + t - now.rows.start[i]] = (ting_row_place){count, t};
    }
    return ctx->err == TING_OK && count > 0 ? ting_gather(ctx, parts, count, from, total) : (ting_tensor){0};
}

static bool is_cut(const ting_ctx *ctx, const ting_lm_config *c, ting_segments segments)
{
    bool longer = false;
    for (int s = 0; s < segments.count; s++)
        longer = longer || segments.start[s + 1] - segments.start[s] > c->bptt;
    return ctx->tape != NULL && c->bptt > 0 && longer;
}

static ting_tensor hidden(ting_ctx *ctx, const ting_lm_net *net, const int *ids, ting_segments segments)
{
    ting_tensor y = is_cut(ctx, &net->config, segments) ? run_in_pieces(ctx, net, ids, segments)
                                                        : run(ctx, net, ids, segments, NULL, NULL);
    return ting_dropout(ctx, y, net->config.dropout);
}

/* Row t is row t + 2 of its segment, zeros behind the end. */
static ting_tensor two_behind(ting_ctx *ctx, ting_tensor x, ting_segments segments)
{
    ting_row_place *from = ting_arena_take(ctx->arena, ((size_t)x.rows + 1) * sizeof *from);
    ting_ctx_check(ctx);
    if (ctx->err != TING_OK)
        return (ting_tensor){0};
    for (int s = 0; s < segments.count; s++)
        for (int t = segments.start[s]; t < segments.start[s + 1]; t++)
            from[t] = (ting_row_place){0, t + 2 < segments.start[s + 1] ? t + 2 : -1};
    return ting_gather(ctx, &x, 1, from, x.rows);
}

static ting_tensor hidden_of_both(ting_ctx *ctx, const ting_lm_net *net, const int *ids, ting_segments segments)
{
    const int h = net->config.hidden;
    ting_tensor y = run(ctx, net, ids, segments, NULL, NULL);
    if (ctx->err != TING_OK)
        return (ting_tensor){0};
    const ting_tensor sides[2] = {ting_cols(y, 0, h), two_behind(ctx, ting_cols(y, h, h), segments)};
    if (ctx->err != TING_OK)
        return (ting_tensor){0};
    return ting_dropout(ctx, ting_concat_cols(ctx, sides, 2), net->config.dropout);
}

static ting_tensor logits(ting_ctx *ctx, const ting_lm_net *net, ting_tensor x)
{
    const ting_lm_output *output = &net->recurrent.output;
    return output->class_count > 0 ? ting_lm_class_log_probs(ctx, output, x)
                                   : ting_linear_apply(ctx, x, output->words, TING_ACT_NONE);
}

/* ---- states: layer after layer h [hidden], of LSTM c behind it ---- */

static int state_parts(const ting_lm_config *c)
{
    return c->layers * (c->kind == TING_LM_LSTM ? 2 : 1);
}

static size_t state_data(const ting_lm_config *c, int tokens)
{
    (void)tokens;
    return (size_t)state_parts(c) * (size_t)c->hidden * sizeof(ting_real);
}

static void start(const ting_lm_net *net, void *data)
{
    memset(data, 0, state_data(&net->config, 0));
}

/* Part `part` of all states as the rows of a tensor. */
static ting_tensor load(ting_ctx *ctx, int h, int part, ting_lm_state *const *states, int count)
{
    ting_tensor rows = ting_ctx_constant(ctx, count, h);
    for (int i = 0; i < rows.rows; i++)
        memcpy(ting_row(rows, i), (const ting_real *)ting_lm_state_data(states[i]) + (size_t)part * (size_t)h,
               (size_t)h * sizeof *rows.data);
    return rows;
}

static void store(ting_tensor rows, int part, ting_lm_state *const *states)
{
    for (int i = 0; i < rows.rows; i++)
        memcpy((ting_real *)ting_lm_state_data(states[i]) + (size_t)part * (size_t)rows.cols, ting_row(rows, i),
               (size_t)rows.cols * sizeof *rows.data);
}

static ting_tensor step(ting_ctx *ctx, const ting_lm_net *net, const int *ids, ting_lm_state *const *states, int count)
{
    const ting_lm_config *c = &net->config;
    const int per_layer = state_parts(c) / c->layers;
    ting_recurrent_state first[TING_STACK_LAYERS] = {0}, last[TING_STACK_LAYERS];
    for (int layer = 0; layer < c->layers; layer++) {
        first[layer].h = load(ctx, c->hidden, per_layer * layer, states, count);
        if (per_layer == 2)
            first[layer].c = load(ctx, c->hidden, per_layer * layer + 1, states, count);
    }
    const ting_segments rows = ting_lm_single_rows(ctx, count);
    if (ctx->err != TING_OK)
        return (ting_tensor){0};
    ting_tensor y = run(ctx, net, ids, rows, first, last);
    for (int layer = 0; ctx->err == TING_OK && layer < c->layers; layer++) {
        store(last[layer].h, per_layer * layer, states);
        if (per_layer == 2)
            store(last[layer].c, per_layer * layer + 1, states);
    }
    return y;
}

const ting_lm_part ting_lm_recurrent_part = {declare, hidden, logits, hidden_cols, state_data, start, step};
const ting_lm_part ting_lm_bilstm_part = {declare, hidden_of_both, logits, hidden_cols, state_data, start, NULL};
