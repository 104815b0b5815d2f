/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bwd_depthwise.c - gx is gy convolved with the taps in reverse order; gw[j] sums gy[t] x[t + j - before]. docs/derive/depthwise.md
 */
#include "nn/bwd/bwd.h"
#include "nn/depthwise.h"
#include "nn/gradient.h"
#include "nn/rec.h"
#include "nn/taps.h"

#include <string.h>

enum { STRIP = 32 }; /* channels of a task: no two tasks add into one place */

struct job {
    const ting_kern *kern;
    const struct ting_rec_depthwise *rec;
    const ting_real *framed; /* x with its zeros */
    ting_real *gw;           /* [taps, cols] or NULL */
    ting_real *gb;           /* [cols] or NULL */
    int taps;
};

static void one_strip(void *arg, int index)
{
    const struct job *job = arg;
    const struct ting_rec_depthwise *rec = job->rec;
    const int cols = rec->x.cols, first = index * STRIP, width = cols - first < STRIP ? cols - first : STRIP;
    const ting_real *x = job->framed + first;
    for (int s = 0; s < rec->out.count; s++, x += (size_t)(job->taps - 1) * (size_t)cols)
        for (int t = rec->out.start[s]; t < rec->out.start[s + 1]; t++, x += cols) {
            const ting_real *gy = ting_grad_row(rec->y, t) + first;
            for (int j = 0; job->gw != NULL && j < job->taps; j++)
                job->kern->muladd(width, x + (size_t)j * (size_t)cols, gy, job->gw + (size_t)j * (size_t)cols + first);
            if (job->gb != NULL)
                job->kern->add(width, job->gb + first, gy, job->gb + first);
        }
}

static void weight_gradients(ting_ctx *ctx, const struct ting_rec_depthwise *rec, int taps)
{
    const int cols = rec->x.cols;
    const bool wants_w = rec->w->t.grad != NULL, wants_b = rec->b != NULL && rec->b->t.grad != NULL;
    if (!wants_w && !wants_b)
        return;
    const size_t rows = (size_t)rec->x.rows + (size_t)rec->segments.count * (size_t)(rec->before + rec->after);
    ting_real *framed = ting_ctx_reals(ctx, rows * (size_t)cols);
    struct job job = {.kern = ctx->kern, .rec = rec, .framed = framed, .gb = wants_b ? rec->b->t.grad : NULL, .taps = taps};
    if (wants_w)
        job.gw = ting_arena_take_zeroed(ctx->arena, (size_t)taps * (size_t)cols, sizeof *job.gw);
    ting_ctx_check(ctx);
    if (ctx->err != TING_OK)
        return;
    ting_framed_rows(rec->x.data, rec->x.ld, cols, rec->segments, rec->before, rec->after, framed);
    ting_pool_run(ctx->pool, (cols + STRIP - 1) / STRIP, one_strip, &job);
    if (job.gw != NULL)
        ting_taps_add_gradient(rec->w, job.gw);
}

static void input_gradient(ting_ctx *ctx, const struct ting_rec_depthwise *rec, int taps)
{
    const int cols = rec->x.cols, before = taps - 1 - rec->before, after = taps - 1 - rec->after;
    const size_t rows = (size_t)rec->y.rows + (size_t)rec->out.count * (size_t)(before + after);
    ting_real *framed = ting_ctx_reals(ctx, rows * (size_t)cols);
    ting_real *reversed = ting_ctx_reals(ctx, (size_t)taps * (size_t)cols);
    const bool first = ting_gradient_first(ctx, rec->x);
    ting_real *gx = first ? rec->x.grad : ting_ctx_reals(ctx, (size_t)rec->x.rows * (size_t)cols);
    const ting_real *turned = ting_taps(ctx, rec->w);
    if (ctx->err != TING_OK)
        return;
    for (int j = 0; j < taps; j++)
        memcpy(reversed + (size_t)j * (size_t)cols, turned + (size_t)(taps - 1 - j) * (size_t)cols, (size_t)cols * sizeof *gx);
    ting_framed_rows(rec->y.grad, rec->y.ld, cols, rec->out, before, after, framed);
    ting_depthwise_rows(ctx, &(struct ting_depthwise_run){.framed = framed, .w = reversed, .taps = taps, .cols = cols,
                                                          .out = rec->segments, .y = gx, .ldy = first ? rec->x.ld : cols});
    for (int t = 0; !first && t < rec->x.rows; t++)
        ctx->kern->add(cols, ting_grad_row(rec->x, t), gx + (size_t)t * (size_t)cols, ting_grad_row(rec->x, t));
}

void ting_bwd_depthwise(ting_ctx *ctx, const void *saved)
{
    const struct ting_rec_depthwise *rec = saved;
    const int taps = ting_taps_count(rec->w);
    ting_arena_mark mark = ting_arena_tell(ctx->arena);
    ting_gradient_touch(ctx, rec->y);
    weight_gradients(ctx, rec, taps);
    ting_arena_rewind(ctx->arena, mark);
    if (rec->x.grad != NULL)
        input_gradient(ctx, rec, taps);
    ting_arena_rewind(ctx->arena, mark);
}
