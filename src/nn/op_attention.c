/* SPDX-License-Identifier: Apache-2.0 */
/*
 * op_attention.c - attention in three parts: scores, softmax, weighted sum; shapes in op.h.
 *
 * The relative term p_i . pos[pos_zero + j - first_key - i] runs over contiguous distances when a head's
 * slice of pos is transposed to [dp, distances]: row i of the scores gets dp multiples of shifted rows. Sums of larger
 * spans are products.
 */
#include "nn/attention.h"
#include "nn/op.h"
#include "nn/rec.h"
#include "nn/rows.h"
#include "nn/tape.h"

#include <string.h>

static void zero_tail(ting_tensor t, int row, int first)
{
    memset(ting_row(t, row) + first, 0, (size_t)(t.cols - first) * sizeof *t.data);
}

/* ---- scores ---- */

/* Room for scores whose rows begin at whole lines of the cache, an odd number of them apart, so that the rows of a product's tile
 * don't fight for sets of the cache. */
static ting_tensor score_rows(ting_ctx *ctx, int rows, int cols)
{
    enum { LINE = 16 };
    ting_tensor y = ting_ctx_output(ctx, rows, ((cols + LINE - 1) / LINE | 1) * LINE);
    y.cols = y.data == NULL ? 0 : cols;
    return y;
}

struct scores_job {
    const ting_kern *kern;
    struct ting_rec_attn_scores op;
    const ting_real *pos; /* [heads, dp, distances], transposed; NULL without relative positions */
};

static ting_attention_rows head_rows(ting_tensor t, int first, int end, int column)
{
    return (ting_attention_rows){end - first, ting_row(t, first) + column, t.ld, 1};
}

static void scores_item(void *arg, const ting_gemm_desk *desk, int span, int head)
{
    const struct scores_job *job = arg;
    const struct ting_rec_attn_scores *op = &job->op;
    const ting_span *s = &op->geometry.spans[span];
    const int heads = op->geometry.heads, queries = s->q1 - s->q0, keys = s->k1 - s->k0;
    const int dq = op->q.cols / heads, dp = op->p.cols / heads, distances = op->pos.rows;
    const int first = ting_attention_row(&op->geometry, span, head, 0);
    if (queries == 0)
        return;
    ting_attention_dots(desk, job->kern, dq, op->factor, head_rows(op->q, s->q0, s->q1, head * dq),
                        head_rows(op->k, s->k0, s->k1, head * dq), 0, ting_row(op->y, first), op->y.ld);
    if (op->pos_zero == TING_POSITIONS_OF_KEYS && distances > 0)
        ting_attention_dots(desk, job->kern, dp, op->factor, head_rows(op->p, s->q0, s->q1, head * dp),
                            head_rows(op->pos, s->k0, s->k1, head * dp), 1, ting_row(op->y, first), op->y.ld);
    for (int i = 0; i < queries; i++) {
        if (job->pos != NULL) {
            const ting_real *pos = job->pos + (size_t)head * (size_t)dp * (size_t)distances +
                                   (op->pos_zero - s->first_key - i);
            job->kern->mix(dp, keys, 1, ting_row(op->p, s->q0 + i) + head * dp, 1, pos, distances,
                           ting_row(op->y, first + i));
        }
        zero_tail(op->y, first + i, keys);
    }
}

/* [distances, heads dp] -> [heads dp, distances] */
static ting_real *transpose(ting_ctx *ctx, ting_tensor pos)
{
    ting_real *out = ting_ctx_reals(ctx, (size_t)pos.rows * (size_t)pos.cols);
    if (out == NULL)
        return NULL;
    for (int r = 0; r < pos.rows; r++) {
        const ting_real *row = ting_row(pos, r);
        for (int c = 0; c < pos.cols; c++)
            out[(size_t)c * (size_t)pos.rows + (size_t)r] = row[c];
    }
    return out;
}

