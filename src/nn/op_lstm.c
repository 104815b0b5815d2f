/* SPDX-License-Identifier: Apache-2.0 */
/*
 * op_lstm.c - long short-term memory (Hochreiter and Schmidhuber 1997; torch's form), a cell of nn/recurrence.h:
 *
 *     i, f, o = sigmoid, g = tanh of  x W_ih^T + b_ih + h W_hh^T + b_hh
 *     c = f c + i g,   h = o tanh(c)
 */
#include "nn/rec.h"
#include "nn/tape.h"

#include <string.h>

enum { GATES = 4 };

static void cell(const void *record, const ting_recurrent_row *at, const ting_real *recurrent, ting_real *h)
{
    const struct ting_rec_lstm *op = record;
    const ting_kern *kern = at->kern;
    const int n = op->of.y.cols;
    ting_real *i = op->of.gates + (size_t)at->row * GATES * (size_t)n, *f = i + n, *g = f + n, *o = g + n;
    ting_real *c = op->cell + (size_t)at->row * (size_t)n;
    const ting_real *before = ting_recurrence_before(&op->of, at->segment, at->step, op->cell, n, op->c0);
    kern->add(GATES * n, i, recurrent, i);
    kern->act(TING_ACT_SIGMOID, 2 * n, i, i); /* i and f */
    kern->act(TING_ACT_TANH, n, g, g);
    kern->act(TING_ACT_SIGMOID, n, o, o);
    if (before == NULL)
        memset(c, 0, (size_t)n * sizeof *c);
    else
        kern->mul(n, f, before, c);
    kern->muladd(n, i, g, c);
    kern->act(TING_ACT_TANH, n, c, h);
    kern->mul(n, o, h, h);
}

static void store_cells(const struct ting_rec_lstm *op)
{
    const size_t bytes = (size_t)op->of.y.cols * sizeof *op->cell;
    for (int s = 0; s < op->of.segments.count; s++) {
        const ting_real *last = ting_recurrence_before(&op->of, s, ting_segment_length(op->of.segments, s), op->cell,
                                                       op->of.y.cols, op->c0);
        if (last == NULL)
            memset(ting_row(op->cn, s), 0, bytes);
        else
            memcpy(ting_row(op->cn, s), last, bytes);
    }
}

ting_tensor ting_lstm(ting_ctx *ctx, ting_tensor x, ting_segments segments, const ting_recurrent_weights *weights,
                      bool reverse, ting_tensor h0, ting_tensor c0, ting_tensor *hn, ting_tensor *cn)
{
    const int h = weights->w_hh->t.cols;
    struct ting_rec_lstm op = {.of = {.op = "lstm", .x = x, .segments = segments, .weights = *weights, .reverse = reverse,
                                      .h0 = h0, .gate_count = GATES},
                               .c0 = c0};
    if (c0.rows != 0 && (c0.rows != segments.count || c0.cols != h))
        ting_ctx_fail(ctx, TING_ERR_INTERNAL, "lstm: c0 is [%d, %d] for %d segments and %d columns", c0.rows, c0.cols,
                      segments.count, h);
    ting_recurrence_open(ctx, &op.of);
    op.cn = ting_ctx_output(ctx, segments.count, h);
    op.cell = ting_ctx_reals(ctx, (size_t)x.rows * (size_t)h);
    struct ting_rec_lstm *rec = ting_tape_push(ctx, TING_OP_lstm, sizeof *rec);
    if (ctx->err != TING_OK)
        return (ting_tensor){0};
    if (rec != NULL)
        *rec = op;
    ting_recurrence_run(ctx, &op.of, GATES * h, cell);
    store_cells(&op);
    if (hn != NULL)
        *hn = op.of.hn;
    if (cn != NULL)
        *cn = op.cn;
    return op.of.y;
}
