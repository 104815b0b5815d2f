/* SPDX-License-Identifier: Apache-2.0 */
/* cases_attention.c - attention at once, its three parts, additive scores over whole segments, chunks with left context, causal. */
#include "grad/grad.h"

enum { HEADS = 0, CAUSAL = 1, CHUNK = 2, LEFT = 3, RELATIVE = 4, REACH = 5 }; /* options */
enum { NONE, SHIFTED, OF_KEYS };                                              /* RELATIVE */

/* Spans for the segments as they are now (one of them when it is tested alone). */
static ting_attention geometry(ting_grad_problem *p)
{
    ting_attention g = {.heads = p->option[HEADS], .causal = p->option[CAUSAL] != 0};
    const ting_segments *segments = &p->segments;
    int rows = segments->start[segments->count];
    ting_span *spans = ting_grad_take(p, rows + segments->count, sizeof *spans);
    for (int s = 0; s < segments->count; s++) {
        int first = segments->start[s], end = segments->start[s + 1];
        int chunk = p->option[CHUNK] == 0 ? end - first : p->option[CHUNK];
        for (int q0 = first; q0 < end; q0 += chunk) {
            ting_span span = {.q0 = q0, .q1 = q0 + chunk < end ? q0 + chunk : end};
            span.k0 = p->option[CHUNK] == 0 || q0 - p->option[LEFT] < first ? first : q0 - p->option[LEFT];
            span.k1 = p->option[CHUNK] == 0 ? end : span.q1;
            span.first_key = q0 - span.k0;
            span.masked = p->option[CHUNK] != 0 && span.first_key > 1 ? 1 : 0;
            spans[g.count++] = span;
        }
    }
    g.spans = spans;
    return g;
}

/* Variants: whole segments, causal, chunks that share keys, chunks and causal; further ones as the case says. */
static void options(ting_grad_problem *p)
{
    p->option[HEADS] = ting_grad_between(p, p->large ? 2 : 1, 3);
    p->option[CAUSAL] = p->variant % 2;
    p->option[CHUNK] = p->variant < 2 ? 0 : p->large ? ting_grad_between(p, 16, 24) : ting_grad_between(p, 2, 3);
    p->option[LEFT] = p->large ? 20 : ting_grad_between(p, 2, 4);
    p->row_factor = p->option[HEADS];
}

/* Rows for the case; with `long_spans` one segment whose sums are large enough to be products. */
static int segments_for(ting_grad_problem *p, bool long_spans)
{
    int rows = ting_grad_segments(p);
    if (!long_spans || p->large)
        return rows;
    int *start = ting_grad_take(p, 2, sizeof *start);
    start[0] = 0;
    start[1] = 47;
    p->segments = (ting_segments){1, start};
    return start[1];
}

static void one_output(ting_grad_problem *p, ting_tensor y)
{
    p->output[0] = y;
    p->outputs = 1;
}

static int head_width(ting_grad_problem *p)
{
    return p->large ? ting_grad_between(p, 12, 17) : ting_grad_between(p, 1, 5);
}

static void scores_setup(ting_grad_problem *p)
{
    int rows = segments_for(p, p->variant == 7);
    options(p);
    p->option[RELATIVE] = p->variant < 4 ? NONE : p->variant < 6 ? SHIFTED : OF_KEYS;
    if (p->option[RELATIVE] != NONE)
        p->option[CHUNK] = p->variant != 5 ? 0 : p->large ? 20 : 2;
    p->option[REACH] = p->large ? 64 : 8;
    int dq = head_width(p), dp = ting_grad_between(p, 1, 3), heads = p->option[HEADS];
    ting_grad_add_input(p, TING_ROWS_OF_FRAMES, rows, heads * dq);
    ting_grad_add_input(p, TING_ROWS_OF_FRAMES, rows, heads * dq);
    if (p->option[RELATIVE] != NONE)
        ting_grad_add_input(p, TING_ROWS_OF_FRAMES, rows, heads * dp);
    if (p->option[RELATIVE] == SHIFTED)
        ting_grad_add_input(p, TING_ROWS_FREE, 2 * p->option[REACH] + 1, heads * dp);
    if (p->option[RELATIVE] == OF_KEYS)
        ting_grad_add_input(p, TING_ROWS_OF_FRAMES, rows, heads * dp);
}

static void scores_forward(ting_grad_problem *p, ting_ctx *ctx)
{
    ting_attention g = geometry(p);
    ting_tensor none = {0};
    one_output(p, ting_attn_scores(ctx, &g, p->input[0].t, p->input[1].t,
                                   p->option[RELATIVE] ? p->input[2].t : none,
                                   p->option[RELATIVE] ? p->input[3].t : none,
                                   p->option[RELATIVE] == OF_KEYS ? TING_POSITIONS_OF_KEYS : p->option[REACH],
                                   (ting_real)0.35));
}

