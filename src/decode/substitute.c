/* SPDX-License-Identifier: Apache-2.0 */
/* substitute.c - see substitute.h. */
#include "decode/substitute.h"

#include "base/logsum.h"
#include "decode/ctc_row.h"
#include "decode/predictor_cache.h" /* how a context goes on */

#include <math.h>
#include <string.h>

/* ---- transducer: a tree of the paths' tokens ---- */

typedef struct node {
    int parent, token; /* -1: of the root */
    bool leaf;         /* no other goes on from it */
} node;

typedef struct tree {
    node *nodes; /* [count] parents before children */
    int count, inner;
    int *at;            /* [paths] where each ends */
    double *now, *next; /* [count] log-probabilities */
} tree;

/* The root, then the first tokens, then the second ones. */
static ting_err grow(ting_ctx *ctx, const ting_align_path *paths, int count, int vocab, tree *t)
{
    ting_err err = TING_OK;
    const size_t most = 2 * (size_t)count + 1;
    *t = (tree){.count = 1};
    t->nodes = ting_arena_take(ctx->arena, most * sizeof *t->nodes);
    t->now = ting_arena_take(ctx->arena, most * sizeof *t->now);
    t->next = ting_arena_take(ctx->arena, most * sizeof *t->next);
    t->at = ting_ctx_ints(ctx, count);
    int *first = ting_ctx_ints(ctx, vocab); /* the node of each first token */
    if (first == NULL || ting_arena_failed(ctx->arena))
        FAIL(TING_ERR_MEMORY, "out of memory for %d ways to say a place", count);
    t->nodes[0] = (node){-1, -1, false};
    for (int v = 0; v < vocab; v++)
        first[v] = -1;
    for (int length = 2; length >= 0; length--) /* those that go on in front: they are asked in any case */
        for (int i = 0; i < count; i++) {
            const int token = length > 0 ? paths[i].tokens[0] : -1;
            if (paths[i].count != length)
                continue;
            if (token >= 0 && first[token] < 0) {
                first[token] = t->count;
                t->nodes[t->count++] = (node){0, token, length == 1};
            }
            t->at[i] = token >= 0 ? first[token] : 0;
        }
    for (int i = 0; i < count; i++) {
        if (paths[i].count < 2)
            continue;
        t->nodes[t->count] = (node){t->at[i], paths[i].tokens[1], true};
        t->at[i] = t->count++;
    }
out:
    return err;
}

/* The predictor's rows for the first `count` nodes. */
static ting_tensor predict(ting_ctx *ctx, const ting_transducer *model, const tree *t, int count, const int *before)
{
    const size_t width = (size_t)ting_transducer_settings(model)->context;
    int *contexts = ting_ctx_ints(ctx, count * (int)width);
    if (contexts == NULL)
        return (ting_tensor){0};
    memcpy(contexts, before, width * sizeof *contexts);
    for (int n = 1; n < count; n++) {
        int own[TING_TRANSDUCER_MAX_CONTEXT];
        memcpy(own, contexts + (size_t)t->nodes[n].parent * width, width * sizeof *own);
        ting_predictor_push(model, t->nodes[n].token, own);
        memcpy(contexts + (size_t)n * width, own, width * sizeof *own);
    }
    return ting_transducer_contexts(ctx, model, contexts, count);
}

/* One row: scores [asked, vocab] log-probabilities after the nodes that were asked; of others, leaves, blank costs nothing. */
static void step(tree *t, ting_tensor scores, int blank)
{
    for (int n = t->count - 1; n >= 0; n--) { /* children before their parents: a row has one token */
        const node *own = &t->nodes[n];
        t->next[n] = n < scores.rows ? t->now[n] + (double)ting_row(scores, n)[blank] : t->now[n];
        if (own->parent >= 0)
            t->next[n] = ting_log_add(t->next[n], t->now[own->parent] + (double)ting_row(scores, own->parent)[own->token]);
    }
    double *old = t->now;
    t->now = t->next;
    t->next = old;
}

