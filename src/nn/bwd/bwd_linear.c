/* SPDX-License-Identifier: Apache-2.0 */
/* bwd_linear.c - gx += gy W, gW += gy^T x, gb += sum of the rows of gy. docs/derive/linear.md */
#include "nn/bwd/bwd.h"
#include "nn/rec.h"

void ting_bwd_linear(ting_ctx *ctx, const void *saved)
{
    const struct ting_rec_linear *rec = saved;
    const ting_tensor x = rec->x, y = rec->y, w = rec->w->t;
    ting_gemm_run run = ting_ctx_gemm(ctx);
    if (x.grad != NULL)
        ting_gemm(&run, ctx->multiply, x.rows, x.cols, y.cols, 1, (ting_strided){y.grad, y.ld, 1},
                  (ting_strided){w.data, w.ld, 1}, 1, x.grad, x.ld);
    if (w.grad != NULL)
        ting_gemm(&run, ctx->multiply, w.rows, w.cols, x.rows, 1, (ting_strided){y.grad, 1, y.ld},
                  (ting_strided){x.data, x.ld, 1}, 1, w.grad, w.ld);
    if (rec->b != NULL && rec->b->t.grad != NULL)
        ting_sum_rows(ctx, y.rows, y.cols, y.grad, y.ld, rec->b->t.grad);
}
