/* SPDX-License-Identifier: Apache-2.0 */
/* bwd_bypass.c - y = o + s (x - o): go += (1 - s) gy, gx += s gy, gs += (x - o) gy. docs/derive/zipformer.md */
#include "nn/bwd/bwd.h"
#include "nn/rec.h"

void ting_bwd_bypass(ting_ctx *ctx, const void *saved)
{
    (void)ctx;
    const struct ting_rec_bypass *rec = saved;
    const ting_real *s = rec->scale->t.data;
    ting_real *gs = rec->scale->t.grad;
    for (int t = 0; t < rec->y.rows; t++) {
        const ting_real *gy = ting_grad_row(rec->y, t);
        const ting_real *o = ting_row(rec->original, t), *x = ting_row(rec->x, t);
        ting_real *go = rec->original.grad != NULL ? ting_grad_row(rec->original, t) : NULL;
        ting_real *gx = rec->x.grad != NULL ? ting_grad_row(rec->x, t) : NULL;
        for (int c = 0; c < rec->y.cols; c++) {
            if (go != NULL)
                go[c] += (1 - s[c]) * gy[c];
            if (gx != NULL)
                gx[c] += s[c] * gy[c];
            if (gs != NULL)
                gs[c] += (x[c] - o[c]) * gy[c];
        }
    }
}
