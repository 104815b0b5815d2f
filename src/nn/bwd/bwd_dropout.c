/* SPDX-License-Identifier: Apache-2.0 */
/* bwd_dropout.c - gx += mask gy, or in place gx = mask gy; the mask is computed again from the counter. docs/derive/elementwise.md */
#include "nn/bwd/bwd.h"
#include "nn/gradient.h"
#include "nn/rec.h"
#include "nn/rows.h"

struct job {
    const ting_kern *kern;
    const struct ting_rec_dropout *rec;
    bool first; /* nobody has added to gx */
};

static void drop_rows(void *arg, ting_row_block block)
{
    const struct job *job = arg;
    const struct ting_rec_dropout *rec = job->rec;
    for (int r = block.first; r < block.first + block.count; r++) {
        ting_real *gx = ting_grad_row(rec->x, r);
        const ting_real *gy = ting_grad_row(rec->y, r);
        ting_mask_apply(job->kern, &rec->mask, r, gy, gx, gx != gy && !job->first);
    }
}

void ting_bwd_dropout(ting_ctx *ctx, const void *saved)
{
    const struct ting_rec_dropout *rec = saved;
    struct job job = {.kern = ctx->kern, .rec = rec};
    ting_gradient_touch(ctx, rec->y);
    job.first = ting_gradient_first(ctx, rec->x);
    if (rec->x.grad != NULL)
        ting_rows_run(ctx->pool, rec->y.rows, 4 * rec->y.cols, drop_rows, &job);
}
