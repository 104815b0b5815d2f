/* SPDX-License-Identifier: Apache-2.0 */
/*
 * op_resample.c - Zipformer's change of frame rate: weighted means down, repetition up.
 *
 *     down: y[i] = sum_j softmax(bias)[j] x[min(i factor + j, T - 1)]      ceil(T / factor) rows a segment
 *     up:   y[t] = x[t / factor]
 */
#include "nn/rec.h"
#include "nn/rows.h"
#include "nn/segment.h"
#include "nn/tape.h"

#include <string.h>

static ting_real *softmax_of(ting_ctx *ctx, const ting_param *bias, int factor)
{
    ting_real *weights = ting_arena_take(ctx->arena, (size_t)factor * sizeof *weights);
    if (weights == NULL)
        ting_ctx_fail(ctx, TING_ERR_MEMORY, "downsample: out of memory");
    else
        ctx->kern->softmax(factor, bias->t.data, weights);
    return weights;
}

struct job {
    const ting_kern *kern;
    ting_tensor x, y;
    ting_segments from, to; /* segments of x and y */
    const ting_real *weights;
    int factor;
};

static void down_rows(void *arg, ting_row_block block)
{
    const struct job *job = arg;
    int s = ting_segment_of(job->to, block.first);
    for (int i = block.first; i < block.first + block.count; i++) {
        s = ting_segment_next(job->to, s, i);
        const int first = job->from.start[s] + (i - job->to.start[s]) * job->factor, last = job->from.start[s + 1] - 1;
        job->kern->scale(job->x.cols, job->weights[0], ting_row(job->x, first), ting_row(job->y, i));
        for (int j = 1; j < job->factor; j++)
            job->kern->axpy(job->x.cols, job->weights[j], ting_row(job->x, first + j < last ? first + j : last),
                            ting_row(job->y, i));
    }
}

ting_tensor ting_downsample(ting_ctx *ctx, ting_tensor x, ting_segments segments,
                            const ting_param *bias, int factor, int *out_start)
{
    if (ctx->err != TING_OK)
        return (ting_tensor){0};
    if (factor < 1 || factor > TING_MAX_DOWNSAMPLE || bias->shape[0] != factor) {
        ting_ctx_fail(ctx, TING_ERR_INTERNAL, "downsample: %s has %d weights, factor is %d",
                      bias->name, bias->shape[0], factor);
        return (ting_tensor){0};
    }
    out_start[0] = 0;
    for (int s = 0; s < segments.count; s++)
        out_start[s + 1] =
            out_start[s] + (segments.start[s + 1] - segments.start[s] + factor - 1) / factor;
    ting_tensor y = ting_ctx_output(ctx, out_start[segments.count], x.cols);
    ting_real *weights = ctx->err == TING_OK ? softmax_of(ctx, bias, factor) : NULL;
    if (weights == NULL)
        return (ting_tensor){0};
    struct job job = {ctx->kern, x, y, segments, {segments.count, out_start}, weights, factor};
    ting_rows_run(ctx->pool, y.rows, factor * y.cols, down_rows, &job);
    struct ting_rec_downsample *rec = ting_tape_push(ctx, TING_OP_downsample, sizeof *rec);
    if (rec != NULL)
        *rec = (struct ting_rec_downsample){x,    y,      segments, {segments.count, out_start},
                                            bias, factor, weights};
    return y;
}

static void up_rows(void *arg, ting_row_block block)
{
    const struct job *job = arg;
    int s = ting_segment_of(job->to, block.first);
    for (int t = block.first; t < block.first + block.count; t++) {
        s = ting_segment_next(job->to, s, t);
        memcpy(ting_row(job->y, t), ting_row(job->x, job->from.start[s] + (t - job->to.start[s]) / job->factor),
               (size_t)job->x.cols * sizeof *job->y.data);
    }
}

ting_tensor ting_upsample(ting_ctx *ctx, ting_tensor x, ting_segments segments, int factor,
                          ting_segments like)
{
    if (ctx->err != TING_OK)
        return (ting_tensor){0};
    for (int s = 0; s < like.count; s++) {
        int have = (segments.start[s + 1] - segments.start[s]) * factor;
        if (segments.count != like.count || have < like.start[s + 1] - like.start[s]) {
            ting_ctx_fail(ctx, TING_ERR_INTERNAL, "upsample: segment %d gives %d rows, %d wanted",
                          s, have, like.start[s + 1] - like.start[s]);
            return (ting_tensor){0};
        }
    }
    ting_tensor y = ting_ctx_output(ctx, like.start[like.count], x.cols);
    if (ctx->err != TING_OK)
        return y;
    struct job job = {.x = x, .y = y, .from = segments, .to = like, .factor = factor};
    ting_rows_run(ctx->pool, y.rows, y.cols, up_rows, &job);
    struct ting_rec_upsample *rec = ting_tape_push(ctx, TING_OP_upsample, sizeof *rec);
    if (rec != NULL)
        *rec = (struct ting_rec_upsample){x, y, segments, like, factor};
    return y;
}
