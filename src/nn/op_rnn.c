/* SPDX-License-Identifier: Apache-2.0 */
/* op_rnn.c - the plain recurrence h = tanh(x W_ih^T + b_ih + h W_hh^T + b_hh) (Elman 1990), a cell of nn/recurrence.h. */
#include "nn/rec.h"
#include "nn/tape.h"

static void cell(const void *record, const ting_recurrent_row *at, const ting_real *recurrent, ting_real *h)
{
    const struct ting_rec_rnn *op = record;
    const int n = op->of.y.cols;
    at->kern->add(n, op->of.gates + (size_t)at->row * (size_t)n, recurrent, h);
    at->kern->act(TING_ACT_TANH, n, h, h);
}

ting_tensor ting_rnn(ting_ctx *ctx, ting_tensor x, ting_segments segments, const ting_recurrent_weights *weights,
                     bool reverse, ting_tensor h0, ting_tensor *hn)
{
    struct ting_rec_rnn op = {{.op = "rnn", .x = x, .segments = segments, .weights = *weights, .reverse = reverse, .h0 = h0,
                               .gate_count = 1}};
    ting_recurrence_open(ctx, &op.of);
    struct ting_rec_rnn *rec = ting_tape_push(ctx, TING_OP_rnn, sizeof *rec);
    if (ctx->err != TING_OK)
        return (ting_tensor){0};
    if (rec != NULL)
        *rec = op;
    ting_recurrence_run(ctx, &op.of, op.of.y.cols, cell);
    if (hn != NULL)
        *hn = op.of.hn;
    return op.of.y;
}
