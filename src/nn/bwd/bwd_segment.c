/* SPDX-License-Identifier: Apache-2.0 */
/* bwd_segment.c - gradients of what is done to whole segments. docs/derive/segment.md */
#include "nn/bwd/bwd.h"
#include "nn/gradient.h"
#include "nn/rec.h"
#include "nn/rows.h"
#include "nn/segment.h"

#include <string.h>

struct mul_job {
    const ting_kern *kern;
    const struct ting_rec_segment_mul *rec;
    bool first; /* nobody has added to gx */
};

static void mul_rows(void *arg, ting_row_block block)
{
    const struct mul_job *job = arg;
    const struct ting_rec_segment_mul *rec = job->rec;
    int s = ting_segment_of(rec->segments, block.first);
    for (int r = block.first; r < block.first + block.count; r++) {
        s = ting_segment_next(rec->segments, s, r);
        const ting_real *factor = rec->factor + (size_t)s * (size_t)rec->y.cols;
        if (job->first)
            job->kern->mul(rec->y.cols, factor, ting_grad_row(rec->y, r), ting_grad_row(rec->x, r));
        else
            job->kern->muladd(rec->y.cols, factor, ting_grad_row(rec->y, r), ting_grad_row(rec->x, r));
    }
}

void ting_bwd_segment_mul(ting_ctx *ctx, const void *saved)
{
    struct mul_job job = {.kern = ctx->kern, .rec = saved};
    ting_gradient_touch(ctx, job.rec->y);
    job.first = ting_gradient_first(ctx, job.rec->x);
    if (job.rec->x.grad != NULL)
        ting_rows_run(ctx->pool, job.rec->y.rows, job.rec->y.cols, mul_rows, &job);
}

struct pick_job {
    const ting_kern *kern;
    const struct ting_rec_segment_pick *rec;
};

static void pick_rows(void *arg, ting_row_block block)
{
    const struct pick_job *job = arg;
    const struct ting_rec_segment_pick *rec = job->rec;
    int s = ting_segment_of(rec->segments, block.first);
    for (int r = block.first; r < block.first + block.count; r++) {
        s = ting_segment_next(rec->segments, s, r);
        const ting_tensor to = rec->second[s] ? rec->b : rec->a;
        if (to.grad != NULL)
            job->kern->add(to.cols, ting_grad_row(to, r), ting_grad_row(rec->y, r), ting_grad_row(to, r));
    }
}

void ting_bwd_segment_pick(ting_ctx *ctx, const void *saved)
{
    struct pick_job job = {.kern = ctx->kern, .rec = saved};
    ting_gradient_touch(ctx, job.rec->y);
    ting_gradient_touch(ctx, job.rec->a);
    ting_gradient_touch(ctx, job.rec->b);
    if (job.rec->a.grad != NULL || job.rec->b.grad != NULL)
        ting_rows_run(ctx->pool, job.rec->y.rows, job.rec->y.cols, pick_rows, &job);
}

struct add_job {
    const ting_kern *kern;
    const struct ting_rec_segment_add *rec;
    bool first; /* nobody has added to gx */
};

static void add_rows(void *arg, ting_row_block block)
{
    const struct add_job *job = arg;
    const struct ting_rec_segment_add *rec = job->rec;
    int s = rec->kept == NULL ? 0 : ting_segment_of(rec->segments, block.first);
    for (int r = block.first; r < block.first + block.count; r++) {
        ting_real *g = ting_grad_row(rec->y, r);
        if (rec->x.grad != NULL && job->first)
            memcpy(ting_grad_row(rec->x, r), g, (size_t)rec->y.cols * sizeof *g);
        else if (rec->x.grad != NULL)
            job->kern->add(rec->y.cols, ting_grad_row(rec->x, r), g, ting_grad_row(rec->x, r));
        s = rec->kept == NULL ? 0 : ting_segment_next(rec->segments, s, r);
        if (rec->kept != NULL && !rec->kept[s])
            memset(g, 0, (size_t)rec->y.cols * sizeof *g);
    }
}

void ting_bwd_segment_add(ting_ctx *ctx, const void *saved)
{
    struct add_job job = {.kern = ctx->kern, .rec = saved};
    ting_gradient_touch(ctx, job.rec->y);
    job.first = ting_gradient_first(ctx, job.rec->x);
    if (job.rec->x.grad != NULL || job.rec->kept != NULL)
        ting_rows_run(ctx->pool, job.rec->y.rows, job.rec->y.cols, add_rows, &job);
}