const ting_grad_case ting_case_attn_scores = {8, scores_setup, scores_forward};

/* Weights need as many columns as the longest span: 64 hold the largest segment. */
static int columns(const ting_grad_problem *p)
{
    return p->large ? 64 : 8;
}

/* Variants from 4 on are in place, the last two over whole segments. */
static void softmax_setup(ting_grad_problem *p)
{
    int rows = ting_grad_segments(p);
    options(p);
    if (p->variant >= 6)
        p->option[CHUNK] = 0;
    ting_grad_add_input(p, TING_ROWS_OF_FRAMES, rows * p->option[HEADS], columns(p));
}

static void softmax_forward(ting_grad_problem *p, ting_ctx *ctx)
{
    ting_attention g = geometry(p);
    const ting_tensor x = p->input[0].t;
    one_output(p, p->variant < 4 ? ting_attn_softmax(ctx, &g, x) : ting_attn_softmax_in_place(ctx, &g, ting_scale(ctx, x, 1)));
}

const ting_grad_case ting_case_attn_softmax = {8, softmax_setup, softmax_forward};

static void apply_setup(ting_grad_problem *p)
{
    int rows = segments_for(p, p->variant == 4);
    options(p);
    p->option[CHUNK] = p->variant == 4 ? 0 : p->option[CHUNK];
    ting_grad_add_input(p, TING_ROWS_OF_FRAMES, rows * p->option[HEADS], p->variant == 4 ? 64 : columns(p));
    ting_grad_add_input(p, TING_ROWS_OF_FRAMES, rows, p->option[HEADS] * head_width(p));
    p->row_factor = 1;
}

static void apply_forward(ting_grad_problem *p, ting_ctx *ctx)
{
    ting_attention g = geometry(p);
    one_output(p, ting_attn_apply(ctx, &g, p->input[0].t, p->input[1].t,
                                  p->variant == 1 ? 1 : p->option[HEADS]));
}

const ting_grad_case ting_case_attn_apply = {5, apply_setup, apply_forward};

/* At once: without positions, then with those of keys, over whole segments, chunks that share keys, a long span. */
static void attend_setup(ting_grad_problem *p)
{
    int rows = segments_for(p, p->variant == 6);
    options(p);
    p->row_factor = 1;
    p->option[RELATIVE] = p->variant < 4 ? NONE : OF_KEYS;
    if (p->variant == 4 || p->variant == 6)
        p->option[CHUNK] = 0;
    int dq = head_width(p), dp = ting_grad_between(p, 1, 3), heads = p->option[HEADS];
    ting_grad_add_input(p, TING_ROWS_OF_FRAMES, rows, heads * dq);
    ting_grad_add_input(p, TING_ROWS_OF_FRAMES, rows, heads * dq);
    ting_grad_add_input(p, TING_ROWS_OF_FRAMES, rows, heads * head_width(p));
    for (int i = 0; i < 2 && p->option[RELATIVE] != NONE; i++)
        ting_grad_add_input(p, TING_ROWS_OF_FRAMES, rows, heads * dp);
}

static void attend_forward(ting_grad_problem *p, ting_ctx *ctx)
{
    ting_attention g = geometry(p);
    const ting_tensor none = {0};
    const bool positions = p->option[RELATIVE] != NONE;
    one_output(p, ting_attend(ctx, &g, p->input[0].t, p->input[1].t, p->input[2].t, positions ? p->input[3].t : none,
                              positions ? p->input[4].t : none, (ting_real)0.35));
}

const ting_grad_case ting_case_attend = {7, attend_setup, attend_forward};

/* Additive scores of one head: whole segments, chunks that share keys. */
static void additive_setup(ting_grad_problem *p)
{
    const int rows = ting_grad_segments(p);
    options(p);
    p->option[HEADS] = p->row_factor = 1;
    const int width = head_width(p);
    ting_grad_add_input(p, TING_ROWS_OF_FRAMES, rows, width);
    ting_grad_add_input(p, TING_ROWS_OF_FRAMES, rows, width);
    ting_grad_add_param(p, TING_PARAM_VALUES, 2, (int[]){1, width});
}

static void additive_forward(ting_grad_problem *p, ting_ctx *ctx)
{
    ting_attention g = geometry(p);
    one_output(p, ting_attn_additive(ctx, &g, p->input[0].t, p->input[1].t, p->param[0]));
}

const ting_grad_case ting_case_attn_additive = {4, additive_setup, additive_forward};
