/* SPDX-License-Identifier: Apache-2.0 */
/*
 * op_gru.c - gated recurrent unit (Cho 2014; torch's form, whose reset gate acts behind the recurrent product), a cell of
 * nn/recurrence.h:
 *
 *     r, z = sigmoid of  x W_i*^T + b_i* + h W_h*^T + b_h*
 *     q = h W_hn^T + b_hn,   n = tanh(x W_in^T + b_in + r q),   h = (1 - z) n + z h
 */
#include "nn/rec.h"
#include "nn/tape.h"

enum { GATES = 3 };

static void cell(const void *record, const ting_recurrent_row *at, const ting_real *recurrent, ting_real *h)
{
    const struct ting_rec_gru *op = record;
    const ting_kern *kern = at->kern;
    const int m = op->of.y.cols;
    ting_real *r = op->of.gates + (size_t)at->row * GATES * (size_t)m, *z = r + m, *n = z + m;
    ting_real *q = op->inner + (size_t)at->row * (size_t)m;
    kern->add(2 * m, r, recurrent, r);
    kern->act(TING_ACT_SIGMOID, 2 * m, r, r); /* r and z */
    kern->add(m, recurrent + 2 * m, op->of.weights.b_hh->t.data + 2 * m, q);
    kern->muladd(m, r, q, n);
    kern->act(TING_ACT_TANH, m, n, n);
    kern->lerp(m, n, h, z, h);
}

ting_tensor ting_gru(ting_ctx *ctx, ting_tensor x, ting_segments segments, const ting_recurrent_weights *weights,
                     bool reverse, ting_tensor h0, ting_tensor *hn)
{
    struct ting_rec_gru op = {.of = {.op = "gru", .x = x, .segments = segments, .weights = *weights, .reverse = reverse,
                                     .h0 = h0, .gate_count = GATES}};
    ting_recurrence_open(ctx, &op.of);
    op.inner = ting_ctx_reals(ctx, (size_t)x.rows * (size_t)op.of.y.cols);
    struct ting_rec_gru *rec = ting_tape_push(ctx, TING_OP_gru, sizeof *rec);
    if (ctx->err != TING_OK)
        return (ting_tensor){0};
    if (rec != NULL)
        *rec = op;
    ting_recurrence_run(ctx, &op.of, 2 * op.of.y.cols, cell);
    if (hn != NULL)
        *hn = op.of.hn;
    return op.of.y;
}
