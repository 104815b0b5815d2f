/* SPDX-License-Identifier: Apache-2.0 */
/* bwd_arith.c - backward of add, mul and scale. docs/derive/elementwise.md */
#include "nn/bwd/bwd.h"
#include "nn/gradient.h"
#include "nn/rec.h"
#include "nn/rows.h"

#include <string.h>

struct job {
    const ting_kern *kern;
    ting_tensor a, b, y;
    ting_real factor;
    bool first_a, first_b; /* nobody has added to its gradient */
};

static void pass_on(const struct job *job, int r, ting_tensor to, bool first)
{
    const ting_real *gy = ting_grad_row(job->y, r);
    ting_real *g = to.grad == NULL ? NULL : ting_grad_row(to, r);
    if (g != NULL && first)
        memcpy(g, gy, (size_t)job->y.cols * sizeof *g);
    else if (g != NULL)
        job->kern->add(job->y.cols, g, gy, g);
}

static void add_rows(void *arg, ting_row_block block)
{
    const struct job *job = arg;
    for (int r = block.first; r < block.first + block.count; r++) {
        pass_on(job, r, job->a, job->first_a);
        pass_on(job, r, job->b, job->first_b);
    }
}

void ting_bwd_add(ting_ctx *ctx, const void *saved)
{
    const struct ting_rec_add *rec = saved;
    struct job job = {.kern = ctx->kern, .a = rec->a, .b = rec->b, .y = rec->y};
    ting_gradient_touch(ctx, rec->y);
    if (rec->b.rows != rec->y.rows && rec->b.grad != NULL) { /* one row for all */
        ting_gradient_touch(ctx, rec->b);
        ting_sum_rows(ctx, rec->y.rows, rec->y.cols, rec->y.grad, rec->y.ld, rec->b.grad);
        job.b.grad = NULL;
    }
    job.first_a = ting_gradient_first(ctx, job.a);
    job.first_b = ting_gradient_first(ctx, job.b);
    ting_rows_run(ctx->pool, job.y.rows, job.y.cols, add_rows, &job);
}

static void pass_times(const struct job *job, int r, const ting_real *factor, ting_tensor to, bool first)
{
    const ting_real *gy = ting_grad_row(job->y, r);
    if (to.grad != NULL && first)
        job->kern->mul(job->y.cols, gy, factor, ting_grad_row(to, r));
    else if (to.grad != NULL)
        job->kern->muladd(job->y.cols, gy, factor, ting_grad_row(to, r));
}

static void mul_rows(void *arg, ting_row_block block)
{
    const struct job *job = arg;
    for (int r = block.first; r < block.first + block.count; r++) {
        pass_times(job, r, ting_row(job->b, r), job->a, job->first_a);
        pass_times(job, r, ting_row(job->a, r), job->b, job->first_b);
    }
}

void ting_bwd_mul(ting_ctx *ctx, const void *saved)
{
    const struct ting_rec_mul *rec = saved;
    struct job job = {.kern = ctx->kern, .a = rec->a, .b = rec->b, .y = rec->y};
    ting_gradient_touch(ctx, rec->y);
    job.first_a = ting_gradient_first(ctx, rec->a);
    job.first_b = ting_gradient_first(ctx, rec->b);
    ting_rows_run(ctx->pool, job.y.rows, job.y.cols, mul_rows, &job);
}

static void scale_rows(void *arg, ting_row_block block)
{
    const struct job *job = arg;
    for (int r = block.first; r < block.first + block.count; r++)
        if (job->first_a)
            job->kern->scale(job->y.cols, job->factor, ting_grad_row(job->y, r), ting_grad_row(job->a, r));
        else
            job->kern->axpy(job->y.cols, job->factor, ting_grad_row(job->y, r), ting_grad_row(job->a, r));
}

void ting_bwd_scale(ting_ctx *ctx, const void *saved)
{
    const struct ting_rec_scale *rec = saved;
    struct job job = {.kern = ctx->kern, .a = rec->x, .y = rec->y, .factor = rec->factor};
    ting_gradient_touch(ctx, rec->y);
    job.first_a = ting_gradient_first(ctx, rec->x);
    if (rec->x.grad != NULL)
        ting_rows_run(ctx->pool, job.y.rows, job.y.cols, scale_rows, &job);
}
