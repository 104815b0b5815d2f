/* SPDX-License-Identifier: Apache-2.0 */
/*
 * op_additive.c - the scores of additive attention, v . tanh(q_i + k_j) (Bahdanau, Cho and Bengio 2015). Softmax and weighted
 * sum are those of op_attention.c with one head.
 */
#include "nn/attention.h"
#include "nn/rec.h"
#include "nn/tape.h"

#include <string.h>

static void score_item(void *arg, const ting_attention_item *item)
{
    const struct ting_rec_attn_additive *op = arg;
    const ting_span *s = &op->geometry.spans[item->span];
    const int a = op->q.cols;
    for (int i = 0; i < item->queries; i++) {
        ting_real *y = ting_row(op->y, s->q0 + i);
        for (int j = 0; j < item->keys; j++) {
            item->kern->add(a, ting_row(op->q, s->q0 + i), ting_row(op->k, s->k0 + j), item->room);
            item->kern->act(TING_ACT_TANH, a, item->room, item->room);
            y[j] = item->kern->dot(a, item->room, op->v->t.data);
        }
        memset(y + item->keys, 0, (size_t)(op->y.cols - item->keys) * sizeof *y);
    }
}

ting_tensor ting_attn_additive(ting_ctx *ctx, const ting_attention *geometry, ting_tensor q, ting_tensor k, const ting_param *v)
{
    enum { COST = 12 }; /* of a column: the hyperbolic tangent */
    if (geometry->heads != 1 || k.cols != q.cols || ting_param_row(v).cols != q.cols) {
        ting_ctx_fail(ctx, TING_ERR_INTERNAL, "attn_additive: q [%d, %d], k [%d, %d], %s has %d elements, for %d heads", q.rows,
                      q.cols, k.rows, k.cols, v->name, ting_param_row(v).cols, geometry->heads);
        return (ting_tensor){0};
    }
    if (!ting_attention_check(ctx, geometry, q.rows, k.rows, "attn_additive"))
        return (ting_tensor){0};
    struct ting_rec_attn_additive op = {.geometry = *geometry, .q = q, .k = k, .v = v,
                                        .y = ting_ctx_output(ctx, q.rows, ting_attention_longest(geometry))};
    struct ting_rec_attn_additive *rec = ting_tape_push(ctx, TING_OP_attn_additive, sizeof *rec);
    if (ctx->err != TING_OK)
        return (ting_tensor){0};
    if (rec != NULL)
        *rec = op;
    const ting_attention_need need = {.heads = 1, .cost = COST * q.cols, .room = (size_t)q.cols};
    ting_attention_run(ctx, geometry, &need, score_item, &op);
    return op.y;
}
