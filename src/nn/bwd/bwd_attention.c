/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bwd_attention.c - backward of attention at once and of its three parts. docs/derive/attention.md
 *
 * Key rows that several spans share (left context) get their sums from one thread a head, span after
 * span; the position table is summed a block of query rows at a time, the blocks in order.
 */
#include "nn/attention_item.h"
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

/* Where the gradients of an item's weights lie in a tensor of all. */
static ting_attention_weights gradients_of(const ting_attention_item *item, ting_tensor t)
{
    const int row = ting_attention_row(item->geometry, item->span, item->head, 0);
    return (ting_attention_weights){t.grad == NULL ? NULL : ting_grad_row(t, row), t.ld};
}

static void scores_item(void *arg, const ting_attention_item *item)
{
    const struct scores_job *job = arg;
    const struct ting_rec_attn_scores *rec = job->rec;
    const ting_attention_weights g = gradients_of(item, rec->y);
    ting_item_scores_backward(item, g, rec->q, rec->k, rec->factor);
    if (job->of_keys)
        ting_item_scores_backward(item, g, rec->p, rec->pos, rec->factor);
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
    const int heads = rec->geometry.heads;
    const ting_attention_need need = {.heads = heads, .cost = 2 * rec->q.cols / heads, .exclusive = true,
                                      .width = (rec->q.cols > rec->p.cols ? rec->q.cols : rec->p.cols) / heads};
    const ting_tensor touched[] = {rec->y, rec->q, rec->k, rec->p, rec->pos};
    for (size_t i = 0; i < sizeof touched / sizeof touched[0]; i++)
        ting_gradient_touch(ctx, touched[i]);
    if (rec->q.grad != NULL || rec->k.grad != NULL || of_keys)
        ting_attention_run(ctx, &rec->geometry, &need, scores_item, &job);
    if (rec->pos.rows > 0 && !of_keys && (rec->p.grad != NULL || rec->pos.grad != NULL))
        backward_relative(ctx, &job);
}

/* ---- softmax: gx += y (gy - sum(y gy)), over the keys that were seen; in place gx = y gy - sum(y gy) y, others 0 ---- */

static void softmax_item(void *arg, const ting_attention_item *item)
{
    const struct ting_rec_attn_softmax *rec = arg;
    const ting_attention_weights y = ting_item_rows(item, rec->y), gy = gradients_of(item, rec->y), gx = gradients_of(item, rec->x);
    if (gx.rows == gy.rows) {
        ting_item_softmax_backward(item, rec->y.cols, y, gy);
        return;
    }
    for (int i = 0; i < item->queries; i++) {
        int first, end;
        ting_attention_visible(item->geometry, item->span, i, &first, &end);
        if (end > first)
            item->kern->softmax_grad(end - first, y.rows + (ptrdiff_t)i * y.ld + first, gy.rows + (ptrdiff_t)i * gy.ld + first,
                                     gx.rows + (ptrdiff_t)i * gx.ld + first);
    }
}

void ting_bwd_attn_softmax(ting_ctx *ctx, const void *saved)
{
    struct ting_rec_attn_softmax rec = *(const struct ting_rec_attn_softmax *)saved;
    ting_gradient_touch(ctx, rec.y);
    ting_gradient_touch(ctx, rec.x);
    if (rec.x.grad != NULL)
        ting_attention_run(ctx, &rec.geometry, &(ting_attention_need){.heads = rec.geometry.heads, .cost = 8}, softmax_item,
                           &rec);
}

/* ---- weighted sum: gw_ij += gy_i . v_j, gv_j += sum_i w_ij gy_i ---- */

static void apply_item(void *arg, const ting_attention_item *item)
{
    const struct ting_rec_attn_apply *rec = arg;
    ting_item_apply_backward(item, rec->heads_used, ting_item_rows(item, rec->weights), rec->v, rec->y, 1,
                             gradients_of(item, rec->weights));
}

void ting_bwd_attn_apply(ting_ctx *ctx, const void *saved)
{
    struct ting_rec_attn_apply rec = *(const struct ting_rec_attn_apply *)saved;
    const int width = rec.v.cols / rec.heads_used;
    ting_gradient_touch(ctx, rec.y);
    ting_gradient_touch(ctx, rec.weights);
    ting_gradient_touch(ctx, rec.v);
    ting_attention_run(ctx, &rec.geometry,
                       &(ting_attention_need){.heads = rec.heads_used, .cost = 2 * width, .width = width, .exclusive = true}, apply_item,
                       &rec);
}

/* ---- at once: the gradient of an item's weights in the item's room ---- */

static void attend_item(void *arg, const ting_attention_item *item)
{
    const struct ting_rec_attend *rec = arg;
    const ting_attention_weights rows = ting_item_rows(item, rec->weights), g = {item->room, rec->weights.ld};
    ting_item_apply_backward(item, rec->geometry.heads, rows, rec->v, rec->y, 0, g);
    ting_item_softmax_backward(item, item->keys, rows, g);
    ting_item_scores_backward(item, g, rec->q, rec->k, rec->factor);
    if (rec->pos.rows > 0)
        ting_item_scores_backward(item, g, rec->p, rec->pos, rec->factor);
}

void ting_bwd_attend(ting_ctx *ctx, const void *saved)
{
    struct ting_rec_attend rec = *(const struct ting_rec_attend *)saved;
    const ting_tensor touched[] = {rec.y, rec.q, rec.k, rec.v, rec.p, rec.pos};
    ting_attention_need need = ting_attend_need(&rec);
    for (size_t i = 0; i < sizeof touched / sizeof touched[0]; i++)
        ting_gradient_touch(ctx, touched[i]);
    need.exclusive = true;
    for (int s = 0; s < rec.geometry.count; s++) {
        const size_t room = (size_t)(rec.geometry.spans[s].q1 - rec.geometry.spans[s].q0) * (size_t)rec.weights.ld;
        need.room = room > need.room ? room : need.room;
    }
    ting_attention_run(ctx, &rec.geometry, &need, attend_item, &rec);
}
