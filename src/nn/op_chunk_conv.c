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
#include "nn/rows.h"
#include "nn/tape.h"
#include "nn/taps.h"

#include <string.h>

struct job {
    const ting_kern *kern;
    ting_tensor x, left, y;
    ting_segments segments;
    int chunk, half;
    const ting_chunk_conv_weights *weights;
    const ting_real *causal, *within; /* turned filters */
    ting_chunk_edges edges;
    ting_real *room;     /* of all blocks: a piece with zeros around, its part within the chunk */
    size_t block_values; /* reals of room a block */
};

/* y of a piece = the part that looks back, beyond the segment's begin into the rows `left`. */
static void look_back(const struct job *job, const ting_chunk_piece *p, ting_real *room)
{
    const int c = job->x.cols, half = job->half, start = job->segments.start[p->segment], first = p->first - half;
    int ld = job->x.ld;
    const ting_real *x = ting_chunk_window(job->x.data, c, &ld, first, half + p->rows, start, p->first + p->rows, room);
    for (int r = first; job->left.rows > 0 && r < start; r++)
        memcpy(room + (ptrdiff_t)(r - first) * c, ting_row(job->left, p->segment * half + (r - (start - half))),
               (size_t)c * sizeof *room);
    job->kern->depthwise(p->rows, c, half + 1, x, ld, job->causal, job->weights->causal_b->t.data,
                         ting_row(job->y, p->first), job->y.ld);
}

/* z [rows, C] = the part of a piece within its chunk. */
static void within_chunk(const struct job *job, const ting_chunk_piece *p, ting_real *room, ting_real *z, int ldz)
{
    const int c = job->x.cols, reach = p->length - 1 < job->half ? p->length - 1 : job->half;
    int ld = job->x.ld;
    const ting_real *x = ting_chunk_window(job->x.data, c, &ld, p->first - reach, p->rows + 2 * reach, p->chunk,
                                           p->chunk + p->present, room);
    job->kern->depthwise(p->rows, c, 2 * reach + 1, x, ld, job->within + (ptrdiff_t)(job->half - reach) * c,
                         job->weights->chunk_b->t.data, z, ldz);
}

static void convolve_rows(void *arg, ting_row_block block)
{
    const struct job *job = arg;
    const int c = job->x.cols, end = block.first + block.count;
    ting_real *room = job->room + (size_t)block.index * job->block_values;
    ting_real *z = room + (ptrdiff_t)(block.count + 2 * job->half) * c;
    ting_chunk_piece p;
    for (int first = block.first; first < end; first += p.rows) {
        p = ting_chunk_piece_at(job->segments, job->chunk, first, end);
        if (job->causal == NULL) {
            within_chunk(job, &p, room, ting_row(job->y, first), job->y.ld);
            continue;
        }
        look_back(job, &p, room);
        within_chunk(job, &p, room, z, c);
        for (int t = 0; t < p.rows; t++)
            ting_chunk_edges_apply(&job->edges, job->kern, first - p.chunk + t, p.length, c, z + (ptrdiff_t)t * c,
                                   ting_row(job->y, first + t));
    }
}

static bool fits(const ting_chunk_conv_weights *w, ting_tensor x, ting_tensor left, ting_segments segments)
{
    int taps = w->chunk_w->shape[2];
    if (w->chunk_w->shape[0] != x.cols || taps % 2 == 0 || segments.start[segments.count] != x.rows)
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
        ting_ctx_fail(ctx, TING_ERR_INTERNAL, "chunk_conv: filter %s has %d channels and %d taps, input is [%d, %d]",
                      weights->chunk_w->name, weights->chunk_w->shape[0], weights->chunk_w->shape[2], x.rows, x.cols);
        return (ting_tensor){0};
    }
    if (weights->causal_w == NULL)
        chunk = 0;
    const int cost = ting_chunk_row_cost(x.cols), blocks = ting_row_blocks(x.rows, cost),
              rows = ting_row_block_rows(x.rows, cost);
    ting_tensor y = ting_ctx_output(ctx, x.rows, x.cols);
    struct ting_rec_chunk_conv *rec = ting_tape_push(ctx, TING_OP_chunk_conv, sizeof *rec);
    if (rec != NULL)
        *rec = (struct ting_rec_chunk_conv){x, y, segments, chunk, *weights};
    ting_arena_mark mark = ting_arena_tell(ctx->arena);
    struct job job = {.kern = ctx->kern,
                      .x = x,
                      .left = left,
                      .y = y,
                      .segments = segments,
                      .chunk = chunk,
                      .half = weights->chunk_w->shape[2] / 2,
                      .weights = weights};
    job.within = ting_taps(ctx, weights->chunk_w);
    if (weights->causal_w != NULL) {
        job.causal = ting_taps(ctx, weights->causal_w);
        job.edges = ting_chunk_edges_turn(ctx, weights->edge_scale, ting_chunk_longest(segments, chunk));
    }
    job.block_values = (size_t)(2 * rows + 2 * job.half) * (size_t)x.cols;
    job.room = ting_ctx_reals(ctx, (size_t)blocks * job.block_values);
    if (ctx->err == TING_OK)
        ting_rows_run(ctx->pool, x.rows, cost, convolve_rows, &job);
    ting_arena_rewind(ctx->arena, mark);
    return y;
}
