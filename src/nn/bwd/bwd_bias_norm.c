/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bwd_bias_norm.c - y = x s r with r = 1 / rms(x - b), s = exp(log_scale). With a = s sum_c(gy x):
 *     gx += s r gy - a r^3 (x - b) / n,   gb += a r^3 (x - b) / n,   g(log_scale) += a r
 * The sums over rows are kept a block of rows at a time and added up in order. docs/derive/zipformer.md
 */
#include "nn/bwd/bwd.h"
#include "nn/gradient.h"
#include "nn/rec.h"
#include "nn/rows.h"

#include <string.h>
#include <tgmath.h>

struct job {
    const ting_kern *kern;
    const struct ting_rec_bias_norm *rec;
    bool first; /* nobody has added to gx */
    ting_real scale;
    ting_real *minus;   /* [cols]: the negated bias */
    ting_real *partial; /* [blocks, 2, cols + 1]: of gb and, last, g(log_scale); x - b of a row */
};

static void norm_rows(void *arg, ting_row_block block)
{
    const struct job *job = arg;
    const ting_tensor x = job->rec->x;
    const int n = x.cols;
    ting_real *sums = job->partial + (size_t)block.index * 2 * (size_t)(n + 1), *distance = sums + n + 1;
    memset(sums, 0, (size_t)(n + 1) * sizeof *sums);
    for (int t = block.first; t < block.first + block.count; t++) {
        const ting_real *gy = ting_grad_row(job->rec->y, t), r = job->rec->rrms[t];
        const ting_real a = job->scale * job->kern->dot(n, gy, ting_row(x, t)), pull = a * r * r * r / (ting_real)n;
        job->kern->add(n, ting_row(x, t), job->minus, distance);
        if (x.grad != NULL && job->first)
            job->kern->scale(n, job->scale * r, gy, ting_grad_row(x, t));
        else if (x.grad != NULL)
            job->kern->axpy(n, job->scale * r, gy, ting_grad_row(x, t));
        if (x.grad != NULL)
            job->kern->axpy(n, -pull, distance, ting_grad_row(x, t));
        job->kern->axpy(n, pull, distance, sums);
        sums[n] += a * r;
    }
}

void ting_bwd_bias_norm(ting_ctx *ctx, const void *saved)
{
    struct job job = {.kern = ctx->kern, .rec = saved};
    const struct ting_rec_bias_norm *rec = job.rec;
    const int n = rec->x.cols, cost = 4 * n, blocks = ting_row_blocks(rec->x.rows, cost), stride = 2 * (n + 1);
    ting_arena_mark mark = ting_arena_tell(ctx->arena);
    job.scale = exp(rec->log_scale->t.data[0]);
    job.minus = ting_ctx_reals(ctx, (size_t)n);
    job.partial = ting_ctx_reals(ctx, (size_t)blocks * (size_t)stride);
    if (ctx->err != TING_OK)
        return;
    ctx->kern->scale(n, -1, rec->bias->t.data, job.minus);
    ting_gradient_touch(ctx, rec->y);
    job.first = ting_gradient_first(ctx, rec->x);
    ting_rows_run(ctx->pool, rec->x.rows, cost, norm_rows, &job);
    if (rec->bias->t.grad != NULL)
        ting_sum_rows(ctx, blocks, n, job.partial, stride, rec->bias->t.grad);
    if (rec->log_scale->t.grad != NULL)
        ting_sum_rows(ctx, blocks, 1, job.partial + n, stride, rec->log_scale->t.grad);
    ting_arena_rewind(ctx->arena, mark);
}
