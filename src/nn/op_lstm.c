/* SPDX-License-Identifier: Apache-2.0 */
/*
 * op_lstm.c - long short-term memory (Hochreiter and Schmidhuber 1997; torch's form):
 *
 *     i, f, o = sigmoid, g = tanh of  x W_ih^T + b_ih + h W_hh^T + b_hh
 *     c = f c + i g,   h = o tanh(c)
 *
 * The part of x is one product for all rows. Then all segments step together: with the segments in order
 * of falling length those still running are the first rows of the state, and each step is one product.
 */
#include "nn/op.h"
#include "nn/rec.h"
#include "nn/rows.h"
#include "nn/tape.h"

#include <string.h>

struct job {
    const ting_kern *kern;
    const struct ting_rec_lstm *op;
    int step;
    const ting_real *bias; /* [4 h]: b_ih + b_hh */
    ting_real *h, *c;      /* [segments, h] in the order of op->order: the state */
    ting_real *recurrent;  /* [segments, 4 h]: h W_hh^T */
};

/* y = x W^T, packed in inference */
static void multiply(ting_ctx *ctx, int rows, const ting_real *x, int ldx, const ting_param *w, ting_real *y)
{
    ting_gemm_run run = ting_ctx_gemm(ctx);
    if (w->packed != NULL && ctx->tape == NULL)
        ting_gemm_packed(&run, rows, x, ldx, w->packed, NULL, TING_ACT_NONE, 0, y, w->t.rows);
    else
        ting_gemm(&run, ctx->multiply, rows, w->t.rows, w->t.cols, 1, (ting_strided){x, ldx, 1},
                  (ting_strided){w->t.data, 1, w->t.ld}, 0, y, w->t.rows);
}

static void bias_rows(void *arg, ting_row_block block)
{
    const struct job *job = arg;
    const int h4 = 4 * job->op->y.cols;
    for (int r = block.first; r < block.first + block.count; r++) {
        ting_real *gates = job->op->gates + (size_t)r * (size_t)h4;
        job->kern->add(h4, gates, job->bias, gates);
    }
}

/* One step of the segments order[first ..]. */
static void step_rows(void *arg, ting_row_block block)
{
    const struct job *job = arg;
    const struct ting_rec_lstm *op = job->op;
    const ting_kern *kern = job->kern;
    const int h = op->y.cols;
    for (int a = block.first; a < block.first + block.count; a++) {
        const int s = op->order[a];
        const int row = op->reverse ? op->segments.start[s + 1] - 1 - job->step : op->segments.start[s] + job->step;
        ting_real *i = op->gates + (size_t)row * 4 * (size_t)h, *f = i + h, *g = f + h, *o = g + h;
        ting_real *cell = op->cell + (size_t)row * (size_t)h, *y = ting_row(op->y, row);
        ting_real *c = job->c + (size_t)a * (size_t)h;
        kern->add(4 * h, i, job->recurrent + (size_t)a * 4 * (size_t)h, i);
        kern->act(TING_ACT_SIGMOID, 2 * h, i, i); /* i and f */
        kern->act(TING_ACT_TANH, h, g, g);
        kern->act(TING_ACT_SIGMOID, h, o, o);
        kern->mul(h, f, c, cell);
        kern->muladd(h, i, g, cell);
        kern->act(TING_ACT_TANH, h, cell, y);
        kern->mul(h, o, y, y);
        memcpy(c, cell, (size_t)h * sizeof *c);
        memcpy(job->h + (size_t)a * (size_t)h, y, (size_t)h * sizeof *y);
    }
}

static int length(ting_segments segments, int s)
{
    return segments.start[s + 1] - segments.start[s];
}

/* Segments by falling length, equal ones in order (insertion: the lists are short). */
static void sort_by_length(ting_segments segments, int *order)
{
    for (int s = 0; s < segments.count; s++) {
        int at = s;
        for (; at > 0 && length(segments, order[at - 1]) < length(segments, s); at--)
            order[at] = order[at - 1];
        order[at] = s;
    }
}

/* State row a takes row order[a] of `from`, or zero. */
static void load_state(const struct ting_rec_lstm *op, ting_tensor from, ting_real *state)
{
    const int h = op->y.cols;
    for (int a = 0; a < op->segments.count; a++) {
        ting_real *row = state + (size_t)a * (size_t)h;
        if (from.rows == 0)
            memset(row, 0, (size_t)h * sizeof *row);
        else
            memcpy(row, ting_row(from, op->order[a]), (size_t)h * sizeof *row);
    }
}

