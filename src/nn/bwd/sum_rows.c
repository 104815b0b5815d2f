/* SPDX-License-Identifier: Apache-2.0 */
/* sum_rows.c - sums over rows: gradients of biases. */
#include "nn/bwd/bwd.h"

enum { STRIP = 64 }; /* columns a thread takes at a time */

struct job {
    const ting_kern *kern;
    int rows, cols;
    const ting_real *x;
    int ldx;
    ting_real *sum;
};

static void sum_strip(void *arg, int index)
{
    const struct job *job = arg;
    int first = index * STRIP;
    int count = job->cols - first < STRIP ? job->cols - first : STRIP;
    const ting_real one = 1;
    job->kern->mix(job->rows, count, 1, &one, 0, job->x + first, job->ldx, job->sum + first);
}

void ting_sum_rows(const ting_ctx *ctx, int rows, int cols, const ting_real *x, int ldx, ting_real *sum)
{
    struct job job = {.kern = ctx->kern, .rows = rows, .cols = cols, .x = x, .ldx = ldx, .sum = sum};
    ting_pool_run(ctx->pool, (cols + STRIP - 1) / STRIP, sum_strip, &job);
}
