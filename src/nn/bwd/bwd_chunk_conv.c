/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bwd_chunk_conv.c - in three passes over blocks of rows. docs/derive/convolution.md
 *
 *     1. with edges: gz = (1 + edges) gy, and z gy for the edges, z computed again
 *     2. gx += gz with the taps turned round; a tap's gradient is x with the rows of gz as its filter
 *     3. sums: of the taps' gradients block after block, of biases and edges column by column
 */
#include "nn/bwd/bwd.h"
#include "nn/chunk_conv.h"
#include "nn/gradient.h"
#include "nn/rec.h"
#include "nn/rows.h"
#include "nn/taps.h"

#include <string.h>

enum { STRIP = 64 }; /* columns a thread takes at a time */

struct job {
    const ting_kern *kern;
    const struct ting_rec_chunk_conv *rec;
    int half;
    const ting_real *within;                  /* [taps, C] */
    ting_real *within_turned, *causal_turned; /* the last tap first */
    ting_real *gz;                            /* [T, C]; the gradient of y without edges */
    ting_real *edge_products;                 /* [T, C], or NULL when the edges want no gradient */
    ting_chunk_edges edges;
    ting_real *edge_sums; /* [2, places, C] */
    bool within_wanted, causal_wanted;
    ting_real *scratch;  /* of a block: partial sums of the taps [taps + half + 1, C], a window, results */
    size_t block_values; /* reals of scratch a block */
};

static int reach_of(const struct job *job, const ting_chunk_piece *p)
{
    return p->length - 1 < job->half ? p->length - 1 : job->half;
}

/* A piece of x and `reach` rows around it, zeros outside of its chunk. */
static const ting_real *chunk_window(const struct job *job, const ting_chunk_piece *p, const ting_real *values, int *ld,
                                     ting_real *room)
{
    const int reach = reach_of(job, p);
    return ting_chunk_window(values, job->rec->x.cols, ld, p->first - reach, p->rows + 2 * reach, p->chunk,
                             p->chunk + p->present, room);
}

/* ---- 1. through the edges ---- */

static void edge_piece(const struct job *job, const ting_chunk_piece *p, ting_real *room, ting_real *z)
{
    const struct ting_rec_chunk_conv *rec = job->rec;
    const int c = rec->x.cols, reach = reach_of(job, p);
    if (job->edge_products != NULL) {
        int ld = rec->x.ld;
        const ting_real *x = chunk_window(job, p, rec->x.data, &ld, room);
        job->kern->depthwise(p->rows, c, 2 * reach + 1, x, ld, job->within + (ptrdiff_t)(job->half - reach) * c,
                             rec->weights.chunk_b->t.data, z, c);
    }
    for (int t = 0; t < p->rows; t++) {
        const ptrdiff_t at = (ptrdiff_t)(p->first + t) * c;
        const ting_real *gy = ting_grad_row(rec->y, p->first + t);
        memset(job->gz + at, 0, (size_t)c * sizeof *gy);
        ting_chunk_edges_apply(&job->edges, job->kern, p->first - p->chunk + t, p->length, c, gy, job->gz + at);
        if (job->edge_products != NULL)
            job->kern->mul(c, gy, z + (ptrdiff_t)t * c, job->edge_products + at);
    }
}

static void edge_rows(void *arg, ting_row_block block)
{
    const struct job *job = arg;
    const int end = block.first + block.count;
    ting_real *room = job->scratch + (size_t)block.index * job->block_values;
    ting_real *z = room + (ptrdiff_t)(block.count + 2 * job->half) * job->rec->x.cols;
    ting_chunk_piece p;
    for (int first = block.first; first < end; first += p.rows) {
        p = ting_chunk_piece_at(job->rec->segments, job->rec->chunk, first, end);
        edge_piece(job, &p, room, z);
    }
}

/* ---- 2. the input and the taps ---- */

static void add_rows(const struct job *job, const ting_chunk_piece *p, const ting_real *found)
{
    for (int t = 0; t < p->rows; t++) {
        ting_real *gx = ting_grad_row(job->rec->x, p->first + t);
        job->kern->add(job->rec->x.cols, gx, found + (ptrdiff_t)t * job->rec->x.cols, gx);
    }
}

