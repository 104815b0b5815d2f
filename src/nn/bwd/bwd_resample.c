/* SPDX-License-Identifier: Apache-2.0 */
/* bwd_resample.c - backward of downsample and upsample. docs/derive/zipformer.md */
#include "nn/bwd/bwd.h"
#include "nn/gradient.h"
#include "nn/rec.h"
#include "nn/rows.h"
#include "nn/segment.h"

#include <string.h>

struct down_job {
    const ting_kern *kern;
    const struct ting_rec_downsample *rec;
    ting_real *partial; /* [blocks, factor]: gradient of the softmax weights */
};

/* A row of x is read by one row of y only (the last of a segment several times), so blocks do not collide. */
static void down_rows(void *arg, ting_row_block block)
{
    const struct down_job *job = arg;
    const struct ting_rec_downsample *rec = job->rec;
    const int cols = rec->x.cols;
    ting_real *gw = job->partial + (size_t)block.index * (size_t)rec->factor;
    memset(gw, 0, (size_t)rec->factor * sizeof *gw);
    int s = ting_segment_of(rec->out, block.first);
    for (int i = block.first; i < block.first + block.count; i++) {
        s = ting_segment_next(rec->out, s, i);
        const int first = rec->segments.start[s], last = rec->segments.start[s + 1] - 1;
        for (int j = 0; j < rec->factor; j++) {
            int t = first + (i - rec->out.start[s]) * rec->factor + j;
            t = t < last ? t : last;
            gw[j] += job->kern->dot(cols, ting_grad_row(rec->y, i), ting_row(rec->x, t));
            if (rec->x.grad != NULL)
                job->kern->axpy(cols, rec->weights[j], ting_grad_row(rec->y, i), ting_grad_row(rec->x, t));
        }
    }
}

void ting_bwd_downsample(ting_ctx *ctx, const void *saved)
{
    struct down_job job = {.kern = ctx->kern, .rec = saved};
    const struct ting_rec_downsample *rec = job.rec;
    const int cost = 2 * rec->factor * rec->y.cols, blocks = ting_row_blocks(rec->y.rows, cost);
    ting_real gw[TING_MAX_DOWNSAMPLE] = {0};
    ting_arena_mark mark = ting_arena_tell(ctx->arena);
    job.partial = ting_ctx_reals(ctx, (size_t)blocks * (size_t)rec->factor);
    if (job.partial == NULL)
        return;
    ting_gradient_touch(ctx, rec->y);
    ting_gradient_touch(ctx, rec->x);
    ting_rows_run(ctx->pool, rec->y.rows, cost, down_rows, &job);
    ting_sum_rows(ctx, blocks, rec->factor, job.partial, rec->factor, gw);
    if (rec->bias->t.grad != NULL)
        ctx->kern->softmax_grad(rec->factor, rec->weights, gw, rec->bias->t.grad);
    ting_arena_rewind(ctx->arena, mark);
}

struct up_job {
    const ting_kern *kern;
    const struct ting_rec_upsample *rec;
};

/* Rows of x; each takes the gradients of its copies. */
static void up_rows(void *arg, ting_row_block block)
{
    const struct up_job *job = arg;
    const struct ting_rec_upsample *rec = job->rec;
    int s = ting_segment_of(rec->segments, block.first);
    for (int r = block.first; r < block.first + block.count; r++) {
        s = ting_segment_next(rec->segments, s, r);
        ting_real *gx = ting_grad_row(rec->x, r);
        const int first = rec->like.start[s] + (r - rec->segments.start[s]) * rec->factor, end = rec->like.start[s + 1];
        for (int t = first; t < first + rec->factor && t < end; t++)
            job->kern->add(rec->x.cols, gx, ting_grad_row(rec->y, t), gx);
    }
}

void ting_bwd_upsample(ting_ctx *ctx, const void *saved)
{
    struct up_job job = {.kern = ctx->kern, .rec = saved};
    const ting_segments segments = job.rec->segments;
    ting_gradient_touch(ctx, job.rec->y);
    ting_gradient_touch(ctx, job.rec->x);
    if (job.rec->x.grad != NULL)
        ting_rows_run(ctx->pool, segments.start[segments.count], job.rec->factor * job.rec->x.cols, up_rows, &job);
}