static void store_state(const struct ting_rec_lstm *op, const ting_real *state, ting_tensor to)
{
    const int h = op->y.cols;
    for (int a = 0; a < op->segments.count; a++)
        memcpy(ting_row(to, op->order[a]), state + (size_t)a * (size_t)h, (size_t)h * sizeof *state);
}

static void run(ting_ctx *ctx, const struct ting_rec_lstm *op)
{
    const int h = op->y.cols;
    const size_t state = (size_t)op->segments.count * (size_t)h;
    ting_arena_mark mark = ting_arena_tell(ctx->arena);
    struct job job = {.kern = ctx->kern, .op = op};
    ting_real *bias = ting_ctx_reals(ctx, 4 * (size_t)h);
    job.h = ting_ctx_reals(ctx, state);
    job.c = ting_ctx_reals(ctx, state);
    job.recurrent = ting_ctx_reals(ctx, 4 * state);
    if (ctx->err != TING_OK)
        return;
    job.bias = bias;
    ctx->kern->add(4 * h, op->weights.b_ih->t.data, op->weights.b_hh->t.data, bias);
    load_state(op, op->h0, job.h);
    load_state(op, op->c0, job.c);
    multiply(ctx, op->x.rows, op->x.data, op->x.ld, op->weights.w_ih, op->gates);
    ting_rows_run(ctx->pool, op->x.rows, 4 * h, bias_rows, &job);
    int running = op->segments.count;
    for (job.step = 0;; job.step++) {
        while (running > 0 && length(op->segments, op->order[running - 1]) <= job.step)
            running--;
        if (running == 0)
            break;
        multiply(ctx, running, job.h, h, op->weights.w_hh, job.recurrent);
        ting_rows_run(ctx->pool, running, 16 * h, step_rows, &job);
    }
    store_state(op, job.h, op->hn);
    store_state(op, job.c, op->cn);
    ting_arena_rewind(ctx->arena, mark);
    ting_ctx_check(ctx);
}

static bool state_fits(ting_tensor state, int segments, int h)
{
    return state.rows == 0 || (state.rows == segments && state.cols == h);
}

ting_tensor ting_lstm(ting_ctx *ctx, ting_tensor x, ting_segments segments,
                      const ting_lstm_weights *weights, bool reverse, ting_tensor h0, ting_tensor c0,
                      ting_tensor *hn, ting_tensor *cn)
{
    const int h = weights->w_hh->t.cols;
    if (weights->w_hh->t.rows != 4 * h || weights->w_ih->t.rows != 4 * h || weights->w_ih->t.cols != x.cols ||
        ting_param_row(weights->b_ih).cols != 4 * h || ting_param_row(weights->b_hh).cols != 4 * h ||
        segments.start[segments.count] != x.rows || !state_fits(h0, segments.count, h) ||
        !state_fits(c0, segments.count, h)) {
        ting_ctx_fail(ctx, TING_ERR_INTERNAL,
                      "lstm: x is [%d, %d] in %d segments, %s is [%d, %d], h0 is [%d, %d], c0 is [%d, %d]", x.rows,
                      x.cols, segments.count, weights->w_hh->name, weights->w_hh->t.rows, h, h0.rows, h0.cols,
                      c0.rows, c0.cols);
        return (ting_tensor){0};
    }
    struct ting_rec_lstm op = {.x = x, .h0 = h0, .c0 = c0, .segments = segments, .weights = *weights,
                               .reverse = reverse};
    int *order = ting_ctx_ints(ctx, segments.count);
    op.y = ting_ctx_output(ctx, x.rows, h);
    op.hn = ting_ctx_output(ctx, segments.count, h);
    op.cn = ting_ctx_output(ctx, segments.count, h);
    op.gates = ting_ctx_reals(ctx, 4 * (size_t)x.rows * (size_t)h);
    op.cell = ting_ctx_reals(ctx, (size_t)x.rows * (size_t)h);
    struct ting_rec_lstm *rec = ting_tape_push(ctx, TING_OP_lstm, sizeof *rec);
    if (ctx->err != TING_OK)
        return (ting_tensor){0};
    sort_by_length(segments, order);
    op.order = order;
    if (rec != NULL)
        *rec = op;
    run(ctx, &op);
    if (hn != NULL)
        *hn = op.hn;
    if (cn != NULL)
        *cn = op.cn;
    return op.y;
}
