/* SPDX-License-Identifier: Apache-2.0 */
/*
 * op_resample.c - Zipformer's change of frame rate: weighted means down, repetition up.
 *
 *     down: y[i] = sum_j softmax(bias)[j] x[min(i factor + j, T - 1)]      ceil(T / factor) rows a segment
 *     up:   y[t] = x[t / factor]
 */
#include "nn/rec.h"
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

static void down_segment(const ting_kern *kern, ting_tensor x, const ting_real *weights, int factor,
                         ting_tensor y)
{
    for (int i = 0; i < y.rows; i++)
        for (int j = 0; j < factor; j++) {
            int t = i * factor + j < x.rows ? i * factor + j : x.rows - 1;
            if (j == 0)
                kern->scale(x.cols, weights[0], ting_row(x, t), ting_row(y, i));
            else
                kern->axpy(x.cols, weights[j], ting_row(x, t), ting_row(y, i));
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
    for (int s = 0; s < segments.count; s++)
        down_segment(ctx->kern,
                     ting_rows(x, segments.start[s], segments.start[s + 1] - segments.start[s]),
                     weights, factor, ting_rows(y, out_start[s], out_start[s + 1] - out_start[s]));
    struct ting_rec_downsample *rec = ting_tape_push(ctx, TING_OP_downsample, sizeof *rec);
    if (rec != NULL)
        *rec = (struct ting_rec_downsample){x,    y,      segments, {segments.count, out_start},
                                            bias, factor, weights};
    return y;
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
    for (int s = 0; s < like.count; s++)
        for (int t = like.start[s]; t < like.start[s + 1]; t++)
            memcpy(ting_row(y, t), ting_row(x, segments.start[s] + (t - like.start[s]) / factor),
                   (size_t)x.cols * sizeof *y.data);
    struct ting_rec_upsample *rec = ting_tape_push(ctx, TING_OP_upsample, sizeof *rec);
    if (rec != NULL)
        *rec = (struct ting_rec_upsample){x, y, segments, like, factor};
    return y;
}
