/* SPDX-License-Identifier: Apache-2.0 */
/*
 * op_linear.c - act(x W^T + b).
 *
 * Inference multiplies by the weight that was packed at load, with bias and activation fused into the
 * product. When a tape records, the product reads the plain weight (which the optimizer changes at each
 * step) and the activation becomes an op of its own, since its backward needs the value before it.
 */
#include "nn/op.h"
#include "nn/rec.h"
#include "nn/tape.h"

ting_tensor ting_linear(ting_ctx *ctx, ting_tensor x, const ting_param *w, const ting_param *b,
                        ting_act act)
{
    const int n = w->t.rows, k = w->t.cols;
    if (x.cols != k || (b != NULL && b->t.rows * b->t.cols != n)) {
        ting_ctx_fail(ctx, TING_ERR_INTERNAL, "linear: x is [%d, %d], %s is [%d, %d], the bias has %d",
                      x.rows, x.cols, w->name, n, k, b == NULL ? n : b->t.rows * b->t.cols);
        return (ting_tensor){0};
    }
    ting_tensor y = ting_ctx_output(ctx, x.rows, n);
    if (y.data == NULL)
        return y;
    const ting_real *bias = b == NULL ? NULL : b->t.data;
    ting_gemm_run run = ting_ctx_gemm(ctx);
    if (w->packed != NULL && ctx->tape == NULL) {
        ting_gemm_packed(&run, x.rows, x.data, x.ld, w->packed, bias, act, 0, y.data, y.ld);
        ting_ctx_check(ctx);
        return y;
    }
    if (w->t.data == NULL) {
        ting_ctx_fail(ctx, TING_ERR_INTERNAL, "linear: %s is packed only, load it with keep_values to record",
                      w->name);
        return (ting_tensor){0};
    }
    struct ting_rec_linear *rec = ting_tape_push(ctx, TING_OP_linear, sizeof *rec);
    if (rec != NULL)
        *rec = (struct ting_rec_linear){.x = x, .y = y, .w = w, .b = b};
    ting_gemm_bias(&run, ctx->multiply, x.rows, n, k, (ting_strided){x.data, x.ld, 1},
                   (ting_strided){w->t.data, 1, w->t.ld}, bias, y.data, y.ld);
    ting_ctx_check(ctx);
    return act == TING_ACT_NONE ? y : ting_activate(ctx, act, y);
}
