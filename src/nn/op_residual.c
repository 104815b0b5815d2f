/* SPDX-License-Identifier: Apache-2.0 */
/* op_residual.c - x + factor dropout(y), over y: one pass instead of three ops of one each. */
#include "nn/op.h"
#include "nn/rec.h"
#include "nn/rows.h"
#include "nn/tape.h"

struct job {
    const ting_kern *kern;
    struct ting_rec_residual op;
};

static void add_rows(void *arg, ting_row_block block)
{
    const struct job *job = arg;
    const struct ting_rec_residual *op = &job->op;
    for (int r = block.first; r < block.first + block.count; r++) {
        ting_real *y = ting_row(op->y, r);
        if (op->mask.threshold > 0)
            ting_mask_apply(job->kern, &op->mask, r, y, y, false);
        if (op->factor != 1)
            job->kern->scale(op->y.cols, op->factor, y, y);
        job->kern->add(op->y.cols, ting_row(op->x, r), y, y);
    }
}

ting_tensor ting_residual(ting_ctx *ctx, ting_tensor x, ting_tensor y, ting_real factor, ting_real dropout)
{
    if (ctx->err == TING_OK && (x.rows != y.rows || x.cols != y.cols))
        ting_ctx_fail(ctx, TING_ERR_INTERNAL, "residual: x is [%d, %d], y is [%d, %d]", x.rows, x.cols, y.rows, y.cols);
    struct job job = {.kern = ctx->kern, .op = {.x = x, .y = y, .factor = factor}};
    job.op.mask = ting_mask_draw(ctx, dropout, y.rows, y.cols);
    struct ting_rec_residual *rec = ting_tape_push(ctx, TING_OP_residual, sizeof *rec);
    if (ctx->err != TING_OK)
        return (ting_tensor){0};
    if (rec != NULL)
        *rec = job.op;
    ting_rows_run(ctx->pool, y.rows, 4 * y.cols, add_rows, &job);
    return y;
}
