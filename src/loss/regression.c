/* SPDX-License-Identifier: Apache-2.0 */
/* regression.c - see regression.h and docs/derive/regression.md. */
#include "loss/regression.h"

#include "nn/bwd/bwd.h"
#include "nn/rec.h"
#include "nn/rows.h"
#include "nn/tape.h"

#include <math.h>

enum { ROW_COST = 4 }; /* simple operations a channel */

struct job {
    struct ting_rec_regression op;
    ting_real *loss; /* [T] */
};

static double inverse_of(const struct ting_rec_regression *op, int c)
{
    return op->inverse != NULL ? (double)op->inverse[c] : 1;
}

static double weight_of(const struct ting_rec_regression *op, int r)
{
    return op->weight != NULL ? (double)op->weight[r] : 1;
}

/* a . b, a . a and b . b of a row, scaled. */
static void products(const struct ting_rec_regression *op, int r, double *ab, double *aa, double *bb)
{
    const ting_real *x = ting_row(op->x, r), *y = ting_row(op->target, r);
    *ab = *aa = *bb = 0;
    for (int c = 0; c < op->x.cols; c++) {
        const double a = (double)x[c] * inverse_of(op, c), b = (double)y[c] * inverse_of(op, c);
        *ab += a * b;
        *aa += a * a;
        *bb += b * b;
    }
}

static double distance(const struct ting_rec_regression *op, int r)
{
    const ting_real *x = ting_row(op->x, r), *y = ting_row(op->target, r);
    if (op->kind == TING_DISTANCE_COSINE) {
        double ab, aa, bb;
        products(op, r, &ab, &aa, &bb);
        return aa == 0 || bb == 0 ? 1 : 1 - ab / sqrt(aa) / sqrt(bb);
    }
    double sum = 0;
    for (int c = 0; c < op->x.cols; c++) {
        const double d = ((double)x[c] - (double)y[c]) * inverse_of(op, c);
        sum += op->kind == TING_DISTANCE_SQUARED ? d * d : fabs(d);
    }
    return sum / op->x.cols;
}

static void loss_rows(void *arg, ting_row_block block)
{
    const struct job *job = arg;
    for (int r = block.first; r < block.first + block.count; r++) {
        const double weight = weight_of(&job->op, r);
        job->loss[r] = weight == 0 ? 0 : (ting_real)(weight * distance(&job->op, r));
    }
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

ting_tensor ting_regression_loss(ting_ctx *ctx, ting_tensor x, ting_tensor teacher,
                                 const ting_regression_options *options)
{
    const ting_regression_options plain = {0};
    if (options == NULL)
        options = &plain;
    if (ctx->err == TING_OK && (x.rows != teacher.rows || x.cols != teacher.cols))
        ting_ctx_fail(ctx, TING_ERR_INTERNAL, "regression: rows [%d, %d], the teacher's [%d, %d]", x.rows, x.cols,
                      teacher.rows, teacher.cols);
    ting_tensor loss = ting_ctx_output(ctx, 1, 1);
    struct job job = {.op = {.x = x,
                             .target = teacher,
                             .loss = loss,
                             .kind = (int)options->distance,
                             .weight = options->weight,
                             .inverse = take_inverse(ctx, options->scale, x.cols)}};
    struct ting_rec_regression *rec = ting_tape_push(ctx, TING_OP_regression, sizeof *rec);
    if (rec != NULL)
        *rec = job.op;
    ting_arena_mark mark = ting_arena_tell(ctx->arena);
    job.loss = ting_ctx_reals(ctx, (size_t)x.rows + 1);
    if (ctx->err != TING_OK)
        return (ting_tensor){0};
    ting_rows_run(ctx->pool, x.rows, ROW_COST * x.cols, loss_rows, &job);
    double sum = 0;
    for (int r = 0; r < x.rows; r++)
        sum += (double)job.loss[r];
    loss.data[0] = (ting_real)sum;
    ting_arena_rewind(ctx->arena, mark);
    return loss;
}

static void cosine_grad(const struct ting_rec_regression *op, int r, double g)
{
    const ting_real *x = ting_row(op->x, r), *y = ting_row(op->target, r);
    ting_real *gx = ting_grad_row(op->x, r);
    double ab, aa, bb;
    products(op, r, &ab, &aa, &bb);
    if (aa == 0 || bb == 0)
        return;
    const double by = g / sqrt(aa) / sqrt(bb), along = ab / aa;
    for (int c = 0; c < op->x.cols; c++) {
        const double inverse = inverse_of(op, c);
        gx[c] += (ting_real)(by * inverse * inverse * (along * (double)x[c] - (double)y[c]));
    }
}

static void grad_rows(void *arg, ting_row_block block)
{
    const struct ting_rec_regression *op = &((const struct job *)arg)->op;
    for (int r = block.first; r < block.first + block.count; r++) {
        const double g = (double)op->loss.grad[0] * weight_of(op, r), each = g / op->x.cols;
        if (g == 0)
            continue;
        if (op->kind == TING_DISTANCE_COSINE) {
            cosine_grad(op, r, g);
            continue;
        }
        const ting_real *x = ting_row(op->x, r), *y = ting_row(op->target, r);
        ting_real *gx = ting_grad_row(op->x, r);
        for (int c = 0; c < op->x.cols; c++) {
            const double inverse = inverse_of(op, c), d = ((double)x[c] - (double)y[c]) * inverse;
            gx[c] += (ting_real)(each * inverse * (op->kind == TING_DISTANCE_SQUARED ? 2 * d : (d > 0) - (d < 0)));
        }
    }
}

void ting_bwd_regression(ting_ctx *ctx, const void *saved)
{
    struct job job = {.op = *(const struct ting_rec_regression *)saved};
    if (job.op.x.grad != NULL)
        ting_rows_run(ctx->pool, job.op.x.rows, ROW_COST * job.op.x.cols, grad_rows, &job);
}
