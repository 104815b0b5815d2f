/* SPDX-License-Identifier: Apache-2.0 */
/*
 * op_chunk_conv.c - Zipformer's depthwise convolution over time, causal between chunks, symmetric within.
 *
 *     y[t] = cb + sum_{j <= K/2} cw[j] x[t - K/2 + j]                                  (looks back only)
 *          + (1 + edge[t - t0]) (b + sum_{j < K} w[j] x[t - K/2 + j], x inside the chunk t0 .. t0 + n - 1)
 *
 * edge[i] = scale[0][i] near the left border of a chunk plus scale[1][K - n + i] near the right one.
 * Without causal filters it is the plain "same" convolution of the whole segment. A chunk shorter than
 * the kernel reaches only the middle 2 n - 1 taps; the others are left out.
 */
#include "nn/chunk_conv.h"

#include "nn/rec.h"
#include "nn/taps.h"
#include "nn/tape.h"

#include <string.h>

/* Rows with zeros around, so that the kernel needs no borders: [before + rows + after, C]. */
static void framed(ting_real *to, int before, ting_tensor x, int first, int rows, int after)
{
    size_t c = (size_t)x.cols;
    memset(to, 0, (size_t)before * c * sizeof *to);
    for (int t = 0; t < rows; t++)
        memcpy(to + (size_t)(before + t) * c, ting_row(x, first + t), c * sizeof *to);
    memset(to + (size_t)(before + rows) * c, 0, (size_t)after * c * sizeof *to);
}

void ting_chunk_conv_edges(const ting_chunk_conv_weights *weights, int chunk, ting_real *scale)
{
    int channels = weights->chunk_w->shape[0], taps = weights->chunk_w->shape[2];
    for (int i = 0; i < chunk * channels; i++)
        scale[i] = 1;
    if (weights->edge_scale == NULL)
        return;
    const ting_real *left = weights->edge_scale->t.data,
                    *right = left + (size_t)channels * (size_t)taps;
    for (int t = 0; t < chunk; t++)
        for (int c = 0; c < channels; c++) {
            ting_real both = 0;
            int r = t - (chunk - taps);
            if (t < taps)
                both += left[(size_t)c * (size_t)taps + (size_t)t];
            if (r >= 0)
                both += right[(size_t)c * (size_t)taps + (size_t)r];
            scale[(size_t)t * (size_t)channels + (size_t)c] += both;
        }
}

struct job {
    ting_ctx *ctx;
    ting_tensor x, left, y;
    const ting_chunk_conv_weights *weights;
    const ting_real *causal, *within; /* turned filters */
    ting_real *room;                  /* a segment or chunk with zeros around */
    int half;
};

/* y of a segment = the part that looks back. */
static void look_back(const struct job *job, int segment, int first, int rows)
{
    int c = job->x.cols, half = job->half;
    framed(job->room, half, job->x, first, rows, 0);
    if (job->left.rows > 0)
        for (int t = 0; t < half; t++)
            memcpy(job->room + (size_t)t * (size_t)c, ting_row(job->left, segment * half + t),
                   (size_t)c * sizeof *job->room);
    job->ctx->kern->depthwise(rows, c, half + 1, job->room, c, job->causal,
                              job->weights->causal_b->t.data, ting_row(job->y, first), job->y.ld);
}

/* z [rows, C] = the part within one chunk of `rows` rows from `first` on; `chunk` is the full length. */
static void within_chunk(const struct job *job, int first, int rows, int chunk, ting_real *z,
                         int ldz)
{
    int c = job->x.cols, reach = chunk - 1 < job->half ? chunk - 1 : job->half;
    framed(job->room, reach, job->x, first, rows, reach);
    job->ctx->kern->depthwise(rows, c, 2 * reach + 1, job->room, c,
                              job->within + (size_t)(job->half - reach) * (size_t)c,
                              job->weights->chunk_b->t.data, z, ldz);
}

