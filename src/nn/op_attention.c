/* SPDX-License-Identifier: Apache-2.0 */
/*
 * op_attention.c - attention in three parts, scores, softmax, weighted sum, or all at once; shapes in op.h.
 *
 * The relative term p_i . pos[pos_zero + j - first_key - i] runs over contiguous distances when a head's
 * slice of pos is transposed to [dp, distances]: row i of the scores gets dp multiples of shifted rows. Sums of larger
 * spans are products.
 */
#include "nn/attention_item.h"
#include "nn/op.h"
#include "nn/rec.h"
#include "nn/tape.h"

#include <string.h>

static void show_weights(const ting_ctx *ctx, const ting_attention *geometry, ting_tensor weights)
{
    if (ctx->tap != NULL && ctx->tap->attend != NULL && ctx->err == TING_OK)
        ctx->tap->attend(ctx->tap->self, geometry, weights);
}

/* ---- scores ---- */

static ting_tensor score_rows(ting_ctx *ctx, int rows, int cols)
{
    ting_tensor y = ting_ctx_constant(ctx, rows, ting_attention_ld(cols));
    y.cols = y.data == NULL ? 0 : cols;
    return y;
}

struct scores_job {
    struct ting_rec_attn_scores op;
    const ting_real *pos; /* [heads, dp, distances], transposed; NULL without relative positions */
};

/* The relative term of one head's rows. */
static void add_relative(const struct scores_job *job, const ting_attention_item *item, ting_attention_weights rows)
{
    const struct ting_rec_attn_scores *op = &job->op;
    const ting_span *s = &op->geometry.spans[item->span];
    const int dp = op->p.cols / op->geometry.heads, distances = op->pos.rows;
    const ting_real *pos = job->pos + (size_t)item->head * (size_t)dp * (size_t)distances + (op->pos_zero - s->first_key);
    for (int i = 0; i < item->queries; i++)
        item->kern->mix(dp, item->keys, 1, ting_row(op->p, s->q0 + i) + item->head * dp, 1, pos - i, distances,
                        rows.rows + (ptrdiff_t)i * rows.ld);
}

static void scores_item(void *arg, const ting_attention_item *item)
{
    const struct scores_job *job = arg;
    const struct ting_rec_attn_scores *op = &job->op;
    const ting_attention_weights rows = ting_item_rows(item, op->y);
    ting_item_scores(item, op->q, op->k, op->factor, 0, rows);
    if (op->pos_zero == TING_POSITIONS_OF_KEYS && op->pos.rows > 0)
        ting_item_scores(item, op->p, op->pos, op->factor, 1, rows);
    if (job->pos != NULL)
        add_relative(job, item, rows);
    for (int i = 0; i < item->queries; i++)
        memset(rows.rows + (ptrdiff_t)i * rows.ld + item->keys, 0, (size_t)(op->y.cols - item->keys) * sizeof *rows.rows);
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
    ting_tensor y = ting_ctx_alias(ctx, score_rows(ctx, geometry->heads * q.rows, ting_attention_longest(geometry)));
    struct scores_job job = {.op = {.geometry = *geometry,
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
    const ting_attention_need need = {.heads = geometry->heads, .cost = (q.cols + p.cols) / geometry->heads,
                                      .width = (q.cols > p.cols ? q.cols : p.cols) / geometry->heads};
    ting_attention_run(ctx, geometry, &need, scores_item, &job);
    ting_arena_rewind(ctx->arena, mark);
    return y;
}

/* ---- softmax ---- */

enum { SOFTMAX_COST = 16 }; /* of a pair: an exponential and four passes */

static void softmax_item(void *arg, const ting_attention_item *item)
{
    const struct ting_rec_attn_softmax *op = arg;
    ting_item_softmax(item, op->y.cols, ting_item_rows(item, op->x), ting_item_rows(item, op->y));
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
    struct ting_rec_attn_softmax op = {.geometry = *geometry, .x = scores, .y = y};
    struct ting_rec_attn_softmax *rec = ting_tape_push(ctx, TING_OP_attn_softmax, sizeof *rec);
    if (ctx->err != TING_OK)
        return (ting_tensor){0};
    if (rec != NULL)
        *rec = op;
    ting_attention_run(ctx, geometry, &(ting_attention_need){.heads = geometry->heads, .cost = SOFTMAX_COST}, softmax_item, &op);
    show_weights(ctx, geometry, y);
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

static void apply_item(void *arg, const ting_attention_item *item)
{
    const struct ting_rec_attn_apply *op = arg;
    ting_item_apply(item, op->heads_used, ting_item_rows(item, op->weights), op->v, op->y);
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
    struct ting_rec_attn_apply op = {.geometry = *geometry, .weights = weights, .v = v, .y = y, .heads_used = heads_used};
    struct ting_rec_attn_apply *rec = ting_tape_push(ctx, TING_OP_attn_apply, sizeof *rec);
    if (rec != NULL)
        *rec = op;
    const int width = v.cols / heads_used;
    ting_attention_run(ctx, geometry, &(ting_attention_need){.heads = heads_used, .cost = width, .width = width}, apply_item, &op);
    return y;
}

/* ---- all at once ---- */

static void attend_item(void *arg, const ting_attention_item *item)
{
    const struct ting_rec_attend *op = arg;
    const ting_attention_weights rows = ting_item_rows(item, op->weights);
    ting_item_scores(item, op->q, op->k, op->factor, 0, rows);
    if (op->pos.rows > 0)
        ting_item_scores(item, op->p, op->pos, op->factor, 1, rows);
    ting_item_softmax(item, op->weights.cols, rows, rows);
    ting_item_apply(item, op->geometry.heads, rows, op->v, op->y);
}

ting_tensor ting_attend(ting_ctx *ctx, const ting_attention *geometry, ting_tensor q, ting_tensor k, ting_tensor v, ting_tensor p,
                        ting_tensor pos, ting_real factor)
{
    if (pos.rows == 0)
        p = pos = (ting_tensor){0};
    if (!check_scores(ctx, geometry, q, k, p, pos, TING_POSITIONS_OF_KEYS))
        return (ting_tensor){0};
    if (v.cols % geometry->heads != 0 || v.rows != k.rows) {
        ting_ctx_fail(ctx, TING_ERR_INTERNAL, "attend: v is [%d, %d], k has %d rows, for %d heads", v.rows, v.cols, k.rows,
                      geometry->heads);
        return (ting_tensor){0};
    }
    struct ting_rec_attend op = {.geometry = *geometry, .q = q, .k = k, .v = v, .p = p, .pos = pos, .factor = factor};
    op.weights = score_rows(ctx, geometry->heads * q.rows, ting_attention_longest(geometry));
    op.y = ting_ctx_output(ctx, q.rows, v.cols);
    struct ting_rec_attend *rec = ting_tape_push(ctx, TING_OP_attend, sizeof *rec);
    if (ctx->err != TING_OK)
        return (ting_tensor){0};
    if (rec != NULL)
        *rec = op;
    const ting_attention_need need = ting_attend_need(&op);
    ting_attention_run(ctx, geometry, &need, attend_item, &op);
    show_weights(ctx, geometry, op.weights);
    return op.y;
}
