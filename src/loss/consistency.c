/* SPDX-License-Identifier: Apache-2.0 */
/*
 * consistency.c - see consistency.h and docs/derive/consistency.md. The log sums of the two softmaxes cancel in the sum
 * of both divergences, which is (p_a - p_b) . (a - b).
 */
#include "loss/consistency.h"

#include "loss/softmax_row.h"
#include "loss/sum.h"
#include "nn/bwd/bwd.h"
#include "nn/gradient.h"
#include "nn/rec.h"
#include "nn/rows.h"
#include "nn/tape.h"

enum { ROW_COST = 16 }; /* simple operations a class */

struct job {
    const ting_kern *kern;
    struct ting_rec_consistency op;
    ting_real *log_a, *log_b, *loss; /* [T] */
    ting_real *scratch;              /* [blocks, 3, V] */
};

static void loss_rows(void *arg, ting_row_block block)
{
    const struct job *job = arg;
    const ting_kern *kern = job->kern;
    const int classes = job->op.a.cols;
    ting_real *pa = job->scratch + (size_t)block.index * 3 * (size_t)classes, *pb = pa + classes, *z = pb + classes;
    for (int r = block.first; r < block.first + block.count; r++) {
        const ting_real *a = ting_row(job->op.a, r), *b = ting_row(job->op.b, r);
        job->log_a[r] = ting_softmax_row(kern, classes, a, pa);
        job->log_b[r] = ting_softmax_row(kern, classes, b, pb);
        kern->axpy(classes, -1, pb, pa);
        kern->scale(classes, -1, b, z);
        kern->add(classes, a, z, z);
        job->loss[r] = kern->dot(classes, pa, z);
    }
}

ting_tensor ting_consistency_loss(ting_ctx *ctx, ting_tensor a, ting_tensor b)
{
    if (ctx->err == TING_OK && (a.rows != b.rows || a.cols != b.cols))
        ting_ctx_fail(ctx, TING_ERR_INTERNAL, "consistency: views [%d, %d] and [%d, %d]", a.rows, a.cols, b.rows,
                      b.cols);
    ting_tensor loss = ting_ctx_output(ctx, 1, 1);
    struct job job = {.kern = ctx->kern, .op = {.a = a, .b = b, .loss = loss}};
    job.op.log_a = job.log_a = ting_ctx_reals(ctx, (size_t)a.rows + 1);
    job.op.log_b = job.log_b = ting_ctx_reals(ctx, (size_t)a.rows + 1);
    struct ting_rec_consistency *rec = ting_tape_push(ctx, TING_OP_consistency, sizeof *rec);
    if (rec != NULL)
        *rec = job.op;
    ting_arena_mark mark = ting_arena_tell(ctx->arena);
    job.loss = ting_ctx_reals(ctx, (size_t)a.rows + 1);
    job.scratch = ting_ctx_reals(ctx, 3 * (size_t)a.cols * (size_t)ting_row_blocks(a.rows, ROW_COST * a.cols) + 1);
    if (ctx->err != TING_OK)
        return (ting_tensor){0};
    ting_rows_run(ctx->pool, a.rows, ROW_COST * a.cols, loss_rows, &job);
    loss.data[0] = ting_loss_of_rows(job.loss, a.rows);
    ting_arena_rewind(ctx->arena, mark);
    return loss;
}

/* ga += g (p_a - p_b), gb += g (p_b - p_a) */
static void grad_rows(void *arg, ting_row_block block)
{
    const struct job *job = arg;
    const struct ting_rec_consistency *op = &job->op;
    const int classes = op->a.cols;
    const ting_real g = op->loss.grad[0];
    for (int r = block.first; r < block.first + block.count; r++) {
        const ting_real *a = ting_row(op->a, r), *b = ting_row(op->b, r);
        if (op->a.grad != NULL) {
            job->kern->cross_entropy_grad(classes, a, op->log_a[r], g, 0, ting_grad_row(op->a, r));
            job->kern->cross_entropy_grad(classes, b, op->log_b[r], -g, 0, ting_grad_row(op->a, r));
        }
        if (op->b.grad != NULL) {
            job->kern->cross_entropy_grad(classes, b, op->log_b[r], g, 0, ting_grad_row(op->b, r));
            job->kern->cross_entropy_grad(classes, a, op->log_a[r], -g, 0, ting_grad_row(op->b, r));
        }
    }
}

void ting_bwd_consistency(ting_ctx *ctx, const void *saved)
{
    struct job job = {.kern = ctx->kern, .op = *(const struct ting_rec_consistency *)saved};
    ting_gradient_touch(ctx, job.op.loss);
    ting_gradient_touch(ctx, job.op.a);
    ting_gradient_touch(ctx, job.op.b);
    ting_rows_run(ctx->pool, job.op.a.rows, ROW_COST * job.op.a.cols, grad_rows, &job);
}
