/* SPDX-License-Identifier: Apache-2.0 */
/* regression.c - see regression.h and docs/derive/regression.md. */
#include "loss/regression.h"

#include "loss/sum.h"
#include "nn/bwd/bwd.h"
#include "nn/gradient.h"
#include "nn/rec.h"
#include "nn/rows.h"
#include "nn/tape.h"

enum { ROW_COST = 4 }; /* simple operations a channel */

struct job {
    struct ting_rec_regression op;
    ting_real *loss; /* [T] */
};

static double inverse_of(const struct ting_rec_regression *op, int c)
{
    return op->inverse != NULL ? (double)op->inverse[c] : 1;
}

static double distance(const struct ting_rec_regression *op, int r)
{
    const ting_real *x = ting_row(op->x, r), *y = ting_row(op->target, r);
    double sum = 0;
    for (int c = 0; c < op->x.cols; c++) {
        const double d = ((double)x[c] - (double)y[c]) * inverse_of(op, c);
        sum += d * d;
    }
    return sum / op->x.cols;
}

static void loss_rows(void *arg, ting_row_block block)
{
    const struct job *job = arg;
    for (int r = block.first; r < block.first + block.count; r++)
        job->loss[r] = (ting_real)distance(&job->op, r);
}

/* 1 / scale in the arena; NULL when there is none, or after a failure. */
static ting_real *take_inverse(ting_ctx *ctx, const ting_real *scale, int channels)
{
    if (scale == NULL)
        return NULL;
    ting_real *inverse = ting_ctx_reals(ctx, (size_t)channels);
    for (int c = 0; inverse != NULL && c < channels; c++) {
        if (!(scale[c] > 0)) {
            ting_ctx_fail(ctx, TING_ERR_ARGUMENT, "regression: scale %g of channel %d, expected a number above 0",
                          (double)scale[c], c);
            return NULL;
        }
        inverse[c] = 1 / scale[c];
    }
    return inverse;
}

ting_tensor ting_regression_loss(ting_ctx *ctx, ting_tensor x, ting_tensor teacher, const ting_real *scale)
{
    if (ctx->err == TING_OK && (x.rows != teacher.rows || x.cols != teacher.cols))
        ting_ctx_fail(ctx, TING_ERR_INTERNAL, "regression: rows [%d, %d], the teacher's [%d, %d]", x.rows, x.cols,
                      teacher.rows, teacher.cols);
    ting_tensor loss = ting_ctx_output(ctx, 1, 1);
    struct job job = {
        .op = {.x = x, .target = teacher, .loss = loss, .inverse = take_inverse(ctx, scale, x.cols)}};
    struct ting_rec_regression *rec = ting_tape_push(ctx, TING_OP_regression, sizeof *rec);
    if (rec != NULL)
        *rec = job.op;
    ting_arena_mark mark = ting_arena_tell(ctx->arena);
    job.loss = ting_ctx_reals(ctx, (size_t)x.rows + 1);
    if (ctx->err != TING_OK)
        return (ting_tensor){0};
    ting_rows_run(ctx->pool, x.rows, ROW_COST * x.cols, loss_rows, &job);
    loss.data[0] = ting_loss_of_rows(job.loss, x.rows);
    ting_arena_rewind(ctx->arena, mark);
    return loss;
}

static void grad_rows(void *arg, ting_row_block block)
{
    const struct ting_rec_regression *op = &((const struct job *)arg)->op;
    const double each = 2 * (double)op->loss.grad[0] / op->x.cols;
    for (int r = block.first; r < block.first + block.count; r++) {
        const ting_real *x = ting_row(op->x, r), *y = ting_row(op->target, r);
        ting_real *gx = ting_grad_row(op->x, r);
        for (int c = 0; c < op->x.cols; c++) {
            const double inverse = inverse_of(op, c);
            gx[c] += (ting_real)(each * inverse * inverse * ((double)x[c] - (double)y[c]));
        }
    }
}

void ting_bwd_regression(ting_ctx *ctx, const void *saved)
{
    struct job job = {.op = *(const struct ting_rec_regression *)saved};
    ting_gradient_touch(ctx, job.op.loss);
    ting_gradient_touch(ctx, job.op.x);
    if (job.op.x.grad != NULL)
        ting_rows_run(ctx->pool, job.op.x.rows, ROW_COST * job.op.x.cols, grad_rows, &job);
}
