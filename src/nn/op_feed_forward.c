/* SPDX-License-Identifier: Apache-2.0 */
/*
 * op_feed_forward.c - dropout(act(x W1^T + b1)) W2^T + b2, a block of rows at a time on each thread.
 *
 *     x [block, d] -> before [block, piece] -> inside [block, piece] -> y [block, d], piece after piece of n
 *
 * The inside is several times as wide as both ends. As ops of their own its parts would fill most of a step's memory with
 * tensors that pass through it only once; here a piece of a strip goes from one product through activation and dropout into
 * the other's operand within the first-level cache, and what backward needs of it is `before`. That is kept in f32; in bf16
 * its product takes less time than writing and reading it. The weights are packed once.
 */
#include "nn/feed_forward.h"
#include "nn/steer.h"
#include "nn/tape.h"

#include <string.h>

struct job {
    const ting_kern *kern;
    const struct ting_rec_feed_forward *op;
    const ting_packed *first, *second;
    ting_row_strips cut;
    size_t x_bytes, inside_bytes; /* of a strip */
    int d, n, m;
};

/* One piece of a strip: rows from `row` on, columns n0 .. of the inside, packed into `inside`. */
static void make_inside(const struct job *job, int row, int rows, const unsigned char *x, const ting_gemm_part *part,
                        ting_real *room, unsigned char *inside)
{
    const struct ting_rec_feed_forward *op = job->op;
    ting_real mask[TING_GEMM_PIECE];
    int mask_row = -1; /* what mask holds */
    ting_gemm_strip(job->first, part, rows, x, op->b1->t.data + part->n0, 0, room, TING_FEED_FORWARD_LD);
    for (int r = 0; r < rows; r++) {
        ting_real *values = room + r * TING_FEED_FORWARD_LD;
        if (op->before.data != NULL)
            memcpy(ting_row(op->before, row + r) + part->n0, values, (size_t)part->n * sizeof *values);
        job->kern->act(op->act, part->n, values, values);
        if (op->mask.threshold == 0)
            continue;
        if (ting_feed_forward_mask_row(op, row + r) != mask_row) {
            mask_row = ting_feed_forward_mask_row(op, row + r);
            ting_mask_row(job->kern, &op->mask, mask_row, part->n0, part->n, mask);
        }
        job->kern->mul(part->n, mask, values, values);
    }
    ting_gemm_strip_pack(job->second, rows, part->n, room, TING_FEED_FORWARD_LD, inside);
}

static size_t room_bytes(const struct job *job)
{
    const size_t strips = (size_t)(job->cut.block_rows / job->cut.strip_rows);
    return strips * (job->x_bytes + job->inside_bytes) + (size_t)job->cut.strip_rows * TING_FEED_FORWARD_LD * sizeof(ting_real);
}

static void run_block(void *arg, unsigned char *room, int index)
{
    const struct job *job = arg;
    const ting_tensor x = job->op->x, y = job->op->y;
    const ting_row_strips *cut = &job->cut;
    const int begin = index * cut->block_rows, end = begin + cut->block_rows < x.rows ? begin + cut->block_rows : x.rows;
    const int strips = cut->block_rows / cut->strip_rows;
    unsigned char *xs = room, *insides = xs + (size_t)strips * job->x_bytes;
    ting_real *values = (ting_real *)(void *)(insides + (size_t)strips * job->inside_bytes);
    ting_gemm_begin(job->first);
    for (int r = begin, s = 0; r < end; r += cut->strip_rows, s++)
        ting_gemm_strip_pack(job->first, ting_strip_count(cut, r, end), job->d, ting_row(x, r), x.ld, xs + (size_t)s * job->x_bytes);
    for (int n0 = 0; n0 < job->n; n0 += TING_GEMM_PIECE) {
        const int n = job->n - n0 < TING_GEMM_PIECE ? job->n - n0 : TING_GEMM_PIECE;
        for (int r = begin, s = 0; r < end; r += cut->strip_rows, s++)
            make_inside(job, r, ting_strip_count(cut, r, end), xs + (size_t)s * job->x_bytes,
                        &(ting_gemm_part){.k = job->d, .n0 = n0, .n = n}, values, insides + (size_t)s * job->inside_bytes);
        for (int r = begin, s = 0; r < end; r += cut->strip_rows, s++)
            ting_gemm_strip(job->second, &(ting_gemm_part){.k0 = n0, .k = n, .n = job->m}, ting_strip_count(cut, r, end),
                            insides + (size_t)s * job->inside_bytes, n0 == 0 ? job->op->b2->t.data : NULL, n0 > 0,
                            ting_row(y, r), y.ld);
    }
    ting_gemm_end(job->first);
}

