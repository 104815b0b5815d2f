/* SPDX-License-Identifier: Apache-2.0 */
/* op_act.c - activations, and a product with an activation (gates). */
#include "nn/op.h"
#include "nn/rec.h"
#include "nn/rows.h"
#include "nn/tape.h"

struct job {
    const ting_kern *kern;
    ting_tensor a, b, y;
    ting_act kind;
};

enum { ACT_COST = 4 }; /* an exponential costs about four simple operations */

static void act_rows(void *arg, ting_row_block block)
{
    const struct job *job = arg;
    for (int r = block.first; r < block.first + block.count; r++)
        job->kern->act(job->kind, job->y.cols, ting_row(job->a, r), ting_row(job->y, r));
}

ting_tensor ting_activate(ting_ctx *ctx, ting_act kind, ting_tensor x)
{
    if (ctx->err != TING_OK)
        return (ting_tensor){0};
    if (x.ld != x.cols) {
        ting_ctx_fail(ctx, TING_ERR_INTERNAL, "activate: rows of %d columns in rows of %d", x.cols, x.ld);
        return (ting_tensor){0};
    }
    struct job job = {.kern = ctx->kern, .a = x, .y = x, .kind = kind};
    if (ctx->tape != NULL) {
        job.y = ting_ctx_constant(ctx, x.rows, x.cols);
        job.y.grad = x.grad;
    }
    struct ting_rec_act *rec = ting_tape_push(ctx, TING_OP_act, sizeof *rec);
    if (ctx->err != TING_OK)
        return (ting_tensor){0};
    if (rec != NULL)
        *rec = (struct ting_rec_act){.x = x, .y = job.y, .kind = kind};
    ting_rows_run(ctx->pool, x.rows, ACT_COST * x.cols, act_rows, &job);
    return job.y;
}

static void mul_act_rows(void *arg, ting_row_block block)
{
    const struct job *job = arg;
    for (int r = block.first; r < block.first + block.count; r++)
        job->kern->mul_act(job->kind, job->y.cols, ting_row(job->a, r), ting_row(job->b, r),
                           ting_row(job->y, r));
}

ting_tensor ting_mul_act(ting_ctx *ctx, ting_act kind, ting_tensor a, ting_tensor b)
{
    if (a.rows != b.rows || a.cols != b.cols) {
        ting_ctx_fail(ctx, TING_ERR_INTERNAL, "mul_act: a is [%d, %d], b is [%d, %d]", a.rows, a.cols,
                      b.rows, b.cols);
        return (ting_tensor){0};
    }
    ting_tensor y = ting_ctx_output(ctx, a.rows, a.cols);
    if (y.data == NULL)
        return y;
    struct ting_rec_mul_act *rec = ting_tape_push(ctx, TING_OP_mul_act, sizeof *rec);
    if (rec != NULL)
        *rec = (struct ting_rec_mul_act){.a = a, .b = b, .y = y, .kind = kind};
    struct job job = {.kern = ctx->kern, .a = a, .b = b, .y = y, .kind = kind};
    ting_rows_run(ctx->pool, y.rows, ACT_COST * y.cols, mul_act_rows, &job);
    return y;
}
