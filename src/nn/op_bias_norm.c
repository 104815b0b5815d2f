/* SPDX-License-Identifier: Apache-2.0 */
/* op_bias_norm.c - Zipformer's normalisation: y = x exp(log_scale) / rms(x - bias), row by row. */
#include "nn/rec.h"
#include "nn/tape.h"

#include <tgmath.h>

ting_tensor ting_bias_norm(ting_ctx *ctx, ting_tensor x, const ting_param *bias,
                           const ting_param *log_scale)
{
    if (ctx->err != TING_OK)
        return (ting_tensor){0};
    if (bias->shape[0] != x.cols) {
        ting_ctx_fail(ctx, TING_ERR_INTERNAL, "bias_norm: %s has %d values, input has %d columns",
                      bias->name, bias->shape[0], x.cols);
        return (ting_tensor){0};
    }
    ting_tensor y = ting_ctx_output(ctx, x.rows, x.cols);
    ting_real *rrms = ting_arena_take(ctx->arena, (size_t)(x.rows > 0 ? x.rows : 1) * sizeof *rrms);
    if (ctx->err == TING_OK && rrms == NULL)
        ting_ctx_fail(ctx, TING_ERR_MEMORY, "bias_norm: out of memory for %d rows", x.rows);
    if (ctx->err != TING_OK)
        return (ting_tensor){0};
    ting_real scale = exp(log_scale->t.data[0]);
    for (int t = 0; t < x.rows; t++)
        ctx->kern->bias_norm(x.cols, ting_row(x, t), bias->t.data, scale, ting_row(y, t), &rrms[t]);
    struct ting_rec_bias_norm *rec = ting_tape_push(ctx, TING_OP_bias_norm, sizeof *rec);
    if (rec != NULL)
        *rec = (struct ting_rec_bias_norm){x, y, bias, log_scale, rrms};
    return y;
}
