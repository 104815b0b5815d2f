/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bwd_attention.c - backward of the three parts of attention. docs/derive/attention.md
 *
 * Key rows that several spans share (left context) get their sums from one thread a head, span after
 * span; so does the position table.
 */
#include "nn/attention.h"
#include "nn/bwd/bwd.h"
#include "nn/rec.h"

#include <string.h>

/* ---- scores: gq_i += f sum_j g_ij k_j, gk_j += f sum_i g_ij q_i, and the relative term ---- */

struct scores_job {
    const ting_kern *kern;
    const struct ting_rec_attn_scores *rec;
    const ting_real *pos; /* [heads, dp, distances] */
    ting_real *gpos;
};

static void scores_item(void *arg, int span, int head)
{
    const struct scores_job *job = arg;
    const struct ting_rec_attn_scores *rec = job->rec;
    const ting_span *s = &rec->geometry.spans[span];
    const int queries = s->q1 - s->q0, keys = s->k1 - s->k0, dq = rec->q.cols / rec->geometry.heads;
    const ting_real *g = ting_grad_row(rec->y, ting_attention_row(&rec->geometry, span, head, 0));
    const size_t q = (size_t)s->q0 * (size_t)rec->q.ld + (size_t)(head * dq);
    const size_t k = (size_t)s->k0 * (size_t)rec->k.ld + (size_t)(head * dq);
    for (int i = 0; rec->q.grad != NULL && i < queries; i++)
        job->kern->mix(keys, dq, rec->factor, g + (ptrdiff_t)i * rec->y.ld, 1, rec->k.data + k,
                       rec->k.ld, rec->q.grad + q + (ptrdiff_t)i * rec->q.ld);
    for (int j = 0; rec->k.grad != NULL && j < keys; j++)
        job->kern->mix(queries, dq, rec->factor, g + j, rec->y.ld, rec->q.data + q, rec->q.ld,
                       rec->k.grad + k + (ptrdiff_t)j * rec->k.ld);
}

/* gp_i[d] += sum_j g_ij pos[d][shift + j]; gpos[d][shift + j] += p_i[d] g_ij. */
static void relative_head(void *arg, int head)
{
    const struct scores_job *job = arg;
    const struct ting_rec_attn_scores *rec = job->rec;
    const int dp = rec->p.cols / rec->geometry.heads, distances = rec->pos.rows;
    const size_t slice = (size_t)head * (size_t)dp * (size_t)distances;
    for (int span = 0; span < rec->geometry.count; span++) {
        const ting_span *s = &rec->geometry.spans[span];
        const int keys = s->k1 - s->k0;
        for (int i = 0; i < s->q1 - s->q0; i++) {
            const ting_real *g =
                ting_grad_row(rec->y, ting_attention_row(&rec->geometry, span, head, i));
            const size_t at = (size_t)(s->q0 + i) * (size_t)rec->p.ld + (size_t)(head * dp);
            const ptrdiff_t shift = rec->pos_zero - s->first_key - i;
            for (int d = 0; d < dp; d++) {
                const size_t row = slice + (size_t)d * (size_t)distances;
                if (rec->p.grad != NULL)
                    rec->p.grad[at + (size_t)d] += job->kern->dot(keys, g, job->pos + row + shift);
                if (rec->pos.grad != NULL)
                    job->kern->axpy(keys, rec->p.data[at + (size_t)d], g, job->gpos + row + shift);
            }
        }
    }
}

static void backward_relative(ting_ctx *ctx, struct scores_job *job)
{
    const ting_tensor pos = job->rec->pos;
    const size_t count = (size_t)pos.rows * (size_t)pos.cols;
    ting_arena_mark mark = ting_arena_tell(ctx->arena);
    ting_real *transposed = ting_ctx_reals(ctx, count);
    job->gpos = ting_ctx_reals(ctx, count);
    if (ctx->err != TING_OK)
        return;
    job->pos = transposed;
    memset(job->gpos, 0, count * sizeof *job->gpos);
    for (int r = 0; r < pos.rows; r++)
        for (int c = 0; c < pos.cols; c++)
            transposed[(size_t)c * (size_t)pos.rows + (size_t)r] = ting_row(pos, r)[c];
    ting_pool_run(ctx->pool, job->rec->geometry.heads, relative_head, job);
    for (int r = 0; pos.grad != NULL && r < pos.rows; r++)
        for (int c = 0; c < pos.cols; c++)
            ting_grad_row(pos, r)[c] += job->gpos[(size_t)c * (size_t)pos.rows + (size_t)r];
    ting_arena_rewind(ctx->arena, mark);
}

