/* SPDX-License-Identifier: Apache-2.0 */
/*
 * op_feed_forward.c - dropout(act(x W1^T + b1)) W2^T + b2, a block of rows at a time.
 *
 *     x [block, d] -> before [block, n] -> inside [block, n] -> y [block, d]
 *
 * The inside is several times as wide as both ends. As ops of their own its parts would fill most of a step's memory with
 * tensors that pass through it only once; here a block's inside stays in the second-level cache, and what backward needs
 * of it is `before`. The weights are packed once for all blocks.
 */
#include "nn/feed_forward.h"
#include "nn/rows.h"
#include "nn/tape.h"

struct job {
    const ting_kern *kern;
    ting_tensor from, to;
    ting_act act;
};

static void activate_rows(void *arg, ting_row_block block)
{
    const struct job *job = arg;
    for (int r = block.first; r < block.first + block.count; r++)
        job->kern->act(job->act, job->to.cols, ting_row(job->from, r), ting_row(job->to, r));
}

void ting_feed_forward_inside(ting_ctx *ctx, ting_tensor before, ting_act act, ting_real dropout, ting_tensor inside)
{
    struct job job = {.kern = ctx->kern, .from = before, .to = inside, .act = act};
    ting_rows_run(ctx->pool, before.rows, 4 * before.cols, activate_rows, &job);
    ting_dropout_in_place(ctx, inside, dropout);
}

static void run_blocks(ting_ctx *ctx, const struct ting_rec_feed_forward *op)
{
    const ting_tensor x = op->x, y = op->y, w1 = op->w1->t, w2 = op->w2->t;
    const ting_gemm_run run = ting_ctx_gemm(ctx);
    ting_arena_mark mark = ting_arena_tell(ctx->arena);
    const int most = x.rows < TING_FEED_FORWARD_ROWS ? x.rows : TING_FEED_FORWARD_ROWS;
    const ting_tensor room = ting_ctx_constant(ctx, most, w1.rows);
    const ting_tensor before = op->before.data != NULL ? op->before : ting_ctx_constant(ctx, most, w1.rows);
    const ting_packed *first = ting_gemm_pack(&run, ctx->multiply, w1.rows, w1.cols, (ting_strided){w1.data, 1, w1.ld});
    const ting_packed *second = ting_gemm_pack(&run, ctx->multiply, w2.rows, w2.cols, (ting_strided){w2.data, 1, w2.ld});
    ting_ctx_check(ctx);
    for (int r = 0; r < x.rows && ctx->err == TING_OK; r += most) {
        const int rows = x.rows - r < most ? x.rows - r : most;
        const ting_tensor in = ting_rows(before, op->before.data != NULL ? r : 0, rows), inside = ting_rows(room, 0, rows);
        ting_gemm_packed(&run, rows, ting_row(x, r), x.ld, first, op->b1->t.data, TING_ACT_NONE, 0, in.data, in.ld);
        ting_feed_forward_inside(ctx, in, op->act, op->dropout, inside);
        ting_gemm_packed(&run, rows, inside.data, inside.ld, second, op->b2->t.data, TING_ACT_NONE, 0, ting_row(y, r), y.ld);
        ting_ctx_check(ctx);
    }
    ting_arena_rewind(ctx->arena, mark);
}

ting_tensor ting_feed_forward(ting_ctx *ctx, ting_tensor x, const ting_param *w1, const ting_param *b1, ting_act act,
                              ting_real dropout, const ting_param *w2, const ting_param *b2)
{
    struct ting_tape *tape = ctx->tape;
    if (tape == NULL && w1->packed != NULL) {
        x = ting_dropout_in_place(ctx, ting_linear(ctx, x, w1, b1, act), dropout);
        return ting_linear(ctx, x, w2, b2, TING_ACT_NONE);
    }
    const int n = w1->t.rows;
    if (x.cols != w1->t.cols || w2->t.cols != n || w1->t.data == NULL || w2->t.data == NULL ||
        b1->t.rows * b1->t.cols != n || b2->t.rows * b2->t.cols != w2->t.rows) {
        ting_ctx_fail(ctx, TING_ERR_INTERNAL, "feed_forward: x is [%d, %d], %s [%d, %d], %s [%d, %d], or not in values", x.rows,
                      x.cols, w1->name, n, w1->t.cols, w2->name, w2->t.rows, w2->t.cols);
        return (ting_tensor){0};
    }
    struct ting_rec_feed_forward op = {.x = x, .w1 = w1, .b1 = b1, .w2 = w2, .b2 = b2, .act = act, .dropout = dropout,
                                       .rng = ctx->rng, .training = ctx->training};
    op.y = ting_ctx_output(ctx, x.rows, w2->t.rows);
    struct ting_rec_feed_forward *rec = ting_tape_push(ctx, TING_OP_feed_forward, sizeof *rec);
    if (rec != NULL)
        op.before = ting_ctx_constant(ctx, x.rows, n);
    if (ctx->err != TING_OK)
        return (ting_tensor){0};
    if (rec != NULL)
        *rec = op;
    ctx->tape = NULL; /* the parts record nothing */
    run_blocks(ctx, &op);
    ctx->tape = tape;
    return ctx->err == TING_OK ? op.y : (ting_tensor){0};
}
