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

enum { PIECE = 1024 }; /* columns at a time; a multiple of 4 */

static void add_rows(void *arg, ting_row_block block)
{
    const struct job *job = arg;
    const struct ting_rec_residual *rec = job->rec;
    ting_real mask[PIECE];
    for (int r = block.first; r < block.first + block.count; r++) {
        for (int first = 0; first < rec->y.cols; first += PIECE) {
            const int count = rec->y.cols - first < PIECE ? rec->y.cols - first : PIECE;
            ting_real *g = ting_grad_row(rec->y, r) + first;
            if (rec->x.grad != NULL && job->first)
                memcpy(ting_grad_row(rec->x, r) + first, g, (size_t)count * sizeof *g);
            else if (rec->x.grad != NULL)
                job->kern->add(count, ting_grad_row(rec->x, r) + first, g, ting_grad_row(rec->x, r) + first);
            if (rec->mask.threshold > 0) {
                ting_mask_row(job->kern, &rec->mask, r, first, count, mask);
                job->kern->mul(count, mask, g, g);
            }
            if (rec->factor != 1)
                job->kern->scale(count, rec->factor, g, g);
        }
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
