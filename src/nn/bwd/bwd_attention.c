/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bwd_attention.c - backward of the three parts of attention. docs/derive/attention.md
 *
 * Key rows that several spans share (left context) get their sums from one thread a head, span after
 * span; the position table is summed a block of query rows at a time, the blocks in order.
 */
#include "nn/attention.h"
#include "nn/bwd/bwd.h"
#include "nn/gradient.h"
#include "nn/rec.h"
#include "nn/rows.h"

#include <string.h>

/* ---- scores: gq_i += f sum_j g_ij k_j, gk_j += f sum_i g_ij q_i, and the relative term ---- */

struct scores_job {
    const ting_kern *kern;
    const struct ting_rec_attn_scores *rec;
    bool of_keys;           /* pos has a row for each key */
    const ting_real *pos;   /* [heads, dp, distances] */
    int blocks, block_rows; /* of query rows */
    ting_real *gpos;        /* [blocks, heads, dp, distances] */
};

static ting_attention_rows rows_at(const ting_real *data, int count, ptrdiff_t rs, ptrdiff_t cs)
{
    return (ting_attention_rows){count, data, rs, cs};
}

/* The two gradients of factor q k^T for one head. */
static void pair_gradients(const struct scores_job *job, const ting_gemm_desk *desk, int span, int head, ting_tensor q,
                           ting_tensor k)
{
    const struct ting_rec_attn_scores *rec = job->rec;
    const ting_span *s = &rec->geometry.spans[span];
    const int queries = s->q1 - s->q0, keys = s->k1 - s->k0, d = q.cols / rec->geometry.heads;
    const ting_real *g = ting_grad_row(rec->y, ting_attention_row(&rec->geometry, span, head, 0));
    const size_t q0 = (size_t)s->q0 * (size_t)q.ld + (size_t)(head * d), k0 = (size_t)s->k0 * (size_t)k.ld + (size_t)(head * d);
    if (q.grad != NULL)
        ting_attention_mix(desk, job->kern, d, rec->factor, rows_at(g, queries, rec->y.ld, 1), rows_at(k.data + k0, keys, k.ld, 1),
                           1, q.grad + q0, q.ld);
    if (k.grad != NULL)
        ting_attention_mix(desk, job->kern, d, rec->factor, rows_at(g, keys, 1, rec->y.ld), rows_at(q.data + q0, queries, q.ld, 1),
                           1, k.grad + k0, k.ld);
}

static void scores_item(void *arg, const ting_gemm_desk *desk, int span, int head)
{
    const struct scores_job *job = arg;
    const struct ting_rec_attn_scores *rec = job->rec;
    pair_gradients(job, desk, span, head, rec->q, rec->k);
    if (job->of_keys)
        pair_gradients(job, desk, span, head, rec->p, rec->pos);
}

/* Query row `row` of one head: gp[d] += sum_j g_j pos[d][shift + j]; gpos[d][shift + j] += p[d] g_j. */
static void relative_row(const struct scores_job *job, int span, int head, int row, ting_real *gpos)
{
    const struct ting_rec_attn_scores *rec = job->rec;
    const ting_span *s = &rec->geometry.spans[span];
    const int keys = s->k1 - s->k0, i = row - s->q0, dp = rec->p.cols / rec->geometry.heads;
    const ptrdiff_t distances = rec->pos.rows, shift = rec->pos_zero - s->first_key - i;
    const ting_real *g = ting_grad_row(rec->y, ting_attention_row(&rec->geometry, span, head, i));
    for (int d = 0; d < dp; d++) {
        const ting_real *pos = job->pos + (head * dp + d) * distances + shift;
        if (rec->p.grad != NULL)
            ting_grad_row(rec->p, row)[head * dp + d] += job->kern->dot(keys, g, pos);
        if (rec->pos.grad != NULL)
            job->kern->axpy(keys, ting_row(rec->p, row)[head * dp + d], g, gpos + d * distances + shift);
    }
}

