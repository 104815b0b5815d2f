/* SPDX-License-Identifier: Apache-2.0 */
/*
 * op_segment.c - what is done to whole utterances of a batch: factors of their columns (dropout whose mask is the same in every
 * row, columns left out), and parts of a network that are skipped: the choice between two versions of their rows, or a sum.
 */
#include "nn/rec.h"
#include "nn/rows.h"
#include "nn/segment.h"
#include "nn/tape.h"

#include <string.h>

struct mul_job {
    const ting_kern *kern;
    struct ting_rec_segment_mul op;
};

static void mul_rows(void *arg, ting_row_block block)
{
    const struct mul_job *job = arg;
    const ting_tensor x = job->op.x, y = job->op.y;
    int s = ting_segment_of(job->op.segments, block.first);
    for (int r = block.first; r < block.first + block.count; r++) {
        s = ting_segment_next(job->op.segments, s, r);
        job->kern->mul(x.cols, ting_row(x, r), job->op.factor + (size_t)s * (size_t)x.cols, ting_row(y, r));
    }
}

ting_tensor ting_segment_mul(ting_ctx *ctx, ting_tensor x, ting_segments segments, const ting_real *factor)
{
    if (ctx->err != TING_OK)
        return (ting_tensor){0};
    if (segments.start[segments.count] != x.rows) {
        ting_ctx_fail(ctx, TING_ERR_INTERNAL, "segment_mul: segments of %d rows, input has %d", segments.start[segments.count],
                      x.rows);
        return (ting_tensor){0};
    }
    ting_tensor y = ting_ctx_output(ctx, x.rows, x.cols);
    if (ctx->err != TING_OK)
        return y;
    struct mul_job job = {.kern = ctx->kern, .op = {x, y, segments, factor}};
    ting_rows_run(ctx->pool, x.rows, x.cols, mul_rows, &job);
    struct ting_rec_segment_mul *rec = ting_tape_push(ctx, TING_OP_segment_mul, sizeof *rec);
    if (rec != NULL)
        *rec = job.op;
    return y;
}

static void pick_rows(void *arg, ting_row_block block)
{
    const struct ting_rec_segment_pick *op = arg;
    int s = ting_segment_of(op->segments, block.first);
    for (int r = block.first; r < block.first + block.count; r++) {
        s = ting_segment_next(op->segments, s, r);
        memcpy(ting_row(op->y, r), ting_row(op->second[s] ? op->b : op->a, r), (size_t)op->y.cols * sizeof *op->y.data);
    }
}

ting_tensor ting_segment_pick(ting_ctx *ctx, ting_tensor a, ting_tensor b, ting_segments segments, const bool *second)
{
    if (ctx->err != TING_OK)
        return (ting_tensor){0};
    if (a.rows != b.rows || a.cols != b.cols || segments.start[segments.count] != a.rows) {
        ting_ctx_fail(ctx, TING_ERR_INTERNAL, "segment_pick: [%d, %d] or [%d, %d] for segments of %d rows", a.rows, a.cols,
                      b.rows, b.cols, segments.start[segments.count]);
        return (ting_tensor){0};
    }
    ting_tensor y = ting_ctx_output(ctx, a.rows, a.cols);
    if (ctx->err != TING_OK)
        return y;
    struct ting_rec_segment_pick op = {a, b, y, segments, second};
    ting_rows_run(ctx->pool, y.rows, y.cols, pick_rows, &op);
    struct ting_rec_segment_pick *rec = ting_tape_push(ctx, TING_OP_segment_pick, sizeof *rec);
    if (rec != NULL)
        *rec = op;
    return y;
}

struct add_job {
    const ting_kern *kern;
    struct ting_rec_segment_add op;
    ting_tensor part;
};

static void add_rows(void *arg, ting_row_block block)
{
    const struct add_job *job = arg;
    const struct ting_rec_segment_add *op = &job->op;
    int s = op->kept == NULL ? 0 : ting_segment_of(op->segments, block.first);
    for (int r = block.first; r < block.first + block.count; r++) {
        s = op->kept == NULL ? 0 : ting_segment_next(op->segments, s, r);
        if (op->kept == NULL || op->kept[s])
            job->kern->add(op->y.cols, ting_row(op->x, r), ting_row(job->part, r), ting_row(op->y, r));
        else
            memcpy(ting_row(op->y, r), ting_row(op->x, r), (size_t)op->y.cols * sizeof *op->y.data);
    }
}

ting_tensor ting_segment_add(ting_ctx *ctx, ting_tensor x, ting_tensor part, ting_segments segments, const bool *kept)
{
    if (ctx->err != TING_OK)
        return (ting_tensor){0};
    if (x.rows != part.rows || x.cols != part.cols || part.ld != part.cols ||
        (kept != NULL && segments.start[segments.count] != x.rows)) {
        ting_ctx_fail(ctx, TING_ERR_INTERNAL, "segment_add: [%d, %d] and [%d, %d], in rows of %d, for segments of %d rows", x.rows,
                      x.cols, part.rows, part.cols, part.ld, kept == NULL ? x.rows : segments.start[segments.count]);
        return (ting_tensor){0};
    }
    struct add_job job = {.kern = ctx->kern, .op = {x, part, segments, kept}, .part = part};
    if (ctx->tape != NULL) { /* what the part was may be wanted in backward */
        job.op.y = ting_ctx_constant(ctx, x.rows, x.cols);
        job.op.y.grad = part.grad;
    }
    struct ting_rec_segment_add *rec = ting_tape_push(ctx, TING_OP_segment_add, sizeof *rec);
    if (ctx->err != TING_OK)
        return (ting_tensor){0};
    if (rec != NULL)
        *rec = job.op;
    ting_rows_run(ctx->pool, x.rows, x.cols, add_rows, &job);
    return job.op.y;
}
