/* SPDX-License-Identifier: Apache-2.0 */
/* bwd_additive.c - backward of attn_additive; the tangents are computed again. docs/derive/attention.md */
#include "nn/attention.h"
#include "nn/bwd/bwd.h"
#include "nn/gradient.h"
#include "nn/rec.h"

#include <string.h>

struct job {
    const struct ting_rec_attn_additive *rec;
    ting_real *gv; /* [spans, a]: what each adds to v's gradient, or NULL */
};

/* gq += g v (1 - t^2), gk the same, gv += g t, for one pair; any of them may be NULL. */
static void back_pair(int a, ting_real g, const ting_real *t, const ting_real *v, ting_real *gq, ting_real *gk, ting_real *gv)
{
    for (int c = 0; c < a; c++) {
        const ting_real of_sum = g * v[c] * (1 - t[c] * t[c]);
        if (gq != NULL)
            gq[c] += of_sum;
        if (gk != NULL)
            gk[c] += of_sum;
        if (gv != NULL)
            gv[c] += g * t[c];
    }
}

static void back_item(void *arg, const ting_attention_item *item)
{
    const struct job *job = arg;
    const struct ting_rec_attn_additive *rec = job->rec;
    const ting_span *s = &rec->geometry.spans[item->span];
    const int a = rec->q.cols;
    ting_real *gv = job->gv == NULL ? NULL : job->gv + (size_t)item->span * (size_t)a;
    if (gv != NULL)
        memset(gv, 0, (size_t)a * sizeof *gv);
    for (int i = s->q0; i < s->q1; i++)
        for (int j = s->k0; j < s->k1; j++) {
            item->kern->add(a, ting_row(rec->q, i), ting_row(rec->k, j), item->room);
            item->kern->act(TING_ACT_TANH, a, item->room, item->room);
            back_pair(a, ting_grad_row(rec->y, i)[j - s->k0], item->room, rec->v->t.data,
                      rec->q.grad == NULL ? NULL : ting_grad_row(rec->q, i),
                      rec->k.grad == NULL ? NULL : ting_grad_row(rec->k, j), gv);
        }
}

void ting_bwd_attn_additive(ting_ctx *ctx, const void *saved)
{
    enum { COST = 20 };
    const struct ting_rec_attn_additive *rec = saved;
    const int a = rec->q.cols, spans = rec->geometry.count;
    ting_arena_mark mark = ting_arena_tell(ctx->arena);
    struct job job = {.rec = rec};
    if (rec->v->t.grad != NULL)
        job.gv = ting_ctx_reals(ctx, (size_t)spans * (size_t)a);
    if (ctx->err != TING_OK)
        return;
    ting_gradient_touch(ctx, rec->y);
    ting_gradient_touch(ctx, rec->q);
    ting_gradient_touch(ctx, rec->k);
    const ting_attention_need need = {.heads = 1, .cost = COST * a, .room = (size_t)a, .exclusive = true};
    ting_attention_run(ctx, &rec->geometry, &need, back_item, &job);
    if (job.gv != NULL && ctx->err == TING_OK)
        ting_sum_rows(ctx, spans, a, job.gv, a, rec->v->t.grad);
    ting_arena_rewind(ctx->arena, mark);
}
