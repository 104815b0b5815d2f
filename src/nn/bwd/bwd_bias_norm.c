/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bwd_bias_norm.c - y = x s r with r = 1 / rms(x - b), s = exp(log_scale). With a = s sum_c(gy x):
 *     gx += s r gy - a r^3 (x - b) / n,   gb += a r^3 (x - b) / n,   g(log_scale) += a r
 * docs/derive/zipformer.md
 */
#include "nn/bwd/bwd.h"
#include "nn/rec.h"

#include <tgmath.h>

void ting_bwd_bias_norm(ting_ctx *ctx, const void *saved)
{
    const struct ting_rec_bias_norm *rec = saved;
    const ting_tensor x = rec->x;
    const ting_real *b = rec->bias->t.data;
    ting_real *gb = rec->bias->t.grad, s = exp(rec->log_scale->t.data[0]);
    for (int t = 0; t < x.rows; t++) {
        const ting_real *gy = ting_grad_row(rec->y, t), *row = ting_row(x, t);
        ting_real r = rec->rrms[t], a = s * ctx->kern->dot(x.cols, gy, row);
        ting_real pull = a * r * r * r / (ting_real)x.cols;
        if (x.grad != NULL) {
            ting_real *gx = ting_grad_row(x, t);
            for (int c = 0; c < x.cols; c++)
                gx[c] += s * r * gy[c] - pull * (row[c] - b[c]);
        }
        if (gb != NULL)
            for (int c = 0; c < x.cols; c++)
                gb[c] += pull * (row[c] - b[c]);
        if (rec->log_scale->t.grad != NULL)
            rec->log_scale->t.grad[0] += a * r;
    }
}