void ting_bwd_attn_scores(ting_ctx *ctx, const void *saved)
{
    const struct ting_rec_attn_scores *rec = saved;
    struct scores_job job = {.kern = ctx->kern, .rec = rec};
    if (rec->q.grad != NULL || rec->k.grad != NULL)
        ting_attention_run(ctx->pool, &rec->geometry, rec->geometry.heads,
                           2 * rec->q.cols / rec->geometry.heads, true, scores_item, &job);
    if (rec->pos.rows > 0 && (rec->p.grad != NULL || rec->pos.grad != NULL))
        backward_relative(ctx, &job);
}

/* ---- softmax: gx += y (gy - sum(y gy)), over the keys that were seen ---- */

struct softmax_job {
    const ting_kern *kern;
    const struct ting_rec_attn_softmax *rec;
};

static void softmax_item(void *arg, int span, int head)
{
    const struct softmax_job *job = arg;
    const ting_attention *geometry = &job->rec->geometry;
    const ting_span *s = &geometry->spans[span];
    for (int i = 0; i < s->q1 - s->q0; i++) {
        int row = ting_attention_row(geometry, span, head, i), first, end;
        ting_attention_visible(geometry, span, i, &first, &end);
        if (end > first)
            job->kern->softmax_grad(end - first, ting_row(job->rec->y, row) + first,
                                    ting_grad_row(job->rec->y, row) + first,
                                    ting_grad_row(job->rec->x, row) + first);
    }
}

void ting_bwd_attn_softmax(ting_ctx *ctx, const void *saved)
{
    const struct ting_rec_attn_softmax *rec = saved;
    struct softmax_job job = {.kern = ctx->kern, .rec = rec};
    if (rec->x.grad != NULL)
        ting_attention_run(ctx->pool, &rec->geometry, rec->geometry.heads, 8, false, softmax_item,
                           &job);
}

/* ---- weighted sum: gw_ij += gy_i . v_j, gv_j += sum_i w_ij gy_i ---- */

struct apply_job {
    const ting_kern *kern;
    const struct ting_rec_attn_apply *rec;
};

/* y[j] += x . b_j */
static void add_dots(const ting_kern *kern, int m, int n, const ting_real *x, const ting_real *b,
                     int ldb, ting_real *y)
{
    enum { PIECE = 256 };
    ting_real piece[PIECE];
    for (int first = 0; first < m; first += PIECE) {
        int count = m - first < PIECE ? m - first : PIECE;
        kern->dots(count, n, 1, x, b + (ptrdiff_t)first * ldb, ldb, piece);
        kern->add(count, y + first, piece, y + first);
    }
}

static void apply_item(void *arg, int span, int head)
{
    const struct apply_job *job = arg;
    const struct ting_rec_attn_apply *rec = job->rec;
    const ting_span *s = &rec->geometry.spans[span];
    const int queries = s->q1 - s->q0, keys = s->k1 - s->k0, dv = rec->v.cols / rec->heads_used;
    const int row = ting_attention_row(&rec->geometry, span, head, 0);
    const ting_real *w = ting_row(rec->weights, row),
                    *gy = ting_grad_row(rec->y, s->q0) + head * dv;
    const size_t v = (size_t)s->k0 * (size_t)rec->v.ld + (size_t)(head * dv);
    for (int i = 0; rec->weights.grad != NULL && i < queries; i++)
        add_dots(job->kern, keys, dv, gy + (ptrdiff_t)i * rec->y.ld, rec->v.data + v, rec->v.ld,
                 ting_grad_row(rec->weights, row + i));
    for (int j = 0; rec->v.grad != NULL && j < keys; j++)
        job->kern->mix(queries, dv, 1, w + j, rec->weights.ld, gy, rec->y.ld,
                       rec->v.grad + v + (ptrdiff_t)j * rec->v.ld);
}

void ting_bwd_attn_apply(ting_ctx *ctx, const void *saved)
{
    const struct ting_rec_attn_apply *rec = saved;
    struct apply_job job = {.kern = ctx->kern, .rec = rec};
    ting_attention_run(ctx->pool, &rec->geometry, rec->heads_used,
                       2 * rec->v.cols / rec->heads_used, true, apply_item, &job);
}
