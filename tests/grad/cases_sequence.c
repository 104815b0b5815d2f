/* SPDX-License-Identifier: Apache-2.0 */
/* cases_sequence.c - cases of the ops that join rows, and of convolutions along time. */
#include "grad/grad.h"

static int width(ting_grad_problem *p)
{
    return p->large ? ting_grad_between(p, 60, 90) : ting_grad_between(p, 1, 9);
}

static void one_output(ting_grad_problem *p, ting_tensor y)
{
    p->output[0] = y;
    p->outputs = 1;
}

/* ---- side by side; variant 1: a part twice ---- */

static void concat_cols_setup(ting_grad_problem *p)
{
    int rows = ting_grad_segments(p);
    for (int i = 0; i < 3; i++)
        ting_grad_add_input(p, TING_ROWS_OF_FRAMES, rows, width(p));
}

static void concat_cols_forward(ting_grad_problem *p, ting_ctx *ctx)
{
    ting_tensor parts[3] = {p->input[0].t, p->input[1].t, p->input[p->variant == 1 ? 0 : 2].t};
    one_output(p, ting_concat_cols(ctx, parts, 3));
}

const ting_grad_case ting_case_concat_cols = {2, concat_cols_setup, concat_cols_forward};

/* ---- after each other; variant 1: nothing before; 2: the same twice ---- */

enum { CACHE = 0 }; /* option: rows before each segment */

static void concat_time_setup(ting_grad_problem *p)
{
    int rows = ting_grad_segments(p), cols = width(p);
    p->option[CACHE] = p->variant == 1 ? 0 : 3;
    ting_grad_add_input(p, TING_ROWS_OF_FRAMES, rows, cols);
    ting_grad_add_input(p, TING_ROWS_OF_SEGMENTS, p->segments.count * 3, cols);
    p->row_factor = 0;
}

static void concat_time_forward(ting_grad_problem *p, ting_ctx *ctx)
{
    int cache = p->option[CACHE];
    int *start = ting_grad_take(p, p->segments.count + 1, sizeof *start);
    for (int s = 0; s <= p->segments.count; s++)
        start[s] = s * cache;
    if (p->variant == 2) {
        one_output(p, ting_concat_time(ctx, p->input[0].t, p->segments, p->input[0].t, p->segments));
        return;
    }
    ting_tensor before = ting_rows(p->input[1].t, 0, p->segments.count * cache);
    one_output(p, ting_concat_time(ctx, before, (ting_segments){p->segments.count, start}, p->input[0].t,
                                   p->segments));
}

const ting_grad_case ting_case_concat_time = {3, concat_time_setup, concat_time_forward};

/* ---- narrower, wider, the same ---- */

static void fit_cols_setup(ting_grad_problem *p)
{
    ting_grad_add_input(p, TING_ROWS_OF_FRAMES, ting_grad_segments(p), 3 + width(p));
}

static void fit_cols_forward(ting_grad_problem *p, ting_ctx *ctx)
{
    ting_tensor x = p->input[0].t;
    one_output(p, ting_fit_cols(ctx, x, x.cols + (p->variant == 0 ? -2 : p->variant == 1 ? 4 : 0)));
}

const ting_grad_case ting_case_fit_cols = {3, fit_cols_setup, fit_cols_forward};

/* ---- convolution: plain, causal, in groups, one filter a channel; kernels longer than segments ---- */

enum { LEFT = 0, GROUPS = 1 };

static void conv1d_setup(ting_grad_problem *p)
{
    int rows = ting_grad_segments(p), taps = ting_grad_between(p, 1, 5);
    p->option[GROUPS] = p->variant < 2 ? 1 : ting_grad_between(p, 2, 3);
    p->option[LEFT] = p->variant == 1 ? taps - 1 : taps / 2;
    int inputs = p->variant == 3 ? 1 : p->large ? 9 : 2, outputs = p->variant == 3 ? 1 : p->large ? 20 : 3;
    ting_grad_add_input(p, TING_ROWS_OF_FRAMES, rows, inputs * p->option[GROUPS]);
    ting_grad_add_param(p, TING_PARAM_VALUES, 3, (int[]){outputs * p->option[GROUPS], inputs, taps});
    ting_grad_add_param(p, TING_PARAM_VALUES, 1, (int[]){outputs * p->option[GROUPS]});
}

