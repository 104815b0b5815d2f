/* SPDX-License-Identifier: Apache-2.0 */
/* lm_places.c - see lm_places.h. */
#include "model/lm_places.h"

void ting_ngram_places(const ting_ngram *ngram, const ting_lm_tokens *tokens, double *log_p)
{
    for (size_t s = 0; s < tokens->count; s++) {
        ting_ngram_state state = ting_ngram_begin(ngram);
        for (size_t i = tokens->start[s] + 1; i < tokens->start[s + 1]; i++)
            *log_p++ = ting_ngram_score(ngram, &state, tokens->ids[i], &state);
    }
}

/* ---- networks ---- */

enum { BUDGET = 4096 }; /* rows of a batch, unless one window has more */

typedef struct window { /* places from .. from + count - 1 of a sentence are rows, of which the first `passed` have been asked before */
    size_t sentence, from;
    int count, passed;
} window;

/* The windows of all sentences, in the arena; NULL and the sticky error when it is full. */
static window *make_windows(ting_ctx *ctx, const ting_lm_tokens *tokens, int context, size_t *count)
{
    size_t room = 1;
    const size_t step = context > 1 ? (size_t)context / 2 : 1;
    for (size_t s = 0; s < tokens->count; s++)
        room += 1 + (context > 0 ? (tokens->start[s + 1] - tokens->start[s]) / step : 0);
    window *windows = ting_arena_take(ctx->arena, room * sizeof *windows);
    ting_ctx_check(ctx);
    *count = 0;
    for (size_t s = 0; windows != NULL && s < tokens->count; s++) {
        const size_t places = tokens->start[s + 1] - tokens->start[s] - 1;
        for (size_t from = 0, asked = 0; asked < places; from += step) {
            const size_t end = context > 0 && from + (size_t)context < places ? from + (size_t)context : places;
            windows[(*count)++] = (window){s, from, (int)(end - from), (int)(asked - from)};
            asked = end;
        }
    }
    return windows;
}

/* Windows as a batch. whole: the last token of each is a row too, for a network that looks from both sides. */
static void read_windows(ting_ctx *ctx, const ting_lm_net *net, const ting_lm_tokens *tokens, const window *windows, size_t count,
                         double *log_p)
{
    const bool whole = ting_lm_net_config(net)->kind == TING_LM_BILSTM;
    int rows = 0;
    for (size_t i = 0; i < count; i++)
        rows += windows[i].count + whole;
    int *start = ting_ctx_ints(ctx, (int)count + 1), *ids = ting_ctx_ints(ctx, rows), *targets = ting_ctx_ints(ctx, rows);
    double *of_rows = ting_arena_take(ctx->arena, (size_t)rows * sizeof *of_rows);
    ting_ctx_check(ctx);
    if (ctx->err != TING_OK)
        return;
    start[0] = 0;
    for (size_t i = 0; i < count; i++) {
        const window *w = &windows[i];
        const uint32_t *from = tokens->ids + tokens->start[w->sentence] + w->from;
        int at = start[i];
        for (int t = 0; t < w->count; t++, at++) {
            ids[at] = (int)from[t];
            targets[at] = t < w->passed ? -1 : (int)from[t + 1];
        }
        if (whole) {
            ids[at] = (int)from[w->count];
            targets[at++] = -1;
        }
        start[i + 1] = at;
    }
    const ting_tensor hidden = ting_lm_net_hidden(ctx, net, ids, (ting_segments){(int)count, start});
    if (ctx->err == TING_OK)
        ting_lm_net_log_probs(ctx, net, hidden, targets, of_rows);
    for (size_t i = 0; ctx->err == TING_OK && i < count; i++)
        for (int t = windows[i].passed; t < windows[i].count; t++)
            log_p[ting_lm_place(tokens, windows[i].sentence) + windows[i].from + (size_t)t] = of_rows[start[i] + t];
}

void ting_lm_net_places(ting_ctx *ctx, const ting_lm_net *net, const ting_lm_tokens *tokens, double *log_p)
{
    const ting_lm_config *c = ting_lm_net_config(net);
    size_t all, count;
    const ting_arena_mark begin = ting_arena_tell(ctx->arena);
    const window *windows = make_windows(ctx, tokens, c->kind == TING_LM_GPT ? c->context : 0, &all);
    for (size_t first = 0; ctx->err == TING_OK && first < all; first += count) {
        const ting_arena_mark mark = ting_arena_tell(ctx->arena);
        int rows = windows[first].count;
        for (count = 1; first + count < all && rows + windows[first + count].count <= BUDGET; count++)
            rows += windows[first + count].count;
        read_windows(ctx, net, tokens, windows + first, count, log_p);
        if (ctx->err == TING_OK)
            ting_arena_rewind(ctx->arena, mark);
    }
    if (ctx->err == TING_OK)
        ting_arena_rewind(ctx->arena, begin);
}
