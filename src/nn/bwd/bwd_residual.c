/* SPDX-License-Identifier: Apache-2.0 */
/* bwd_residual.c - gx += g, and g becomes factor mask g, the gradient of y. docs/derive/elementwise.md */
#include "nn/bwd/bwd.h"
#include "nn/gradient.h"
#include "nn/rec.h"
#include "nn/rows.h"

#include <string.h>

struct job {
    const ting_kern *kern;
    const struct ting_rec_residual *rec;
    bool first; /* nobody has added to gx */
};

static void add_rows(void *arg, ting_row_block block)
{
    const struct job *job = arg;
    const struct ting_rec_residual *rec = job->rec;
    const int cols = rec->y.cols;
    for (int r = block.first; r < block.first + block.count; r++) {
        ting_real *g = ting_grad_row(rec->y, r);
        if (rec->x.grad != NULL && job->first)
            memcpy(ting_grad_row(rec->x, r), g, (size_t)cols * sizeof *g);
        else if (rec->x.grad != NULL)
            job->kern->add(cols, ting_grad_row(rec->x, r), g, ting_grad_row(rec->x, r));
        if (rec->mask.threshold > 0)
            ting_mask_apply(job->kern, &rec->mask, r, g, g, false);
        if (rec->factor != 1)
            job->kern->scale(cols, rec->factor, g, g);
    }
}

void ting_bwd_residual(ting_ctx *ctx, const void *saved)
{
    const struct ting_rec_residual *rec = saved;
    struct job job = {.kern = ctx->kern, .rec = rec};
    ting_gradient_touch(ctx, rec->y);
    job.first = ting_gradient_first(ctx, rec->x);
    if (rec->y.grad != NULL)
        ting_rows_run(ctx->pool, rec->y.rows, 4 * rec->y.cols, add_rows, &job);
}