static void input_gradient(const struct job *job, const ting_chunk_piece *p, ting_real *room, ting_real *found)
{
    const struct ting_rec_chunk_conv *rec = job->rec;
    const int c = rec->x.cols, reach = reach_of(job, p);
    int ld = c;
    const ting_real *g = chunk_window(job, p, job->gz, &ld, room);
    job->kern->depthwise(p->rows, c, 2 * reach + 1, g, ld, job->within_turned + (ptrdiff_t)(job->half - reach) * c,
                         NULL, found, c);
    add_rows(job, p, found);
    if (job->causal_turned == NULL)
        return;
    ld = rec->y.ld;
    g = ting_chunk_window(rec->y.grad, c, &ld, p->first, p->rows + job->half, p->first,
                          rec->segments.start[p->segment + 1], room);
    job->kern->depthwise(p->rows, c, job->half + 1, g, ld, job->causal_turned, NULL, found, c);
    add_rows(job, p, found);
}

static void taps_gradient(const struct job *job, const ting_chunk_piece *p, ting_real *sums, ting_real *room,
                          ting_real *found)
{
    const struct ting_rec_chunk_conv *rec = job->rec;
    const int c = rec->x.cols, reach = reach_of(job, p), first = p->first - job->half;
    if (job->within_wanted) {
        int ld = rec->x.ld, count = 2 * reach + 1;
        const ting_real *x = chunk_window(job, p, rec->x.data, &ld, room);
        ting_real *to = sums + (ptrdiff_t)(job->half - reach) * c;
        job->kern->depthwise(count, c, p->rows, x, ld, job->gz + (ptrdiff_t)p->first * c, NULL, found, c);
        job->kern->add(count * c, to, found, to);
    }
    if (job->causal_wanted) {
        int ld = rec->x.ld, count = job->half + 1;
        const ting_real *x = ting_chunk_window(rec->x.data, c, &ld, first, job->half + p->rows,
                                               rec->segments.start[p->segment], p->first + p->rows, room);
        ting_real *to = sums + (ptrdiff_t)(2 * job->half + 1) * c;
        job->kern->depthwise(count, c, p->rows, x, ld, ting_grad_row(rec->y, p->first), NULL, found, c);
        job->kern->add(count * c, to, found, to);
    }
}

static void gradient_rows(void *arg, ting_row_block block)
{
    const struct job *job = arg;
    const int c = job->rec->x.cols, end = block.first + block.count, taps = 3 * job->half + 2;
    ting_real *sums = job->scratch + (size_t)block.index * job->block_values, *room = sums + (ptrdiff_t)taps * c;
    ting_real *found = room + (ptrdiff_t)(block.count + 2 * job->half) * c;
    memset(sums, 0, (size_t)taps * (size_t)c * sizeof *sums);
    ting_chunk_piece p;
    for (int first = block.first; first < end; first += p.rows) {
        p = ting_chunk_piece_at(job->rec->segments, job->rec->chunk, first, end);
        if (job->rec->x.grad != NULL)
            input_gradient(job, &p, room, found);
        taps_gradient(job, &p, sums, room, found);
    }
}

/* ---- 3. sums over rows ---- */

static void edge_strip(void *arg, int index)
{
    const struct job *job = arg;
    const struct ting_rec_chunk_conv *rec = job->rec;
    const int c = rec->x.cols, strip = index * STRIP, count = c - strip < STRIP ? c - strip : STRIP;
    const ptrdiff_t places = job->edges.places;
    ting_chunk_piece p;
    for (ptrdiff_t i = 0; i < 2 * places; i++)
        memset(job->edge_sums + i * c + strip, 0, (size_t)count * sizeof *job->edge_sums);
    for (int first = 0; first < rec->x.rows; first += p.rows) {
        p = ting_chunk_piece_at(rec->segments, rec->chunk, first, rec->x.rows);
        for (int t = 0; t < p.rows; t++) {
            const ting_real *product = job->edge_products + (ptrdiff_t)(first + t) * c + strip;
            const int left = ting_chunk_left_place(&job->edges, t),
                      right = ting_chunk_right_place(&job->edges, t, p.length);
            ting_real *at_left = job->edge_sums + left * (ptrdiff_t)c + strip;
            ting_real *at_right = job->edge_sums + (places + right) * c + strip;
            if (left >= 0)
                job->kern->add(count, at_left, product, at_left);
            if (right >= 0)
                job->kern->add(count, at_right, product, at_right);
        }
    }
    const ptrdiff_t taps = 2 * job->half + 1;
    ting_real *left = rec->weights.edge_scale->t.grad, *right = left + c * taps + (taps - places);
    for (ptrdiff_t k = strip; k < strip + count; k++)
        for (ptrdiff_t i = 0; i < places; i++) {
            left[k * taps + i] += job->edge_sums[i * c + k];
            right[k * taps + i] += job->edge_sums[(places + i) * c + k];
        }
}

