/* SPDX-License-Identifier: Apache-2.0 */
/* bwd_resample.c - backward of downsample and upsample. docs/derive/zipformer.md */
#include "nn/bwd/bwd.h"
#include "nn/rec.h"

void ting_bwd_downsample(ting_ctx *ctx, const void *saved)
{
    const struct ting_rec_downsample *rec = saved;
    const ting_tensor x = rec->x, y = rec->y;
    ting_real gw[TING_MAX_DOWNSAMPLE] = {0}; /* gradient of the softmax weights */
    for (int s = 0; s < rec->segments.count; s++) {
        int first = rec->segments.start[s], last = rec->segments.start[s + 1] - 1;
        for (int i = rec->out.start[s]; i < rec->out.start[s + 1]; i++)
            for (int j = 0; j < rec->factor; j++) {
                int t = first + (i - rec->out.start[s]) * rec->factor + j;
                t = t < last ? t : last;
                gw[j] += ctx->kern->dot(x.cols, ting_grad_row(y, i), ting_row(x, t));
                if (x.grad != NULL)
                    ctx->kern->axpy(x.cols, rec->weights[j], ting_grad_row(y, i),
                                    ting_grad_row(x, t));
            }
    }
    if (rec->bias->t.grad != NULL)
        ctx->kern->softmax_grad(rec->factor, rec->weights, gw, rec->bias->t.grad);
}

void ting_bwd_upsample(ting_ctx *ctx, const void *saved)
{
    const struct ting_rec_upsample *rec = saved;
    if (rec->x.grad == NULL)
        return;
    for (int s = 0; s < rec->like.count; s++)
        for (int t = rec->like.start[s]; t < rec->like.start[s + 1]; t++) {
            ting_real *gx = ting_grad_row(rec->x, rec->segments.start[s] +
                                                      (t - rec->like.start[s]) / rec->factor);
            ctx->kern->add(rec->x.cols, gx, ting_grad_row(rec->y, t), gx);
        }
}
