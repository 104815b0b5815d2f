/* SPDX-License-Identifier: Apache-2.0 */
/* bwd_act.c - backward of act and mul_act. docs/derive/elementwise.md */
#include "nn/bwd/bwd.h"
#include "nn/gradient.h"
#include "nn/rec.h"
#include "nn/rows.h"

struct job {
    const ting_kern *kern;
    ting_tensor a, b, y;
    ting_act kind;
};

enum { ACT_COST = 8, PIECE = 512 };

/* The gradient after the activation becomes the one before it. */
static void act_rows(void *arg, ting_row_block block)
{
    const struct job *job = arg;
    for (int r = block.first; r < block.first + block.count; r++)
        job->kern->act_chain(job->kind, job->y.cols, ting_row(job->a, r), ting_grad_row(job->y, r), ting_grad_row(job->a, r));
}

void ting_bwd_act(ting_ctx *ctx, const void *saved)
{
    const struct ting_rec_act *rec = saved;
    struct job job = {.kern = ctx->kern, .a = rec->x, .y = rec->y, .kind = rec->kind};
    ting_gradient_touch(ctx, rec->x);
    if (rec->x.grad != NULL)
        ting_rows_run(ctx->pool, job.y.rows, ACT_COST * job.y.cols, act_rows, &job);
}

/* ga += gy f(b); gb += gy a f'(b): columns first .. first + count - 1 of row r. */
static void mul_act_piece(const struct job *job, int r, int first, int count)
{
    ting_real value[PIECE];
    const ting_real *gy = ting_grad_row(job->y, r) + first;
    const ting_real *b = ting_row(job->b, r) + first;
    if (job->a.grad != NULL) {
        job->kern->act(job->kind, count, b, value);
        job->kern->muladd(count, gy, value, ting_grad_row(job->a, r) + first);
    }
    if (job->b.grad != NULL) {
        job->kern->mul(count, gy, ting_row(job->a, r) + first, value);
        job->kern->act_grad(job->kind, count, b, value, ting_grad_row(job->b, r) + first);
    }
}

static void mul_act_rows(void *arg, ting_row_block block)
{
    const struct job *job = arg;
    for (int r = block.first; r < block.first + block.count; r++)
        for (int first = 0; first < job->y.cols; first += PIECE)
            mul_act_piece(job, r, first, job->y.cols - first < PIECE ? job->y.cols - first : PIECE);
}

void ting_bwd_mul_act(ting_ctx *ctx, const void *saved)
{
    const struct ting_rec_mul_act *rec = saved;
    struct job job = {.kern = ctx->kern, .a = rec->a, .b = rec->b, .y = rec->y, .kind = rec->kind};
    ting_gradient_touch(ctx, rec->y);
    ting_gradient_touch(ctx, rec->a);
    ting_gradient_touch(ctx, rec->b);
    ting_rows_run(ctx->pool, job.y.rows, ACT_COST * job.y.cols, mul_act_rows, &job);
}