static bool check_scores(ting_ctx *ctx, const ting_attention *geometry, ting_tensor q,
                         ting_tensor k, ting_tensor p, ting_tensor pos, int pos_zero)
{
    const int heads = geometry->heads;
    if (heads < 1 || q.cols % heads != 0 || q.cols != k.cols || p.cols != pos.cols ||
        p.cols % heads != 0) {
        ting_ctx_fail(ctx, TING_ERR_INTERNAL,
                      "attn_scores: q [%d, %d], k [%d, %d], p [%d, %d], pos [%d, %d] for %d heads",
                      q.rows, q.cols, k.rows, k.cols, p.rows, p.cols, pos.rows, pos.cols, heads);
        return false;
    }
    if (!ting_attention_check(ctx, geometry, q.rows, k.rows, "attn_scores"))
        return false;
    if (pos_zero == TING_POSITIONS_OF_KEYS && pos.rows > 0 && (p.rows != q.rows || pos.rows != k.rows)) {
        ting_ctx_fail(ctx, TING_ERR_INTERNAL, "attn_scores: positions of keys: p has %d rows, q %d, pos %d, k %d", p.rows,
                      q.rows, pos.rows, k.rows);
        return false;
    }
    for (int s = 0; pos.rows > 0 && pos_zero != TING_POSITIONS_OF_KEYS && s < geometry->count; s++) {
        const ting_span *span = &geometry->spans[s];
        int queries = span->q1 - span->q0, keys = span->k1 - span->k0;
        if (queries > 0 && keys > 0 &&
            (p.rows != q.rows || pos_zero - span->first_key - (queries - 1) < 0 ||
             pos_zero - span->first_key + keys > pos.rows)) {
            ting_ctx_fail(ctx, TING_ERR_INTERNAL,
                          "attn_scores: %d queries and %d keys reach beyond the %d relative "
                          "positions around row %d",
                          queries, keys, pos.rows, pos_zero);
            return false;
        }
    }
    return ctx->err == TING_OK;
}

ting_tensor ting_attn_scores(ting_ctx *ctx, const ting_attention *geometry, ting_tensor q,
                             ting_tensor k, ting_tensor p, ting_tensor pos, int pos_zero,
                             ting_real factor)
{
    if (pos.rows == 0)
        p = pos = (ting_tensor){0};
    if (!check_scores(ctx, geometry, q, k, p, pos, pos_zero))
        return (ting_tensor){0};
    ting_tensor y = score_rows(ctx, geometry->heads * q.rows, ting_attention_longest(geometry));
    struct scores_job job = {.kern = ctx->kern,
                             .op = {.geometry = *geometry,
                                    .q = q,
                                    .k = k,
                                    .p = p,
                                    .pos = pos,
                                    .y = y,
                                    .pos_zero = pos_zero,
                                    .factor = factor}};
    struct ting_rec_attn_scores *rec = ting_tape_push(ctx, TING_OP_attn_scores, sizeof *rec);
    if (rec != NULL)
        *rec = job.op;
    ting_arena_mark mark = ting_arena_tell(ctx->arena);
    if (pos.rows > 0 && pos_zero != TING_POSITIONS_OF_KEYS)
        job.pos = transpose(ctx, pos);
    if (ctx->err != TING_OK)
        return (ting_tensor){0};
    const int width = (q.cols > p.cols ? q.cols : p.cols) / geometry->heads;
    ting_attention_run(ctx, geometry, geometry->heads, (q.cols + p.cols) / geometry->heads, width, false, scores_item, &job);
    ting_arena_rewind(ctx->arena, mark);
    return y;
}

/* ---- softmax ---- */

enum { SOFTMAX_COST = 16 }; /* of a pair: an exponential and four passes */

struct softmax_job {
    const ting_kern *kern;
    struct ting_rec_attn_softmax op;
};

static void softmax_item(void *arg, const ting_gemm_desk *desk, int span, int head)
{
    (void)desk;
    const struct softmax_job *job = arg;
    const ting_attention *geometry = &job->op.geometry;
    const ting_span *s = &geometry->spans[span];
    for (int i = 0; i < s->q1 - s->q0; i++) {
        int row = ting_attention_row(geometry, span, head, i), first, end;
        ting_attention_visible(geometry, span, i, &first, &end);
        if (end < first)
            end = first;
        ting_real *y = ting_row(job->op.y, row);
        memset(y, 0, (size_t)first * sizeof *y);
        job->kern->softmax(end - first, ting_row(job->op.x, row) + first, y + first);
        zero_tail(job->op.y, row, end);
    }
}

