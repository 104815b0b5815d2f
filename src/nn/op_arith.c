/* SPDX-License-Identifier: Apache-2.0 */
/* op_arith.c - sum, product and multiple, element by element. */
#include "nn/op.h"
#include "nn/rec.h"
#include "nn/rows.h"
#include "nn/tape.h"

struct job {
    const ting_kern *kern;
    ting_tensor a, b, y;
    ting_real factor;
};

static void add_rows(void *arg, ting_row_block block)
{
    const struct job *job = arg;
    for (int r = block.first; r < block.first + block.count; r++)
        job->kern->add(job->y.cols, ting_row(job->a, r), ting_row(job->b, job->b.rows == 1 ? 0 : r),
                       ting_row(job->y, r));
}

ting_tensor ting_add(ting_ctx *ctx, ting_tensor a, ting_tensor b)
{
    if (a.cols != b.cols || (a.rows != b.rows && b.rows != 1)) {
        ting_ctx_fail(ctx, TING_ERR_INTERNAL, "add: a is [%d, %d], b is [%d, %d]", a.rows, a.cols, b.rows,
                      b.cols);
        return (ting_tensor){0};
    }
    ting_tensor y = ting_ctx_output(ctx, a.rows, a.cols);
    if (y.data == NULL)
        return y;
    struct ting_rec_add *rec = ting_tape_push(ctx, TING_OP_add, sizeof *rec);
    if (rec != NULL)
        *rec = (struct ting_rec_add){.a = a, .b = b, .y = y};
    struct job job = {.kern = ctx->kern, .a = a, .b = b, .y = y};
    ting_rows_run(ctx->pool, y.rows, y.cols, add_rows, &job);
    return y;
}

static void mul_rows(void *arg, ting_row_block block)
{
    const struct job *job = arg;
    for (int r = block.first; r < block.first + block.count; r++)
        job->kern->mul(job->y.cols, ting_row(job->a, r), ting_row(job->b, r), ting_row(job->y, r));
}

ting_tensor ting_mul(ting_ctx *ctx, ting_tensor a, ting_tensor b)
{
    if (a.cols != b.cols || a.rows != b.rows) {
        ting_ctx_fail(ctx, TING_ERR_INTERNAL, "mul: a is [%d, %d], b is [%d, %d]", a.rows, a.cols, b.rows,
                      b.cols);
        return (ting_tensor){0};
    }
    ting_tensor y = ting_ctx_output(ctx, a.rows, a.cols);
    if (y.data == NULL)
        return y;
    struct ting_rec_mul *rec = ting_tape_push(ctx, TING_OP_mul, sizeof *rec);
    if (rec != NULL)
        *rec = (struct ting_rec_mul){.a = a, .b = b, .y = y};
    struct job job = {.kern = ctx->kern, .a = a, .b = b, .y = y};
    ting_rows_run(ctx->pool, y.rows, y.cols, mul_rows, &job);
    return y;
}

static void scale_rows(void *arg, ting_row_block block)
{
    const struct job *job = arg;
    for (int r = block.first; r < block.first + block.count; r++)
        job->kern->scale(job->y.cols, job->factor, ting_row(job->a, r), ting_row(job->y, r));
}

ting_tensor ting_scale(ting_ctx *ctx, ting_tensor x, ting_real factor)
{
    ting_tensor y = ting_ctx_output(ctx, x.rows, x.cols);
    if (y.data == NULL)
        return y;
    struct ting_rec_scale *rec = ting_tape_push(ctx, TING_OP_scale, sizeof *rec);
    if (rec != NULL)
        *rec = (struct ting_rec_scale){.x = x, .y = y, .factor = factor};
    struct job job = {.kern = ctx->kern, .a = x, .y = y, .factor = factor};
    ting_rows_run(ctx->pool, y.rows, y.cols, scale_rows, &job);
    return y;
}
