/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bwd_gather.c - the gradient of a row goes to where the row came from. Threads share the columns, so that a row that served
 * several times gets its sum in order. docs/derive/concat.md
 */
#include "nn/bwd/bwd.h"
#include "nn/gradient.h"
#include "nn/rec.h"

enum { STRIP = 64 };

struct job {
    const ting_kern *kern;
    const struct ting_rec_gather *rec;
};

static void add_strip(void *arg, int index)
{
    const struct job *job = arg;
    const struct ting_rec_gather *rec = job->rec;
    const int first = index * STRIP, width = rec->y.cols - first < STRIP ? rec->y.cols - first : STRIP;
    for (int r = 0; r < rec->y.rows; r++) {
        const ting_row_place from = rec->from[r];
        if (from.row < 0 || rec->parts[from.part].grad == NULL)
            continue;
        ting_real *to = ting_grad_row(rec->parts[from.part], from.row) + first;
        job->kern->add(width, to, ting_grad_row(rec->y, r) + first, to);
    }
}

void ting_bwd_gather(ting_ctx *ctx, const void *saved)
{
    struct job job = {ctx->kern, saved};
    ting_gradient_touch(ctx, job.rec->y);
    for (int i = 0; i < job.rec->count; i++)
        ting_gradient_touch(ctx, job.rec->parts[i]);
    ting_pool_run(ctx->pool, (job.rec->y.cols + STRIP - 1) / STRIP, add_strip, &job);
}
