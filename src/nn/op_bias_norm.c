/* SPDX-License-Identifier: Apache-2.0 */
/* op_bias_norm.c - Zipformer's normalisation: y = x exp(log_scale) / rms(x - bias), row by row. */
#include "nn/rec.h"
#include "nn/rows.h"
#include "nn/tape.h"

#include <tgmath.h>

struct job {
    const ting_kern *kern;
    ting_tensor x, y;
    const ting_real *bias;
    ting_real scale;
    ting_real *rrms;
};

static void norm_rows(void *arg, ting_row_block block)
{
    const struct job *job = arg;
    for (int t = block.first; t < block.first + block.count; t++)
        job->kern->bias_norm(job->x.cols, ting_row(job->x, t), job->bias, job->scale, ting_row(job->y, t),
                             &job->rrms[t]);
}

ting_tensor ting_bias_norm(ting_ctx *ctx, ting_tensor x, const ting_param *bias, const ting_param *log_scale)
{
    if (ctx->err != TING_OK)
        return (ting_tensor){0};
    if (bias->shape[0] != x.cols) {
        ting_ctx_fail(ctx, TING_ERR_INTERNAL, "bias_norm: %s has %d values, input has %d columns", bias->name,
                      bias->shape[0], x.cols);
        return (ting_tensor){0};
    }
    ting_tensor y = ting_ctx_output(ctx, x.rows, x.cols);
    ting_real *rrms = ting_ctx_reals(ctx, (size_t)x.rows);
    if (ctx->err != TING_OK)
        return (ting_tensor){0};
    struct job job = {.kern = ctx->kern, .x = x, .y = y, .bias = bias->t.data, .rrms = rrms};
    job.scale = exp(log_scale->t.data[0]);
    ting_rows_run(ctx->pool, x.rows, 2 * x.cols, norm_rows, &job);
    struct ting_rec_bias_norm *rec = ting_tape_push(ctx, TING_OP_bias_norm, sizeof *rec);
    if (rec != NULL)
        *rec = (struct ting_rec_bias_norm){x, y, bias, log_scale, rrms};
    return y;
}