static bool check_softmax(ting_ctx *ctx, const ting_attention *geometry, ting_tensor scores)
{
    const int queries = geometry->count == 0 ? 0 : geometry->spans[geometry->count - 1].q1;
    if (scores.rows != geometry->heads * queries || scores.cols < ting_attention_longest(geometry))
        ting_ctx_fail(ctx, TING_ERR_INTERNAL, "attn_softmax: scores are [%d, %d], expected [%d, %d]", scores.rows, scores.cols,
                      geometry->heads * queries, ting_attention_longest(geometry));
    return ctx->err == TING_OK;
}

static ting_tensor softmax_to(ting_ctx *ctx, const ting_attention *geometry, ting_tensor scores, ting_tensor y)
{
    struct softmax_job job = {.kern = ctx->kern, .op = {.geometry = *geometry, .x = scores, .y = y}};
    struct ting_rec_attn_softmax *rec = ting_tape_push(ctx, TING_OP_attn_softmax, sizeof *rec);
    if (ctx->err != TING_OK)
        return (ting_tensor){0};
    if (rec != NULL)
        *rec = job.op;
    ting_attention_run(ctx, geometry, geometry->heads, SOFTMAX_COST, 0, false, softmax_item, &job);
    return y;
}

ting_tensor ting_attn_softmax(ting_ctx *ctx, const ting_attention *geometry, ting_tensor scores)
{
    if (!check_softmax(ctx, geometry, scores))
        return (ting_tensor){0};
    return softmax_to(ctx, geometry, scores, ting_ctx_output(ctx, scores.rows, scores.cols));
}

ting_tensor ting_attn_softmax_in_place(ting_ctx *ctx, const ting_attention *geometry, ting_tensor scores)
{
    if (!check_softmax(ctx, geometry, scores))
        return (ting_tensor){0};
    return softmax_to(ctx, geometry, scores, scores);
}

/* ---- weighted sum ---- */

struct apply_job {
    const ting_kern *kern;
    struct ting_rec_attn_apply op;
};

static void apply_item(void *arg, const ting_gemm_desk *desk, int span, int head)
{
    const struct apply_job *job = arg;
    const struct ting_rec_attn_apply *op = &job->op;
    const ting_span *s = &op->geometry.spans[span];
    const int dv = op->v.cols / op->heads_used, first = ting_attention_row(&op->geometry, span, head, 0);
    if (s->q1 > s->q0)
        ting_attention_mix(desk, job->kern, dv, 1, head_rows(op->weights, first, first + s->q1 - s->q0, 0),
                           head_rows(op->v, s->k0, s->k1, head * dv), 0, ting_row(op->y, s->q0) + head * dv, op->y.ld);
}

ting_tensor ting_attn_apply(ting_ctx *ctx, const ting_attention *geometry, ting_tensor weights,
                            ting_tensor v, int heads_used)
{
    int queries = geometry->count == 0 ? 0 : geometry->spans[geometry->count - 1].q1;
    if (heads_used < 1 || (heads_used != 1 && heads_used != geometry->heads) ||
        v.cols % heads_used != 0 || weights.rows != geometry->heads * queries ||
        weights.cols < ting_attention_longest(geometry)) {
        ting_ctx_fail(ctx, TING_ERR_INTERNAL,
                      "attn_apply: weights [%d, %d], v [%d, %d] for %d queries and %d of %d heads",
                      weights.rows, weights.cols, v.rows, v.cols, queries, heads_used,
                      geometry->heads);
        return (ting_tensor){0};
    }
    if (!ting_attention_check(ctx, geometry, queries, v.rows, "attn_apply"))
        return (ting_tensor){0};
    ting_tensor y = ting_ctx_output(ctx, queries, v.cols);
    if (y.data == NULL)
        return y;
    struct apply_job job = {
        .kern = ctx->kern,
        .op = {
            .geometry = *geometry, .weights = weights, .v = v, .y = y, .heads_used = heads_used}};
    struct ting_rec_attn_apply *rec = ting_tape_push(ctx, TING_OP_attn_apply, sizeof *rec);
    if (rec != NULL)
        *rec = job.op;
    ting_attention_run(ctx, geometry, heads_used, v.cols / heads_used, v.cols / heads_used, false, apply_item, &job);
    return y;
}