static ting_err search_tree(ting_ctx *ctx, const ting_transducer *model, ting_tensor rows, const ting_window *w,
                            const ting_align_path *paths, int count, ting_substitute_kind kind, double *log_probs)
{
    ting_err err = TING_OK;
    const ting_transducer_config *config = ting_transducer_settings(model);
    tree t;
    TRY(grow(ctx, paths, count, config->vocab, &t));
    int asked = t.count;
    if (kind == TING_SUBSTITUTE_BOUND)
        while (asked > 1 && t.nodes[asked - 1].leaf)
            asked--;
    const ting_tensor d = predict(ctx, model, &t, asked, w->before);
    const ting_tensor e = ting_transducer_project_encoder(ctx, model, ting_rows(rows, w->first, w->end - w->first));
    for (int n = 0; n < t.count; n++)
        t.now[n] = n == 0 ? 0 : -INFINITY;
    for (int r = 0; r < w->end - w->first; r++) {
        const ting_arena_mark mark = ting_arena_tell(ctx->arena);
        const ting_tensor scores = ting_transducer_join(ctx, model, ting_rows(e, r, 1), d);
        TRY(ctx->err);
        for (int n = 0; n < asked; n++)
            ctx->kern->log_softmax(config->vocab, ting_row(scores, n), ting_row(scores, n));
        step(&t, scores, config->blank);
        ting_arena_rewind(ctx->arena, mark);
    }
    for (int i = 0; i < count; i++)
        log_probs[i] = t.now[t.at[i]];
out:
    return err;
}

/* ---- CTC ---- */

enum { STATES = 7 }; /* the token before, blank, a token, blank, a token, blank, the token behind */

typedef struct line {  /* of one path: its states in order, blank in the even places between tokens */
    int token[STATES]; /* -1: nothing is ever there */
    int count;
} line;

static line lay(const ting_window *w, const ting_align_path *path, int blank)
{
    line l = {.count = 0};
    l.token[l.count++] = w->before[0];
    l.token[l.count++] = blank;
    for (int i = 0; i < path->count; i++) {
        l.token[l.count++] = path->tokens[i];
        l.token[l.count++] = blank;
    }
    l.token[l.count++] = w->after;
    return l;
}

/* Whether state s of the line may follow s - 2 at once, without the blank between. */
static bool may_skip(const line *l, int s)
{
    return s % 2 == 0 && s >= 2 && l->token[s - 2] != l->token[s];
}

static double search_line(const line *l, ting_tensor scores)
{
    double now[STATES], next[STATES];
    for (int s = 0; s < l->count; s++)
        now[s] = -INFINITY;
    now[l->token[0] >= 0 ? 0 : 1] = 0;
    for (int r = 0; r < scores.rows; r++) {
        for (int s = 0; s < l->count; s++) {
            double sum = now[s];
            if (s > 0)
                sum = ting_log_add(sum, now[s - 1]);
            if (may_skip(l, s))
                sum = ting_log_add(sum, now[s - 2]);
            next[s] = l->token[s] < 0 ? -INFINITY : sum + (double)ting_row(scores, r)[l->token[s]];
        }
        memcpy(now, next, sizeof now);
    }
    const int last = l->count - 1; /* all that can be the token behind in the next row, or be over where there is none */
    double sum = ting_log_add(now[last], now[last - 1]);
    if (last >= 2 && may_skip(l, last))
        sum = ting_log_add(sum, now[last - 2]);
    return sum;
}

static ting_err search_lines(ting_ctx *ctx, const ting_am_net *net, ting_tensor rows, const ting_window *w,
                             const ting_align_path *paths, int count, double *log_probs)
{
    ting_err err = TING_OK;
    const int vocab = ting_am_vocab(&net->config), blank = ting_am_blank(&net->config);
    const ting_tensor logits = ting_ctc_head_logits(ctx, &net->ctc, ting_rows(rows, w->first, w->end - w->first));
    TRY(ctx->err);
    for (int r = 0; r < logits.rows; r++)
        ting_ctc_row(ctx, logits, r, vocab, blank, 0, ting_row(logits, r));
    for (int i = 0; i < count; i++) {
        const line l = lay(w, &paths[i], blank);
        log_probs[i] = search_line(&l, logits);
    }
out:
    return err;
}

ting_err ting_substitute(ting_ctx *ctx, const ting_am_net *net, bool ctc, ting_tensor rows, const ting_window *window,
                         const ting_align_path *paths, int count, ting_substitute_kind kind, double *log_probs)
{
    ting_err err = TING_OK;
    const ting_arena_mark mark = ting_arena_tell(ctx->arena);
    if (ctc)
        TRY(search_lines(ctx, net, rows, window, paths, count, log_probs));
    else
        TRY(search_tree(ctx, net->transducer, rows, window, paths, count, kind, log_probs));
    for (int i = 0; i < count; i++)
        if (isnan(log_probs[i]))
            FAIL(TING_ERR_NUMERIC, "the scores at encoder rows %d to %d are not finite", window->first, window->end - 1);
out:
    ting_arena_rewind(ctx->arena, mark);
    return err;
}
