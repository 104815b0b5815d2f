/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bwd_bypass.c - y = o + s (x - o): go += (1 - s) gy, gx += s gy, gs += (x - o) gy, the last a block of rows at a time,
 * added up in order. docs/derive/zipformer.md
 */
#include "nn/bwd/bwd.h"
#include "nn/gradient.h"
#include "nn/rec.h"
#include "nn/rows.h"

#include <string.h>

struct job {
    const ting_kern *kern;
    const struct ting_rec_bypass *rec;
    bool first_original, first_x; /* nobody has added to its gradient */
    ting_real *rest;    /* [cols]: 1 - s */
    ting_real *partial; /* [blocks, 2, cols]: of gs; x - o of a row */
};

static void pass_on(const struct job *job, int t, const ting_real *factor, ting_tensor to, bool first)
{
    const ting_real *gy = ting_grad_row(job->rec->y, t);
    if (to.grad != NULL && first)
        job->kern->mul(to.cols, factor, gy, ting_grad_row(to, t));
    else if (to.grad != NULL)
        job->kern->muladd(to.cols, factor, gy, ting_grad_row(to, t));
}

static void pass_rows(void *arg, ting_row_block block)
{
    const struct job *job = arg;
    const struct ting_rec_bypass *rec = job->rec;
    const int n = rec->y.cols;
    ting_real *sum = job->partial + (size_t)block.index * 2 * (size_t)n, *difference = sum + n;
    memset(sum, 0, (size_t)n * sizeof *sum);
    for (int t = block.first; t < block.first + block.count; t++) {
        const ting_real *gy = ting_grad_row(rec->y, t);
        pass_on(job, t, job->rest, rec->original, job->first_original);
        pass_on(job, t, rec->scale->t.data, rec->x, job->first_x);
        memcpy(difference, ting_row(rec->x, t), (size_t)n * sizeof *difference);
        job->kern->axpy(n, -1, ting_row(rec->original, t), difference);
        job->kern->muladd(n, difference, gy, sum);
    }
}

void ting_bwd_bypass(ting_ctx *ctx, const void *saved)
{
    struct job job = {.kern = ctx->kern, .rec = saved};
    const struct ting_rec_bypass *rec = job.rec;
    const int n = rec->y.cols, cost = 4 * n, blocks = ting_row_blocks(rec->y.rows, cost);
    ting_arena_mark mark = ting_arena_tell(ctx->arena);
    job.rest = ting_ctx_reals(ctx, (size_t)n);
    job.partial = ting_ctx_reals(ctx, (size_t)blocks * 2 * (size_t)n);
    if (ctx->err != TING_OK)
        return;
    for (int c = 0; c < n; c++)
        job.rest[c] = 1 - rec->scale->t.data[c];
    ting_gradient_touch(ctx, rec->y);
    job.first_original = ting_gradient_first(ctx, rec->original);
    job.first_x = ting_gradient_first(ctx, rec->x);
    ting_rows_run(ctx->pool, rec->y.rows, cost, pass_rows, &job);
    if (rec->scale->t.grad != NULL)
        ting_sum_rows(ctx, blocks, n, job.partial, 2 * n, rec->scale->t.grad);
    ting_arena_rewind(ctx->arena, mark);
}
