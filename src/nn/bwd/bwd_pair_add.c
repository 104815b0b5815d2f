/* SPDX-License-Identifier: Apache-2.0 */
/* bwd_pair_add.c - each sum's gradient goes to both of its rows. docs/derive/pair_add.md */
#include "nn/bwd/bwd.h"
#include "nn/gradient.h"
#include "nn/rec.h"

enum { STRIP = 64 }; /* columns of a task: no two tasks add into one place */

struct job {
    const ting_kern *kern;
    const struct ting_rec_pair_add *rec;
};

static void one_strip(void *arg, int index)
{
    const struct job *job = arg;
    const struct ting_rec_pair_add *rec = job->rec;
    const int cols = rec->y.cols, first = index * STRIP, width = cols - first < STRIP ? cols - first : STRIP;
    for (int r = 0; r < rec->y.rows; r++) {
        const ting_real *g = ting_grad_row(rec->y, r) + first;
        if (rec->a.grad != NULL) {
            ting_real *to = ting_grad_row(rec->a, rec->ia[r]) + first;
            job->kern->add(width, to, g, to);
        }
        if (rec->b.grad != NULL) {
            ting_real *to = ting_grad_row(rec->b, rec->ib[r]) + first;
            job->kern->add(width, to, g, to);
        }
    }
}

void ting_bwd_pair_add(ting_ctx *ctx, const void *saved)
{
    struct job job = {ctx->kern, saved};
    ting_gradient_touch(ctx, job.rec->y);
    ting_gradient_touch(ctx, job.rec->a);
    ting_gradient_touch(ctx, job.rec->b);
    ting_pool_run(ctx->pool, (job.rec->y.cols + STRIP - 1) / STRIP, one_strip, &job);
}
