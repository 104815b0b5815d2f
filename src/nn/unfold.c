/* SPDX-License-Identifier: Apache-2.0 */
/* unfold.c - see unfold.h. */
#include "nn/unfold.h"

#include "nn/rows.h"
#include "nn/segment.h"

struct job {
    ting_tensor x;
    ting_segments segments;
    int taps, left;
    ting_real *out;
};

static void unfold_rows(void *arg, ting_row_block block)
{
    const struct job *job = arg;
    const int cols = job->x.cols, taps = job->taps;
    int s = ting_segment_of(job->segments, block.first);
    for (int t = block.first; t < block.first + block.count; t++) {
        s = ting_segment_next(job->segments, s, t);
        ting_real *out = job->out + (size_t)t * (size_t)cols * (size_t)taps;
        for (int j = 0; j < taps; j++) {
            int from = t + j - job->left;
            bool inside = from >= job->segments.start[s] && from < job->segments.start[s + 1];
            const ting_real *x = inside ? ting_row(job->x, from) : NULL;
            for (int c = 0; c < cols; c++)
                out[c * taps + j] = inside ? x[c] : 0;
        }
    }
}

ting_real *ting_unfold(ting_ctx *ctx, ting_tensor x, ting_segments segments, int taps, int left)
{
    struct job job = {.x = x, .segments = segments, .taps = taps, .left = left};
    job.out = ting_ctx_reals(ctx, (size_t)x.rows * (size_t)x.cols * (size_t)taps);
    if (job.out != NULL)
        ting_rows_run(ctx->pool, x.rows, x.cols * taps, unfold_rows, &job);
    return job.out;
}
