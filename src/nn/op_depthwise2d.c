/* SPDX-License-Identifier: Apache-2.0 */
/*
 * op_depthwise2d.c - one filter per channel over time and frequency (ConvNeXt's first convolution).
 *
 *     x [T, F C] -> y [T', F' C],  y[t][f][c] = b[c] + sum_ij w[c][i][j] x[t + i - pad_t][f + j - pad_f][c]
 */
#include "nn/image.h"
#include "nn/rec.h"
#include "nn/taps.h"
#include "nn/tape.h"

enum { ROWS_PER_TASK = 8 };

struct job {
    const ting_kern *kern;
    ting_tensor x, y;
    ting_segments segments;
    const int *out_start;
    const ting_conv2d_shape *shape;
    const ting_real *taps, *bias; /* [kt kf, C], [C] */
};

static void one_row(const struct job *job, int segment, int row)
{
    const ting_conv2d_shape *s = job->shape;
    const ting_real *rows[TING_DEPTHWISE2D_MOST];
    int first = job->segments.start[segment], count = job->segments.start[segment + 1] - first;
    for (int i = 0; i < s->kernel_t; i++) {
        int t = row + i - s->pad_t;
        rows[i] = t >= 0 && t < count ? ting_row(job->x, first + t) : NULL;
    }
    job->kern->depthwise2d(s->freq, s->pad_f, s->in_channels, s->kernel_t, s->kernel_f, rows,
                           job->taps, job->bias, ting_row(job->y, job->out_start[segment] + row));
}

static void some_rows(void *arg, int index)
{
    const struct job *job = arg;
    int first = index * ROWS_PER_TASK, segment = 0;
    for (int r = first; r < first + ROWS_PER_TASK && r < job->y.rows; r++) {
        while (r >= job->out_start[segment + 1])
            segment++;
        one_row(job, segment, r - job->out_start[segment]);
    }
}

ting_tensor ting_depthwise2d(ting_ctx *ctx, ting_tensor x, ting_segments segments,
                             const ting_conv2d_shape *shape, const ting_param *w,
                             const ting_param *b, int *out_start)
{
    int bad = 0;
    if (ctx->err != TING_OK)
        return (ting_tensor){0};
    int freq = ting_conv2d_freq(shape), channels = shape->in_channels;
    if (x.cols != shape->freq * channels || freq <= 0 || w->shape[0] != channels ||
        w->shape[2] != shape->kernel_t || w->shape[3] != shape->kernel_f || shape->stride_t != 1 ||
        shape->stride_f != 1 || shape->kernel_t > TING_DEPTHWISE2D_MOST) {
        ting_ctx_fail(ctx, TING_ERR_INTERNAL,
                      "depthwise2d: filter %s is [%d, 1, %d, %d], input has %d columns", w->name,
                      w->shape[0], w->shape[2], w->shape[3], x.cols);
        return (ting_tensor){0};
    }
    if (!ting_conv2d_starts(shape, segments, out_start, &bad)) {
        ting_ctx_fail(ctx, TING_ERR_ARGUMENT,
                      "depthwise2d: segment %d has %d frames, fewer than the kernel's %d", bad,
                      segments.start[bad + 1] - segments.start[bad], shape->kernel_t);
        return (ting_tensor){0};
    }
    ting_tensor y = ting_ctx_output(ctx, out_start[segments.count], freq * channels);
    ting_arena_mark mark = ting_arena_tell(ctx->arena);
    struct job job = {ctx->kern, x, y, segments, out_start, shape, ting_taps(ctx, w), b->t.data};
    if (ctx->err == TING_OK)
        ting_pool_run(ctx->pool, (y.rows + ROWS_PER_TASK - 1) / ROWS_PER_TASK, some_rows, &job);
    ting_arena_rewind(ctx->arena, mark);
    struct ting_rec_depthwise2d *rec = ting_tape_push(ctx, TING_OP_depthwise2d, sizeof *rec);
    if (rec != NULL)
        *rec = (struct ting_rec_depthwise2d){x,      y, segments, {segments.count, out_start},
                                             *shape, w, b};
    return y;
}
