/* SPDX-License-Identifier: Apache-2.0 */
/* bwd_concat.c - gradients go back to where the rows and columns came from. docs/derive/concat.md */
#include "nn/bwd/bwd.h"
#include "nn/gradient.h"
#include "nn/rec.h"
#include "nn/rows.h"

struct cols_job {
    const ting_kern *kern;
    const struct ting_rec_concat_cols *rec;
};

static void concat_cols_rows(void *arg, ting_row_block block)
{
    const struct cols_job *job = arg;
    for (int r = block.first; r < block.first + block.count; r++) {
        const ting_real *gy = ting_grad_row(job->rec->y, r);
        for (int i = 0; i < job->rec->count; i++) {
            const ting_tensor part = job->rec->parts[i];
            if (part.grad != NULL)
                job->kern->add(part.cols, ting_grad_row(part, r), gy, ting_grad_row(part, r));
            gy += part.cols;
        }
    }
}

void ting_bwd_concat_cols(ting_ctx *ctx, const void *saved)
{
    struct cols_job job = {.kern = ctx->kern, .rec = saved};
    ting_gradient_touch(ctx, job.rec->y);
    for (int i = 0; i < job.rec->count; i++)
        ting_gradient_touch(ctx, job.rec->parts[i]);
    ting_rows_run(ctx->pool, job.rec->y.rows, job.rec->y.cols, concat_cols_rows, &job);
}

struct time_job {
    const ting_kern *kern;
    const struct ting_rec_concat_time *rec;
    ting_tensor to; /* a or b */
    bool is_a;
};

static void concat_time_rows(void *arg, ting_row_block block)
{
    const struct time_job *job = arg;
    int segment = 0, from;
    for (int r = block.first; r < block.first + block.count; r++) {
        if (ting_concat_time_source(job->rec, r, &segment, &from) != job->is_a)
            continue;
        ting_real *g = ting_grad_row(job->to, from);
        job->kern->add(job->to.cols, g, ting_grad_row(job->rec->y, r), g);
    }
}

/* One after the other: a and b may be the same tensor. */
void ting_bwd_concat_time(ting_ctx *ctx, const void *saved)
{
    const struct ting_rec_concat_time *rec = saved;
    struct time_job a = {ctx->kern, rec, rec->a, true}, b = {ctx->kern, rec, rec->b, false};
    ting_gradient_touch(ctx, rec->y);
    ting_gradient_touch(ctx, rec->a);
    ting_gradient_touch(ctx, rec->b);
    if (rec->a.grad != NULL)
        ting_rows_run(ctx->pool, rec->y.rows, rec->y.cols, concat_time_rows, &a);
    if (rec->b.grad != NULL)
        ting_rows_run(ctx->pool, rec->y.rows, rec->y.cols, concat_time_rows, &b);
}

struct fit_job {
    const ting_kern *kern;
    ting_tensor x, y;
};

static void fit_rows(void *arg, ting_row_block block)
{
    const struct fit_job *job = arg;
    const int shared = job->x.cols < job->y.cols ? job->x.cols : job->y.cols;
    for (int r = block.first; r < block.first + block.count; r++)
        job->kern->add(shared, ting_grad_row(job->x, r), ting_grad_row(job->y, r), ting_grad_row(job->x, r));
}

void ting_bwd_fit_cols(ting_ctx *ctx, const void *saved)
{
    const struct ting_rec_fit_cols *rec = saved;
    struct fit_job job = {.kern = ctx->kern, .x = rec->x, .y = rec->y};
    ting_gradient_touch(ctx, rec->y);
    ting_gradient_touch(ctx, rec->x);
    if (rec->x.grad != NULL)
        ting_rows_run(ctx->pool, rec->y.rows, rec->x.cols, fit_rows, &job);
}
