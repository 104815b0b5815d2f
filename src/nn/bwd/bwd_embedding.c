/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bwd_embedding.c - gtable[id_t] += gy_t. Threads share the columns, not the rows, so equal ids do not
 * collide and each sum runs in order of the rows. docs/derive/embedding.md
 */
#include "nn/bwd/bwd.h"
#include "nn/gradient.h"
#include "nn/rec.h"

enum { STRIP = 64 };

struct job {
    const ting_kern *kern;
    const struct ting_rec_embedding *rec;
};

static void add_strip(void *arg, int index)
{
    const struct job *job = arg;
    const struct ting_rec_embedding *rec = job->rec;
    int first = index * STRIP;
    int count = rec->y.cols - first < STRIP ? rec->y.cols - first : STRIP;
    for (int r = 0; r < rec->y.rows; r++) {
        if (rec->ids[r] < 0)
            continue;
        ting_real *g = ting_grad_row(rec->table->t, rec->ids[r]) + first;
        job->kern->add(count, g, ting_grad_row(rec->y, r) + first, g);
    }
}

void ting_bwd_embedding(ting_ctx *ctx, const void *saved)
{
    const struct ting_rec_embedding *rec = saved;
    struct job job = {.kern = ctx->kern, .rec = rec};
    ting_gradient_touch(ctx, rec->y);
    if (rec->table->t.grad != NULL)
        ting_pool_run(ctx->pool, (rec->y.cols + STRIP - 1) / STRIP, add_strip, &job);
}
