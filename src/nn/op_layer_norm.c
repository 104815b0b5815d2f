/* SPDX-License-Identifier: Apache-2.0 */
/* op_layer_norm.c - y = (x - mean) / sqrt(variance + eps) gamma + beta, row by row (Ba 2016). */
#include "nn/op.h"
#include "nn/rec.h"
#include "nn/rows.h"
#include "nn/tape.h"

struct job {
    const ting_kern *kern;
    ting_tensor x, y;
    const ting_real *gamma, *beta;
    ting_real eps;
    ting_real *mean, *rstd;
};

static void norm_rows(void *arg, ting_row_block block)
{
    const struct job *job = arg;
    for (int r = block.first; r < block.first + block.count; r++)
        job->kern->layer_norm(job->y.cols, ting_row(job->x, r), job->gamma, job->beta, job->eps,
                              ting_row(job->y, r), &job->mean[r], &job->rstd[r]);
}

ting_tensor ting_layer_norm(ting_ctx *ctx, ting_tensor x, const ting_param *gamma,
                            const ting_param *beta, ting_real eps)
{
    if (ting_param_row(gamma).cols != x.cols || ting_param_row(beta).cols != x.cols || x.cols == 0) {
        ting_ctx_fail(ctx, TING_ERR_INTERNAL, "layer_norm: x is [%d, %d], %s has %d, %s has %d", x.rows, x.cols,
                      gamma->name, ting_param_row(gamma).cols, beta->name, ting_param_row(beta).cols);
        return (ting_tensor){0};
    }
    ting_tensor y = ting_ctx_output(ctx, x.rows, x.cols);
    ting_real *mean = ting_ctx_reals(ctx, (size_t)y.rows), *rstd = ting_ctx_reals(ctx, (size_t)y.rows);
    if (ctx->err != TING_OK)
        return (ting_tensor){0};
    struct ting_rec_layer_norm *rec = ting_tape_push(ctx, TING_OP_layer_norm, sizeof *rec);
    if (rec != NULL)
        *rec = (struct ting_rec_layer_norm){
            .x = x, .y = y, .gamma = gamma, .beta = beta, .mean = mean, .rstd = rstd};
    struct job job = {.kern = ctx->kern, .x = x, .y = y, .gamma = gamma->t.data, .beta = beta->t.data,
                      .eps = eps, .mean = mean, .rstd = rstd};
    ting_rows_run(ctx->pool, y.rows, 4 * y.cols, norm_rows, &job);
    return y;
}
