/* SPDX-License-Identifier: Apache-2.0 */
/* columns.c - see columns.h. Two passes: squares of distances from the mean do not cancel as sum x^2 - n mean^2 does. */
#include "nn/columns.h"

#include "nn/rows.h"

#include <string.h>

struct job {
    const ting_kern *kern;
    ting_tensor x;
    ting_real *minus;   /* [cols]: the negated mean */
    ting_real *partial; /* [blocks, 2, cols]: a sum and a row's distances */
};

static ting_real *cleared_sum(const struct job *job, int index)
{
    ting_real *sum = job->partial + (size_t)index * 2 * (size_t)job->x.cols;
    memset(sum, 0, (size_t)job->x.cols * sizeof *sum);
    return sum;
}

static void sum_rows(void *arg, ting_row_block block)
{
    const struct job *job = arg;
    ting_real *sum = cleared_sum(job, block.index);
    for (int r = block.first; r < block.first + block.count; r++)
        job->kern->add(job->x.cols, sum, ting_row(job->x, r), sum);
}

static void sum_squares(void *arg, ting_row_block block)
{
    const struct job *job = arg;
    ting_real *sum = cleared_sum(job, block.index), *distance = sum + job->x.cols;
    for (int r = block.first; r < block.first + block.count; r++) {
        job->kern->add(job->x.cols, ting_row(job->x, r), job->minus, distance);
        job->kern->muladd(job->x.cols, distance, distance, sum);
    }
}

/* out [cols] = the mean over all rows of what the blocks have summed. */
static void average(const struct job *job, int blocks, double *out)
{
    const int cols = job->x.cols;
    for (int c = 0; c < cols; c++)
        out[c] = 0;
    for (int i = 0; i < blocks; i++)
        for (int c = 0; c < cols; c++)
            out[c] += (double)job->partial[(size_t)i * 2 * (size_t)cols + (size_t)c];
    for (int c = 0; c < cols && job->x.rows > 0; c++)
        out[c] /= job->x.rows;
}

void ting_column_moments(ting_ctx *ctx, ting_tensor x, double *mean, double *variance)
{
    const int blocks = ting_row_blocks(x.rows, x.cols);
    ting_arena_mark mark = ting_arena_tell(ctx->arena);
    struct job job = {.kern = ctx->kern, .x = x};
    job.minus = ting_ctx_reals(ctx, (size_t)x.cols);
    job.partial = ting_ctx_reals(ctx, (size_t)blocks * 2 * (size_t)x.cols);
    if (ctx->err != TING_OK)
        return;
    ting_rows_run(ctx->pool, x.rows, x.cols, sum_rows, &job);
    average(&job, blocks, mean);
    if (variance != NULL) {
        for (int c = 0; c < x.cols; c++)
            job.minus[c] = (ting_real)-mean[c];
        ting_rows_run(ctx->pool, x.rows, x.cols, sum_squares, &job);
        average(&job, blocks, variance);
    }
    ting_arena_rewind(ctx->arena, mark);
}
