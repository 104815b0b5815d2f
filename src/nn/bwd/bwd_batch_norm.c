/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bwd_batch_norm.c - with n = (x - mean) rstd, N rows, and sums over the rows:
 *     gbeta += sum gy,  ggamma += sum gy n,  gx += gamma rstd (gy - sum gy / N - n sum(gy n) / N)
 * and gx += gamma rstd gy where the statistics do not depend on x. docs/derive/batch_norm.md
 */
#include "nn/bwd/bwd.h"
#include "nn/gradient.h"
#include "nn/rec.h"
#include "nn/rows.h"

#include <string.h>

struct job {
    const ting_kern *kern;
    const struct ting_rec_batch_norm *rec;
    bool first;                       /* nobody has added to gx */
    ting_real *minus;                 /* [cols]: the negated mean */
    ting_real *partial;               /* [blocks, 3, cols]: sums of gy (x - mean) and of gy; x - mean of a row */
    ting_real *scale, *tilt, *offset; /* [cols]: gx += scale gy + tilt (x - mean) + offset */
};

static void sum_rows(void *arg, ting_row_block block)
{
    const struct job *job = arg;
    const int n = job->rec->x.cols;
    ting_real *products = job->partial + (size_t)block.index * 3 * (size_t)n, *sum = products + n, *distance = sum + n;
    memset(products, 0, 2 * (size_t)n * sizeof *products);
    for (int r = block.first; r < block.first + block.count; r++) {
        const ting_real *gy = ting_grad_row(job->rec->y, r);
        job->kern->add(n, ting_row(job->rec->x, r), job->minus, distance);
        job->kern->muladd(n, gy, distance, products);
        job->kern->add(n, sum, gy, sum);
    }
}

static void input_rows(void *arg, ting_row_block block)
{
    const struct job *job = arg;
    const ting_tensor x = job->rec->x;
    ting_real *distance = job->partial + (size_t)block.index * 3 * (size_t)x.cols;
    for (int r = block.first; r < block.first + block.count; r++) {
        ting_real *gx = ting_grad_row(x, r);
        if (job->first)
            job->kern->mul(x.cols, job->scale, ting_grad_row(job->rec->y, r), gx);
        else
            job->kern->muladd(x.cols, job->scale, ting_grad_row(job->rec->y, r), gx);
        if (!job->rec->of_batch)
            continue;
        job->kern->add(x.cols, ting_row(x, r), job->minus, distance);
        job->kern->muladd(x.cols, job->tilt, distance, gx);
        job->kern->add(x.cols, gx, job->offset, gx);
    }
}

/* From the sums over all rows [2, cols]: the gradients of gamma and beta, and what gx is made of. */
static void use_sums(const struct job *job, const ting_real *sums)
{
    const struct ting_rec_batch_norm *rec = job->rec;
    const int cols = rec->x.cols;
    for (int c = 0; c < cols; c++) {
        const ting_real products = sums[c], sum = sums[cols + c], r = rec->rstd[c], rows = (ting_real)rec->x.rows;
        if (rec->gamma->t.grad != NULL)
            rec->gamma->t.grad[c] += products * r;
        if (rec->beta->t.grad != NULL)
            rec->beta->t.grad[c] += sum;
        job->scale[c] = rec->gamma->t.data[c] * r;
        job->tilt[c] = -job->scale[c] * r * r * products / rows;
        job->offset[c] = -job->scale[c] * sum / rows;
    }
}

void ting_bwd_batch_norm(ting_ctx *ctx, const void *saved)
{
    struct job job = {.kern = ctx->kern, .rec = saved};
    const ting_tensor x = job.rec->x;
    const int cols = x.cols, cost = 4 * cols, blocks = ting_row_blocks(x.rows, cost);
    ting_arena_mark mark = ting_arena_tell(ctx->arena);
    ting_real *sums = ting_arena_take_zeroed(ctx->arena, 2 * (size_t)cols, sizeof *sums);
    job.minus = ting_ctx_reals(ctx, (size_t)cols);
    job.partial = ting_ctx_reals(ctx, (size_t)blocks * 3 * (size_t)cols);
    job.scale = ting_ctx_reals(ctx, 3 * (size_t)cols);
    ting_ctx_check(ctx);
    if (ctx->err != TING_OK)
        return;
    job.tilt = job.scale + cols;
    job.offset = job.tilt + cols;
    ctx->kern->scale(cols, -1, job.rec->mean, job.minus);
    ting_gradient_touch(ctx, job.rec->y);
    job.first = ting_gradient_first(ctx, x);
    ting_rows_run(ctx->pool, x.rows, cost, sum_rows, &job);
    ting_sum_rows(ctx, blocks, 2 * cols, job.partial, 3 * cols, sums);
    use_sums(&job, sums);
    if (x.grad != NULL)
        ting_rows_run(ctx->pool, x.rows, cost, input_rows, &job);
    ting_arena_rewind(ctx->arena, mark);
}
