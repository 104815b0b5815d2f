/* SPDX-License-Identifier: Apache-2.0 */
/* op_bypass.c - Zipformer's learned residual: y = original + scale (x - original), channel by channel. */
#include "nn/rec.h"
#include "nn/rows.h"
#include "nn/tape.h"

struct job {
    const ting_kern *kern;
    ting_tensor original, x, y;
    const ting_real *scale;
};

static void pass_rows(void *arg, ting_row_block block)
{
    const struct job *job = arg;
    for (int t = block.first; t < block.first + block.count; t++)
        job->kern->lerp(job->x.cols, ting_row(job->original, t), ting_row(job->x, t), job->scale, ting_row(job->y, t));
}

ting_tensor ting_bypass(ting_ctx *ctx, ting_tensor original, ting_tensor x, const ting_param *scale)
{
    if (ctx->err != TING_OK)
        return (ting_tensor){0};
    if (original.rows != x.rows || original.cols != x.cols || scale->shape[0] != x.cols) {
        ting_ctx_fail(ctx, TING_ERR_INTERNAL, "bypass: [%d, %d] with [%d, %d] and %d scales (%s)", original.rows,
                      original.cols, x.rows, x.cols, scale->shape[0], scale->name);
        return (ting_tensor){0};
    }
    ting_tensor y = ting_ctx_output(ctx, x.rows, x.cols);
    if (ctx->err != TING_OK)
        return y;
    struct job job = {.kern = ctx->kern, .original = original, .x = x, .y = y, .scale = scale->t.data};
    ting_rows_run(ctx->pool, x.rows, x.cols, pass_rows, &job);
    struct ting_rec_bypass *rec = ting_tape_push(ctx, TING_OP_bypass, sizeof *rec);
    if (rec != NULL)
        *rec = (struct ting_rec_bypass){original, x, y, scale};
    return y;
}
