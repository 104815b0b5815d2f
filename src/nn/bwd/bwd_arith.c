/* SPDX-License-Identifier: Apache-2.0 */
/* bwd_arith.c - backward of add, mul and scale. docs/derive/elementwise.md */
#include "nn/bwd/bwd.h"
#include "nn/rec.h"
#include "nn/rows.h"

struct job {
    const ting_kern *kern;
    ting_tensor a, b, y;
    ting_real factor;
};

static void add_rows(void *arg, ting_row_block block)
{
    const struct job *job = arg;
    for (int r = block.first; r < block.first + block.count; r++) {
        const ting_real *gy = ting_grad_row(job->y, r);
        if (job->a.grad != NULL)
            job->kern->add(job->y.cols, ting_grad_row(job->a, r), gy, ting_grad_row(job->a, r));
        if (job->b.grad != NULL)
            job->kern->add(job->y.cols, ting_grad_row(job->b, r), gy, ting_grad_row(job->b, r));
    }
}

void ting_bwd_add(ting_ctx *ctx, const void *saved)
{
    const struct ting_rec_add *rec = saved;
    struct job job = {.kern = ctx->kern, .a = rec->a, .b = rec->b, .y = rec->y};
    if (rec->b.rows != rec->y.rows && rec->b.grad != NULL) { /* one row for all */
        ting_sum_rows(ctx, rec->y.rows, rec->y.cols, rec->y.grad, rec->y.ld, rec->b.grad);
        job.b.grad = NULL;
    }
    ting_rows_run(ctx->pool, job.y.rows, job.y.cols, add_rows, &job);
}

static void mul_rows(void *arg, ting_row_block block)
{
    const struct job *job = arg;
    for (int r = block.first; r < block.first + block.count; r++) {
        const ting_real *gy = ting_grad_row(job->y, r);
        if (job->a.grad != NULL)
            job->kern->muladd(job->y.cols, gy, ting_row(job->b, r), ting_grad_row(job->a, r));
        if (job->b.grad != NULL)
            job->kern->muladd(job->y.cols, gy, ting_row(job->a, r), ting_grad_row(job->b, r));
    }
}

void ting_bwd_mul(ting_ctx *ctx, const void *saved)
{
    const struct ting_rec_mul *rec = saved;
    struct job job = {.kern = ctx->kern, .a = rec->a, .b = rec->b, .y = rec->y};
    ting_rows_run(ctx->pool, job.y.rows, job.y.cols, mul_rows, &job);
}

static void scale_rows(void *arg, ting_row_block block)
{
    const struct job *job = arg;
    for (int r = block.first; r < block.first + block.count; r++)
        job->kern->axpy(job->y.cols, job->factor, ting_grad_row(job->y, r), ting_grad_row(job->a, r));
}

void ting_bwd_scale(ting_ctx *ctx, const void *saved)
{
    const struct ting_rec_scale *rec = saved;
    struct job job = {.kern = ctx->kern, .a = rec->x, .y = rec->y, .factor = rec->factor};
    if (rec->x.grad != NULL)
        ting_rows_run(ctx->pool, job.y.rows, job.y.cols, scale_rows, &job);
}