static void add_taps(ting_ctx *ctx, const struct job *job, const ting_param *w, int blocks, int first, int count)
{
    const int c = job->rec->x.cols;
    ting_arena_mark mark = ting_arena_tell(ctx->arena);
    ting_real *sum = ting_arena_take_zeroed(ctx->arena, (size_t)count * (size_t)c, sizeof *sum);
    ting_ctx_check(ctx);
    if (sum == NULL)
        return;
    ting_sum_rows(ctx, blocks, count * c, job->scratch + (ptrdiff_t)first * c, (int)job->block_values, sum);
    ting_taps_add_gradient(w, sum);
    ting_arena_rewind(ctx->arena, mark);
}

static void add_sums(ting_ctx *ctx, struct job *job, int blocks)
{
    const struct ting_rec_chunk_conv *rec = job->rec;
    const ting_chunk_conv_weights *w = &rec->weights;
    const int c = rec->x.cols, taps = 2 * job->half + 1;
    if (job->within_wanted)
        add_taps(ctx, job, w->chunk_w, blocks, 0, taps);
    if (job->causal_wanted)
        add_taps(ctx, job, w->causal_w, blocks, taps, job->half + 1);
    if (w->chunk_b->t.grad != NULL)
        ting_sum_rows(ctx, rec->x.rows, c, job->gz, c, w->chunk_b->t.grad);
    if (w->causal_w != NULL && w->causal_b->t.grad != NULL)
        ting_sum_rows(ctx, rec->y.rows, c, rec->y.grad, rec->y.ld, w->causal_b->t.grad);
    if (job->edge_products != NULL)
        ting_pool_run(ctx->pool, (c + STRIP - 1) / STRIP, edge_strip, job);
}

/* [taps, C] with the last tap first. */
static ting_real *turned(ting_ctx *ctx, const ting_param *w)
{
    const size_t c = (size_t)w->shape[0], count = (size_t)ting_taps_count(w);
    const ting_real *taps = ting_taps(ctx, w);
    ting_real *out = ting_ctx_reals(ctx, count * c);
    for (size_t i = 0; i < count && out != NULL; i++)
        memcpy(out + (count - 1 - i) * c, taps + i * c, c * sizeof *taps);
    return out;
}

/* Everything that the passes need of the arena. */
static void prepare(ting_ctx *ctx, struct job *job, int blocks, int rows)
{
    const struct ting_rec_chunk_conv *rec = job->rec;
    const ting_chunk_conv_weights *w = &rec->weights;
    const size_t c = (size_t)rec->x.cols, all = (size_t)rec->x.rows * c;
    const int longer = rows > 2 * job->half + 1 ? rows : 2 * job->half + 1;
    job->within = ting_taps(ctx, w->chunk_w);
    job->within_turned = turned(ctx, w->chunk_w);
    job->within_wanted = w->chunk_w->t.grad != NULL;
    job->gz = rec->y.grad;
    job->block_values = (size_t)(3 * job->half + 2 + rows + 2 * job->half + longer) * c;
    job->scratch = ting_ctx_reals(ctx, (size_t)blocks * job->block_values);
    if (w->causal_w == NULL)
        return;
    job->causal_turned = turned(ctx, w->causal_w);
    job->causal_wanted = w->causal_w->t.grad != NULL;
    job->edges = ting_chunk_edges_turn(ctx, w->edge_scale, ting_chunk_longest(rec->segments, rec->chunk));
    if (job->edges.places == 0)
        return;
    job->gz = ting_ctx_reals(ctx, all);
    if (w->edge_scale->t.grad != NULL) {
        job->edge_products = ting_ctx_reals(ctx, all);
        job->edge_sums = ting_ctx_reals(ctx, 2 * (size_t)job->edges.places * c);
    }
}

void ting_bwd_chunk_conv(ting_ctx *ctx, const void *saved)
{
    struct job job = {.kern = ctx->kern, .rec = saved};
    const ting_tensor x = job.rec->x;
    const int cost = ting_chunk_row_cost(x.cols), blocks = ting_row_blocks(x.rows, cost);
    ting_arena_mark mark = ting_arena_tell(ctx->arena);
    job.half = job.rec->weights.chunk_w->shape[2] / 2;
    ting_gradient_touch(ctx, job.rec->y);
    ting_gradient_touch(ctx, x);
    prepare(ctx, &job, blocks, ting_row_block_rows(x.rows, cost));
    if (ctx->err != TING_OK)
        return;
    if (job.edges.places > 0)
        ting_rows_run(ctx->pool, x.rows, cost, edge_rows, &job);
    ting_rows_run(ctx->pool, x.rows, cost, gradient_rows, &job);
    add_sums(ctx, &job, blocks);
    ting_arena_rewind(ctx->arena, mark);
}