static void conv1d_forward(ting_grad_problem *p, ting_ctx *ctx)
{
    one_output(p, ting_conv1d(ctx, p->input[0].t, p->segments, p->param[0], p->variant == 2 ? NULL : p->param[1],
                              p->option[LEFT], p->option[GROUPS]));
}

const ting_grad_case ting_case_conv1d = {4, conv1d_setup, conv1d_forward};

/* ---- sums of chosen rows: each with each, and a band ---- */

static void pair_add_setup(ting_grad_problem *p)
{
    const int cols = p->large ? 200 : width(p);
    const int a = p->large ? 90 : ting_grad_between(p, 1, 6), b = p->large ? 20 : ting_grad_between(p, 1, 5);
    ting_grad_add_input(p, TING_ROWS_FREE, a, cols);
    ting_grad_add_input(p, TING_ROWS_FREE, b, cols);
    p->row_factor = 0;
}

static void pair_add_forward(ting_grad_problem *p, ting_ctx *ctx)
{
    const int a = p->input[0].t.rows, b = p->input[1].t.rows, width = p->variant == 0 ? b : 1;
    int *ia = ting_grad_take(p, a * width, sizeof *ia), *ib = ting_grad_take(p, a * width, sizeof *ib);
    for (int r = 0; r < a * width; r++) {
        ia[r] = r / width;
        ib[r] = p->variant == 0 ? r % width : r % b;
    }
    one_output(p, ting_pair_add(ctx, p->input[0].t, ia, p->input[1].t, ib, a * width));
}

const ting_grad_case ting_case_pair_add = {2, pair_add_setup, pair_add_forward};

/* ---- one filter a channel: same, causal, without zeros, to one side and without bias ---- */

enum { BEFORE = 0, AFTER = 1 };

static void depthwise_setup(ting_grad_problem *p)
{
    const int taps = p->variant == 0 ? 2 * ting_grad_between(p, 0, 3) + 1 : ting_grad_between(p, 1, 6);
    const int rows = p->variant == 2 ? ting_grad_segments_of(p, taps) : ting_grad_segments(p), cols = width(p);
    p->option[BEFORE] = p->variant == 0 ? taps / 2 : p->variant == 1 ? taps - 1 : 0;
    p->option[AFTER] = p->variant == 0 ? taps / 2 : p->variant == 3 ? taps - 1 : 0;
    p->row_factor = p->variant == 2 ? 0 : 1;
    ting_grad_add_input(p, TING_ROWS_OF_FRAMES, rows, cols);
    ting_grad_add_param(p, TING_PARAM_TAPS, 3, (int[]){cols, 1, taps});
    ting_grad_add_param(p, TING_PARAM_VALUES, 1, &cols);
}

static void depthwise_forward(ting_grad_problem *p, ting_ctx *ctx)
{
    int *start = ting_grad_take(p, p->segments.count + 1, sizeof *start);
    one_output(p, ting_depthwise(ctx, p->input[0].t, p->segments, p->option[BEFORE], p->option[AFTER], p->param[0],
                                 p->variant == 3 ? NULL : p->param[1], start));
}

const ting_grad_case ting_case_depthwise = {4, depthwise_setup, depthwise_forward};

/* ---- chosen rows: each row's neighbour in its segment from one part, where there is one; a step of a loop from two ---- */

static void gather_setup(ting_grad_problem *p)
{
    const int rows = ting_grad_segments(p), cols = p->large ? 200 : width(p);
    ting_grad_add_input(p, TING_ROWS_OF_FRAMES, rows, cols);
    ting_grad_add_input(p, TING_ROWS_OF_FRAMES, rows, cols);
}

/* Variant 0: row r is row r + 1 of its segment; 1: rows of both parts in turn, the first row of a segment again and again. */
static void gather_forward(ting_grad_problem *p, ting_ctx *ctx)
{
    const ting_tensor parts[2] = {p->input[0].t, p->input[1].t};
    const int rows = p->segments.start[p->segments.count];
    ting_row_place *from = ting_grad_take(p, rows + 1, sizeof *from);
    for (int s = 0; s < p->segments.count; s++)
        for (int first = p->segments.start[s], r = first; r < p->segments.start[s + 1]; r++)
            from[r] = p->variant == 1 ? (ting_row_place){(r - first) % 2, (r - first) % 3 == 0 ? first : r}
                                      : (ting_row_place){0, r + 1 < p->segments.start[s + 1] ? r + 1 : -1};
    one_output(p, ting_gather(ctx, parts, 2, from, rows));
}

const ting_grad_case ting_case_gather = {2, gather_setup, gather_forward};