/* One head of one block of query rows, which has a table of its own. */
static void relative_item(void *arg, int index)
{
    const struct scores_job *job = arg;
    const struct ting_rec_attn_scores *rec = job->rec;
    const int heads = rec->geometry.heads, head = index % heads, first = index / heads * job->block_rows;
    const int end = first + job->block_rows < rec->p.rows ? first + job->block_rows : rec->p.rows;
    const size_t slice = (size_t)(rec->p.cols / heads) * (size_t)rec->pos.rows;
    ting_real *gpos = job->gpos + (size_t)index * slice;
    memset(gpos, 0, slice * sizeof *gpos);
    int span = 0;
    for (int row = first; row < end; row++) {
        while (row >= rec->geometry.spans[span].q1)
            span++;
        relative_row(job, span, head, row, gpos);
    }
}

/* Columns of the table: their sums, block after block. */
static void add_columns(void *arg, ting_row_block block)
{
    const struct scores_job *job = arg;
    const ting_tensor pos = job->rec->pos;
    for (int c = block.first; c < block.first + block.count; c++) {
        ting_real *sum = job->gpos + (size_t)c * (size_t)pos.rows;
        for (int b = 1; b < job->blocks; b++)
            job->kern->add(pos.rows, sum, sum + (size_t)b * (size_t)pos.cols * (size_t)pos.rows, sum);
        for (int r = 0; r < pos.rows; r++)
            ting_grad_row(pos, r)[c] += sum[r];
    }
}

static void backward_relative(ting_ctx *ctx, struct scores_job *job)
{
    enum { MOST_BLOCKS = 8, LEAST_ROWS = 16 }; /* each block costs a table */
    const ting_tensor pos = job->rec->pos;
    const int heads = job->rec->geometry.heads, rows = job->rec->p.rows;
    const size_t count = (size_t)pos.rows * (size_t)pos.cols;
    ting_arena_mark mark = ting_arena_tell(ctx->arena);
    job->block_rows = rows / MOST_BLOCKS + 1 > LEAST_ROWS ? rows / MOST_BLOCKS + 1 : LEAST_ROWS;
    job->blocks = (rows + job->block_rows - 1) / job->block_rows;
    ting_real *transposed = ting_ctx_reals(ctx, count);
    job->gpos = ting_ctx_reals(ctx, (size_t)job->blocks * count);
    if (ctx->err != TING_OK)
        return;
    job->pos = transposed;
    for (int r = 0; r < pos.rows; r++)
        for (int c = 0; c < pos.cols; c++)
            transposed[(size_t)c * (size_t)pos.rows + (size_t)r] = ting_row(pos, r)[c];
    ting_pool_run(ctx->pool, job->blocks * heads, relative_item, job);
    if (pos.grad != NULL)
        ting_rows_run(ctx->pool, pos.cols, job->blocks * pos.rows, add_columns, job);
    ting_arena_rewind(ctx->arena, mark);
}

void ting_bwd_attn_scores(ting_ctx *ctx, const void *saved)
{
    const struct ting_rec_attn_scores *rec = saved;
    const bool of_keys = rec->pos.rows > 0 && rec->pos_zero == TING_POSITIONS_OF_KEYS;
    struct scores_job job = {.kern = ctx->kern, .rec = rec, .of_keys = of_keys};
    const int heads = rec->geometry.heads, width = (rec->q.cols > rec->p.cols ? rec->q.cols : rec->p.cols) / heads;
    const ting_tensor touched[] = {rec->y, rec->q, rec->k, rec->p, rec->pos};
    for (size_t i = 0; i < sizeof touched / sizeof touched[0]; i++)
        ting_gradient_touch(ctx, touched[i]);
    if (rec->q.grad != NULL || rec->k.grad != NULL || of_keys)
        ting_attention_run(ctx, &rec->geometry, heads, 2 * rec->q.cols / heads, width, true, scores_item, &job);
    if (rec->pos.rows > 0 && !of_keys && (rec->p.grad != NULL || rec->pos.grad != NULL))
        backward_relative(ctx, &job);
}

/* ---- softmax: gx += y (gy - sum(y gy)), over the keys that were seen; in place gx = y gy - sum(y gy) y, others 0 ---- */

