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

enum { PIECE = 1024 }; /* columns at a time; a multiple of 4 */

static void add_rows(void *arg, ting_row_block block)
{
    const struct job *job = arg;
    const struct ting_rec_residual *op = &job->op;
    ting_real mask[PIECE];
    for (int r = block.first; r < block.first + block.count; r++) {
        for (int first = 0; first < op->y.cols; first += PIECE) {
            const int count = op->y.cols - first < PIECE ? op->y.cols - first : PIECE;
            ting_real *y = ting_row(op->y, r) + first;
            if (op->mask.threshold > 0) {
                ting_mask_row(job->kern, &op->mask, r, first, count, mask);
                job->kern->mul(count, mask, y, y);
            }
            if (op->factor != 1)
                job->kern->scale(count, op->factor, y, y);
            job->kern->add(count, ting_row(op->x, r) + first, y, y);
        }
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