static void causal_segment(const struct job *job, int first, int last, int chunk,
                           const ting_real *scale, ting_real *z)
{
    int c = job->x.cols;
    for (int t0 = first; t0 < last; t0 += chunk) {
        int rows = last - t0 < chunk ? last - t0 : chunk;
        within_chunk(job, t0, rows, chunk, z, c);
        for (int t = 0; t < rows; t++)
            job->ctx->kern->muladd(c, scale + (size_t)t * (size_t)c, z + (size_t)t * (size_t)c,
                                   ting_row(job->y, t0 + t));
    }
}

static void run(struct job *job, ting_segments segments, int chunk, ting_real *scale, ting_real *z)
{
    int made = 0;
    for (int s = 0; s < segments.count; s++) {
        int first = segments.start[s], rows = segments.start[s + 1] - first;
        if (rows == 0)
            continue;
        if (job->causal == NULL) {
            within_chunk(job, first, rows, rows, ting_row(job->y, first), job->y.ld);
            continue;
        }
        int n = chunk <= 0 || chunk > rows ? rows : chunk;
        if (n != made)
            ting_chunk_conv_edges(job->weights, n, scale);
        made = n;
        look_back(job, s, first, rows);
        causal_segment(job, first, first + rows, n, scale, z);
    }
}

static bool fits(const ting_chunk_conv_weights *w, ting_tensor x, ting_tensor left,
                 ting_segments segments)
{
    int taps = w->chunk_w->shape[2];
    if (w->chunk_w->shape[0] != x.cols || taps % 2 == 0)
        return false;
    if (w->causal_w == NULL)
        return left.rows == 0;
    return w->causal_w->shape[0] == x.cols && w->causal_w->shape[2] == (taps + 1) / 2 &&
           (left.rows == 0 || (left.rows == segments.count * (taps / 2) && left.cols == x.cols));
}

ting_tensor ting_chunk_conv(ting_ctx *ctx, ting_tensor x, ting_segments segments, int chunk,
                            const ting_chunk_conv_weights *weights, ting_tensor left)
{
    if (ctx->err != TING_OK)
        return (ting_tensor){0};
    if (!fits(weights, x, left, segments)) {
        ting_ctx_fail(ctx, TING_ERR_INTERNAL,
                      "chunk_conv: filter %s has %d channels and %d taps, input is [%d, %d]",
                      weights->chunk_w->name, weights->chunk_w->shape[0],
                      weights->chunk_w->shape[2], x.rows, x.cols);
        return (ting_tensor){0};
    }
    int half = weights->chunk_w->shape[2] / 2, longest = 0;
    for (int s = 0; s < segments.count; s++)
        if (segments.start[s + 1] - segments.start[s] > longest)
            longest = segments.start[s + 1] - segments.start[s];
    int n = chunk <= 0 || chunk > longest ? longest : chunk;
    ting_tensor y = ting_ctx_output(ctx, x.rows, x.cols);
    ting_arena_mark mark = ting_arena_tell(ctx->arena);
    size_t c = (size_t)x.cols;
    struct job job = {ctx, x, left, y, weights, NULL, ting_taps(ctx, weights->chunk_w), NULL, half};
    if (weights->causal_w != NULL)
        job.causal = ting_taps(ctx, weights->causal_w);
    job.room = ting_arena_take(ctx->arena, (size_t)(longest + 2 * half) * c * sizeof *job.room);
    ting_real *scale = ting_arena_take(ctx->arena, 2 * (size_t)n * c * sizeof *scale);
    if (job.room == NULL || scale == NULL)
        ting_ctx_fail(ctx, TING_ERR_MEMORY, "chunk_conv: out of memory for %d rows", longest);
    if (ctx->err == TING_OK)
        run(&job, segments, chunk, scale, scale + (size_t)n * c);
    ting_arena_rewind(ctx->arena, mark);
    struct ting_rec_chunk_conv *rec = ting_tape_push(ctx, TING_OP_chunk_conv, sizeof *rec);
    if (rec != NULL)
        *rec = (struct ting_rec_chunk_conv){x, y, segments, chunk, *weights};
    return y;
}