struct softmax_job {
    const ting_kern *kern;
    const struct ting_rec_attn_softmax *rec;
};

static void softmax_row_in_place(const struct softmax_job *job, int row, int first, int end)
{
    const ting_tensor t = job->rec->y;
    const ting_real *y = ting_row(t, row) + first;
    ting_real *g = ting_grad_row(t, row);
    memset(g, 0, (size_t)first * sizeof *g);
    const ting_real sum = job->kern->dot(end - first, y, g + first);
    job->kern->mul(end - first, y, g + first, g + first);
    job->kern->axpy(end - first, -sum, y, g + first);
    memset(g + end, 0, (size_t)(t.cols - end) * sizeof *g);
}

static void softmax_item(void *arg, const ting_gemm_desk *desk, int span, int head)
{
    (void)desk;
    const struct softmax_job *job = arg;
    const struct ting_rec_attn_softmax *rec = job->rec;
    const ting_span *s = &rec->geometry.spans[span];
    for (int i = 0; i < s->q1 - s->q0; i++) {
        int row = ting_attention_row(&rec->geometry, span, head, i), first, end;
        ting_attention_visible(&rec->geometry, span, i, &first, &end);
        if (end < first)
            end = first;
        if (rec->x.grad == rec->y.grad)
            softmax_row_in_place(job, row, first, end);
        else
            job->kern->softmax_grad(end - first, ting_row(rec->y, row) + first, ting_grad_row(rec->y, row) + first,
                                    ting_grad_row(rec->x, row) + first);
    }
}

void ting_bwd_attn_softmax(ting_ctx *ctx, const void *saved)
{
    const struct ting_rec_attn_softmax *rec = saved;
    struct softmax_job job = {.kern = ctx->kern, .rec = rec};
    ting_gradient_touch(ctx, rec->y);
    ting_gradient_touch(ctx, rec->x);
    if (rec->x.grad != NULL)
        ting_attention_run(ctx, &rec->geometry, rec->geometry.heads, 8, 0, false, softmax_item, &job);
}

/* ---- weighted sum: gw_ij += gy_i . v_j, gv_j += sum_i w_ij gy_i ---- */

struct apply_job {
    const ting_kern *kern;
    const struct ting_rec_attn_apply *rec;
};

static void apply_item(void *arg, const ting_gemm_desk *desk, int span, int head)
{
    const struct apply_job *job = arg;
    const struct ting_rec_attn_apply *rec = job->rec;
    const ting_span *s = &rec->geometry.spans[span];
    const int queries = s->q1 - s->q0, keys = s->k1 - s->k0, dv = rec->v.cols / rec->heads_used;
    const int row = ting_attention_row(&rec->geometry, span, head, 0), ldw = rec->weights.ld;
    if (queries == 0)
        return;
    const ting_attention_rows gy = rows_at(ting_grad_row(rec->y, s->q0) + head * dv, queries, rec->y.ld, 1);
    const size_t v = (size_t)s->k0 * (size_t)rec->v.ld + (size_t)(head * dv);
    if (rec->weights.grad != NULL)
        ting_attention_dots(desk, job->kern, dv, 1, gy, rows_at(rec->v.data + v, keys, rec->v.ld, 1), 1,
                            ting_grad_row(rec->weights, row), ldw);
    if (rec->v.grad != NULL)
        ting_attention_mix(desk, job->kern, dv, 1, rows_at(ting_row(rec->weights, row), keys, 1, ldw), gy, 1,
                           rec->v.grad + v, rec->v.ld);
}

void ting_bwd_attn_apply(ting_ctx *ctx, const void *saved)
{
    const struct ting_rec_attn_apply *rec = saved;
    struct apply_job job = {.kern = ctx->kern, .rec = rec};
    const int width = rec->v.cols / rec->heads_used;
    ting_gradient_touch(ctx, rec->y);
    ting_gradient_touch(ctx, rec->weights);
    ting_gradient_touch(ctx, rec->v);
    ting_attention_run(ctx, &rec->geometry, rec->heads_used, 2 * width, width, true, apply_item, &job);
}