static void run_blocks(ting_ctx *ctx, const struct ting_rec_feed_forward *op)
{
    const ting_tensor w1 = op->w1->t, w2 = op->w2->t;
    const ting_gemm_run run = ting_ctx_gemm(ctx);
    ting_arena_mark mark = ting_arena_tell(ctx->arena);
    struct job job = {.kern = ctx->kern, .op = op, .d = w1.cols, .n = w1.rows, .m = w2.rows};
    job.first = ting_gemm_pack(&run, ctx->multiply, w1.rows, w1.cols, (ting_strided){w1.data, 1, w1.ld});
    job.second = ting_gemm_pack(&run, ctx->multiply, w2.rows, w2.cols, (ting_strided){w2.data, 1, w2.ld});
    ting_ctx_check(ctx);
    if (ctx->err == TING_OK) {
        job.cut = ting_strips_of(job.first, op->x.rows);
        job.x_bytes = ting_gemm_strip_bytes(job.first, job.d);
        job.inside_bytes = ting_gemm_strip_bytes(job.first, TING_GEMM_PIECE);
        ting_gemm_tasks(&run, room_bytes(&job), job.cut.blocks, run_block, &job);
    }
    ting_ctx_check(ctx);
    ting_arena_rewind(ctx->arena, mark);
}

/* By blocks; op holds the weights, the activation and the segments. */
static ting_tensor feed_forward(ting_ctx *ctx, ting_tensor x, struct ting_rec_feed_forward op, ting_real dropout)
{
    const ting_param *w1 = op.w1, *b1 = op.b1, *w2 = op.w2, *b2 = op.b2;
    const int n = w1->t.rows;
    if (x.cols != w1->t.cols || w2->t.cols != n || w1->t.data == NULL || w2->t.data == NULL ||
        b1->t.rows * b1->t.cols != n || b2->t.rows * b2->t.cols != w2->t.rows) {
        ting_ctx_fail(ctx, TING_ERR_INTERNAL, "feed_forward: x is [%d, %d], %s [%d, %d], %s [%d, %d], or not in values", x.rows,
                      x.cols, w1->name, n, w1->t.cols, w2->name, w2->t.rows, w2->t.cols);
        return (ting_tensor){0};
    }
    op.x = x;
    op.mask = ting_mask_draw(ctx, dropout, op.segments.count > 0 ? op.segments.count : x.rows, n);
    op.y = ting_ctx_output(ctx, x.rows, w2->t.rows);
    struct ting_rec_feed_forward *rec = ting_tape_push(ctx, TING_OP_feed_forward, sizeof *rec);
    if (rec != NULL && ctx->multiply == TING_PRECISION_F32)
        op.before = ting_ctx_constant(ctx, x.rows, n);
    if (ctx->err != TING_OK)
        return (ting_tensor){0};
    if (rec != NULL)
        *rec = op;
    run_blocks(ctx, &op);
    return ctx->err == TING_OK ? op.y : (ting_tensor){0};
}

ting_tensor ting_feed_forward(ting_ctx *ctx, ting_tensor x, const ting_param *w1, const ting_param *b1, ting_act act,
                              ting_real dropout, const ting_param *w2, const ting_param *b2)
{
    if (ctx->tape != NULL || w1->packed == NULL)
        return feed_forward(ctx, x, (struct ting_rec_feed_forward){.w1 = w1, .b1 = b1, .w2 = w2, .b2 = b2, .act = act}, dropout);
    x = ting_dropout_in_place(ctx, ting_linear(ctx, x, w1, b1, act), dropout);
    return ting_linear(ctx, x, w2, b2, TING_ACT_NONE);
}

ting_tensor ting_feed_forward_shared(ting_ctx *ctx, ting_tensor x, ting_segments segments, const ting_param *w1,
                                     const ting_param *b1, ting_act act, double dropout, const ting_param *w2,
                                     const ting_param *b2)
{
    const struct ting_rec_feed_forward op = {.w1 = w1, .b1 = b1, .w2 = w2, .b2 = b2, .act = act, .segments = segments};
    if (ctx->tape != NULL || w1->packed == NULL)
        return feed_forward(ctx, x, op, (ting_real)dropout);
    x = ting_dropout_shared(ctx, ting_linear(ctx, x, w1, b1, act), segments, dropout);
    return ting_linear(ctx, x, w2, b2, TING_ACT_NONE);
}
