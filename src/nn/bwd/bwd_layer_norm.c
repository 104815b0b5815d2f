/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bwd_layer_norm.c - with n = (x - mean) rstd and g = gy gamma:
 *     gx += rstd (g - mean(g) - n mean(g n)),  ggamma += sum gy n,  gbeta += sum gy.
 * The sums over rows are kept a block of rows at a time and added up in order. docs/derive/layer_norm.md
 */
#include "nn/bwd/bwd.h"
#include "nn/rec.h"
#include "nn/rows.h"

#include <string.h>

struct job {
    const ting_kern *kern;
    const struct ting_rec_layer_norm *rec;
    ting_real *partial; /* [blocks, 2, cols]: of ggamma and gbeta */
};

static void norm_row(const struct ting_rec_layer_norm *rec, int r, ting_real *ggamma, ting_real *gbeta)
{
    const int cols = rec->x.cols;
    const ting_real *x = ting_row(rec->x, r), *gy = ting_grad_row(rec->y, r), *gamma = rec->gamma->t.data;
    const ting_real mean = rec->mean[r], rstd = rec->rstd[r];
    ting_real sum_g = 0, sum_gn = 0;
    for (int c = 0; c < cols; c++) {
        ting_real n = (x[c] - mean) * rstd;
        ting_real g = gy[c] * gamma[c];
        ggamma[c] += gy[c] * n;
        gbeta[c] += gy[c];
        sum_g += g;
        sum_gn += g * n;
    }
    if (rec->x.grad == NULL)
        return;
    ting_real *gx = ting_grad_row(rec->x, r);
    sum_g /= (ting_real)cols;
    sum_gn /= (ting_real)cols;
    for (int c = 0; c < cols; c++) {
        ting_real n = (x[c] - mean) * rstd;
        gx[c] += rstd * (gy[c] * gamma[c] - sum_g - n * sum_gn);
    }
}

static void norm_rows(void *arg, ting_row_block block)
{
    const struct job *job = arg;
    const int cols = job->rec->x.cols;
    ting_real *ggamma = job->partial + (size_t)block.index * 2 * (size_t)cols;
    memset(ggamma, 0, 2 * (size_t)cols * sizeof *ggamma);
    for (int r = block.first; r < block.first + block.count; r++)
        norm_row(job->rec, r, ggamma, ggamma + cols);
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
