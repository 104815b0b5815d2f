/* SPDX-License-Identifier: Apache-2.0 */
/* bwd_depthwise2d.c - each tap: gx += w gy and gw += x gy, shifted. docs/derive/convolution.md */
#include "nn/bwd/bwd.h"
#include "nn/image.h"
#include "nn/rec.h"
#include "nn/taps.h"

/* The gradients that one output row gives to the input rows and taps that it saw. */
static void one_row(const ting_kern *kern, const struct ting_rec_depthwise2d *rec, int segment,
                    int row, const ting_real *taps, ting_real *taps_grad)
{
    const ting_conv2d_shape *s = &rec->shape;
    int c = s->in_channels, freq = ting_conv2d_freq(s), first = rec->segments.start[segment];
    int count = rec->segments.start[segment + 1] - first;
    const ting_real *gy = ting_grad_row(rec->y, rec->out.start[segment] + row);
    for (int i = 0; i < s->kernel_t; i++) {
        int t = row + i - s->pad_t;
        if (t < 0 || t >= count)
            continue;
        for (int f = 0; f < freq; f++)
            for (int j = 0; j < s->kernel_f; j++) {
                int from = f + j - s->pad_f;
                if (from < 0 || from >= s->freq)
                    continue;
                size_t tap = (size_t)(i * s->kernel_f + j) * (size_t)c;
                if (taps_grad != NULL)
                    kern->muladd(c, ting_row(rec->x, first + t) + from * c, gy + f * c,
                                 taps_grad + tap);
                if (rec->x.grad != NULL)
                    kern->muladd(c, taps + tap, gy + f * c,
                                 ting_grad_row(rec->x, first + t) + from * c);
            }
    }
}

void ting_bwd_depthwise2d(ting_ctx *ctx, const void *saved)
{
    const struct ting_rec_depthwise2d *rec = saved;
    const ting_conv2d_shape *s = &rec->shape;
    ting_arena_mark mark = ting_arena_tell(ctx->arena);
    const ting_real *taps = ting_taps(ctx, rec->w);
    ting_real *taps_grad = NULL;
    if (rec->w->t.grad != NULL)
        taps_grad = ting_arena_take_zeroed(
            ctx->arena, (size_t)(s->kernel_t * s->kernel_f * s->in_channels), sizeof *taps_grad);
    ting_ctx_check(ctx);
    if (ctx->err == TING_OK) {
        for (int seg = 0; seg < rec->out.count; seg++)
            for (int row = 0; row < rec->out.start[seg + 1] - rec->out.start[seg]; row++)
                one_row(ctx->kern, rec, seg, row, taps, taps_grad);
        if (taps_grad != NULL)
            ting_taps_add_gradient(rec->w, taps_grad);
        if (rec->b->t.grad != NULL)
            ting_sum_rows(ctx, rec->y.rows * ting_conv2d_freq(s), s->in_channels, rec->y.grad,
                          s->in_channels, rec->b->t.grad);
    }
    ting_arena_rewind(ctx->arena, mark);
}
