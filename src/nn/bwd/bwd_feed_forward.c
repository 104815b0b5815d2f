/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bwd_feed_forward.c - block by block: the inside again from what stands before the activation, then
 *     gW2 += gy^T inside,  g = f'(before) mask (gy W2),  gW1 += g^T x,  gb1 += sum of the rows of g,  gx += g W1
 * docs/derive/feed_forward.md
 */
#include "nn/bwd/bwd.h"
#include "nn/feed_forward.h"

struct work {
    const struct ting_rec_feed_forward *rec;
    const ting_packed *first, *second; /* W1 and W2 as the right operand of a gradient's rows */
    ting_tensor inside, g;             /* room for a block, [rows, n] */
};

static void add_product(ting_ctx *ctx, ting_tensor gy, int first, int rows, ting_tensor x, ting_tensor w)
{
    const ting_gemm_run run = ting_ctx_gemm(ctx);
    if (w.grad != NULL)
        ting_gemm(&run, ctx->multiply, w.rows, w.cols, rows, 1, (ting_strided){ting_grad_row(gy, first), 1, gy.ld},
                  (ting_strided){ting_row(x, first), x.ld, 1}, 1, w.grad, w.ld);
}

static void one_block(ting_ctx *ctx, const struct work *work, int first, int rows)
{
    const struct ting_rec_feed_forward *rec = work->rec;
    const ting_gemm_run run = ting_ctx_gemm(ctx);
    const ting_tensor y = rec->y, x = ting_rows(rec->x, first, rows);
    ting_tensor inside = ting_rows(work->inside, 0, rows), g = ting_rows(work->g, 0, rows);
    const ting_rng rng = ctx->rng;
    if (rec->w2->t.grad != NULL) {
        ting_feed_forward_inside(ctx, ting_rows(rec->before, first, rows), rec->act, rec->dropout, inside);
        add_product(ctx, ting_rows(y, first, rows), 0, rows, inside, rec->w2->t);
    }
    ting_gemm_packed(&run, rows, ting_grad_row(y, first), y.ld, work->second, NULL, TING_ACT_NONE, 0, g.data, g.ld);
    ctx->rng = rng; /* the same mask */
    ting_dropout_in_place(ctx, g, rec->dropout);
    g.grad = g.data;
    struct ting_rec_act act = {.x = ting_rows(rec->before, first, rows), .y = g, .kind = rec->act};
    act.x.grad = g.grad;
    ting_bwd_act(ctx, &act);
    add_product(ctx, g, 0, rows, x, rec->w1->t);
    if (rec->b1->t.grad != NULL)
        ting_sum_rows(ctx, rows, g.cols, g.grad, g.ld, rec->b1->t.grad);
    if (x.grad != NULL)
        ting_gemm_packed(&run, rows, g.data, g.ld, work->first, NULL, TING_ACT_NONE, 1, x.grad, x.ld);
    ting_ctx_check(ctx);
}

void ting_bwd_feed_forward(ting_ctx *ctx, const void *saved)
{
    const struct ting_rec_feed_forward *rec = saved;
    const ting_gemm_run run = ting_ctx_gemm(ctx);
    const ting_tensor x = rec->x, y = rec->y, w1 = rec->w1->t, w2 = rec->w2->t;
    const ting_ctx outside = *ctx;
    ting_arena_mark mark = ting_arena_tell(ctx->arena);
    ctx->tape = NULL; /* nothing here is recorded; the random numbers are those of forward */
    ctx->rng = rec->rng;
    ctx->training = rec->training;
    const int most = x.rows < TING_FEED_FORWARD_ROWS ? x.rows : TING_FEED_FORWARD_ROWS;
    struct work work = {.rec = rec, .inside = ting_ctx_constant(ctx, most, w1.rows), .g = ting_ctx_constant(ctx, most, w1.rows)};
    work.first = ting_gemm_pack(&run, ctx->multiply, w1.cols, w1.rows, (ting_strided){w1.data, w1.ld, 1});
    work.second = ting_gemm_pack(&run, ctx->multiply, w2.cols, w2.rows, (ting_strided){w2.data, w2.ld, 1});
    ting_ctx_check(ctx);
    for (int r = 0; r < x.rows && ctx->err == TING_OK; r += most)
        one_block(ctx, &work, r, x.rows - r < most ? x.rows - r : most);
    if (ctx->err == TING_OK && rec->b2->t.grad != NULL)
        ting_sum_rows(ctx, y.rows, y.cols, y.grad, y.ld, rec->b2->t.grad);
    const ting_err err = ctx->err;
    *ctx = outside;
    ctx->err = err;
    ting_arena_rewind(ctx->arena, mark);
}
