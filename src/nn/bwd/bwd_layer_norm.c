/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bwd_layer_norm.c - with n = (x - mean) rstd and g = gy gamma:
 *     gx += rstd (g - mean(g) - n mean(g n)),  ggamma += sum gy n,  gbeta += sum gy.
 * The sums over rows are kept a block of rows at a time and added up in order. docs/derive/layer_norm.md
 */
#include "nn/bwd/bwd.h"
#include "nn/gradient.h"
#include "nn/rec.h"
#include "nn/rows.h"

#include <string.h>

struct job {
    const ting_kern *kern;
    const struct ting_rec_layer_norm *rec;
    ting_real *partial; /* [blocks, 2, cols]: of ggamma and gbeta */
};

static void norm_rows(void *arg, ting_row_block block)
{
    const struct job *job = arg;
    const struct ting_rec_layer_norm *rec = job->rec;
    const int cols = rec->x.cols;
    ting_real *ggamma = job->partial + (size_t)block.index * 2 * (size_t)cols;
    memset(ggamma, 0, 2 * (size_t)cols * sizeof *ggamma);
    for (int r = block.first; r < block.first + block.count; r++)
        job->kern->layer_norm_grad(cols, ting_row(rec->x, r), rec->gamma->t.data, rec->mean[r], rec->rstd[r],
                                   ting_grad_row(rec->y, r), rec->x.grad == NULL ? NULL : ting_grad_row(rec->x, r),
                                   ggamma, ggamma + cols);
}

void ting_bwd_layer_norm(ting_ctx *ctx, const void *saved)
{
    const struct ting_rec_layer_norm *rec = saved;
    const int rows = rec->x.rows, cols = rec->x.cols, cost = 8 * cols;
    const int blocks = ting_row_blocks(rows, cost);
    ting_arena_mark mark = ting_arena_tell(ctx->arena);
    struct job job = {.kern = ctx->kern, .rec = rec};
    job.partial = ting_ctx_reals(ctx, (size_t)blocks * 2 * (size_t)cols);
    if (job.partial == NULL)
        return;
    ting_gradient_touch(ctx, rec->y);
    ting_gradient_touch(ctx, rec->x);
    ting_rows_run(ctx->pool, rows, cost, norm_rows, &job);
    for (int i = 0; i < blocks; i++) {
        const ting_real *ggamma = job.partial + (size_t)i * 2 * (size_t)cols;
        if (rec->gamma->t.grad != NULL)
            ctx->kern->add(cols, rec->gamma->t.grad, ggamma, rec->gamma->t.grad);
        if (rec->beta->t.grad != NULL)
            ctx->kern->add(cols, rec->beta->t.grad, ggamma + cols, rec->beta->t.grad);
    }
    ting_arena_rewind(ctx->arena, mark);
}
