/* SPDX-License-Identifier: Apache-2.0 */
/*
 * soft_entropy.c - see soft_entropy.h and docs/derive/soft_entropy.md. Like cross_entropy.c it keeps log sum exp of
 * each row, and the mass of its targets.
 */
#include "loss/soft_entropy.h"

#include "loss/sum.h"
#include "nn/bwd/bwd.h"
#include "nn/gradient.h"
#include "nn/rec.h"
#include "nn/rows.h"
#include "nn/tape.h"

#include <math.h>

enum { ROW_COST = 8 }; /* simple operations a class */

struct job {
    const ting_kern *kern;
    struct ting_rec_soft_entropy op;
    ting_real *loss; /* [T] */
    bool divergence;
};

static ting_real weight_of(const struct ting_rec_soft_entropy *op, int r)
{
    return op->weight != NULL ? op->weight[r] : 1;
}

static const ting_real *targets_of(const struct ting_rec_soft_entropy *op, int r)
{
    return op->targets + (size_t)r * (size_t)op->logits.cols;
}

static double row_loss(const struct job *job, int r)
{
    const struct ting_rec_soft_entropy *op = &job->op;
    const int classes = op->logits.cols;
    const ting_real *q = targets_of(op, r), *x = ting_row(op->logits, r);
    op->log_sum[r] = job->kern->log_sum_exp(classes, x);
    op->mass[r] = job->kern->sum(classes, q);
    double sum = (double)op->mass[r] * (double)op->log_sum[r] - (double)job->kern->dot(classes, q, x);
    for (int v = 0; job->divergence && v < classes; v++)
        sum += q[v] > 0 ? (double)q[v] * log((double)q[v]) : 0;
    return sum;
}

static void loss_rows(void *arg, ting_row_block block)
{
    const struct job *job = arg;
    for (int r = block.first; r < block.first + block.count; r++) {
        const double weight = (double)weight_of(&job->op, r);
        job->loss[r] = weight == 0 ? 0 : (ting_real)(weight * row_loss(job, r));
    }
}

ting_tensor ting_soft_entropy(ting_ctx *ctx, ting_tensor logits, const ting_real *targets,
                              const ting_soft_entropy_options *options)
{
    const ting_soft_entropy_options plain = {0};
    if (options == NULL)
        options = &plain;
    ting_tensor loss = ting_ctx_output(ctx, 1, 1);
    struct job job = {.kern = ctx->kern,
                      .divergence = options->divergence,
                      .op = {.logits = logits, .loss = loss, .targets = targets, .weight = options->weight}};
    job.op.log_sum = ting_ctx_reals(ctx, 2 * (size_t)logits.rows + 1);
    if (ctx->err != TING_OK)
        return (ting_tensor){0};
    job.op.mass = job.op.log_sum + logits.rows;
    struct ting_rec_soft_entropy *rec = ting_tape_push(ctx, TING_OP_soft_entropy, sizeof *rec);
    if (rec != NULL)
        *rec = job.op;
    ting_arena_mark mark = ting_arena_tell(ctx->arena);
    job.loss = ting_ctx_reals(ctx, (size_t)logits.rows + 1);
    if (ctx->err != TING_OK)
        return (ting_tensor){0};
    ting_rows_run(ctx->pool, logits.rows, ROW_COST * logits.cols, loss_rows, &job);
    loss.data[0] = ting_loss_of_rows(job.loss, logits.rows);
    ting_arena_rewind(ctx->arena, mark);
    return loss;
}

/* gx += s (mass p - q), s = g weight */
static void grad_rows(void *arg, ting_row_block block)
{
    const struct job *job = arg;
    const struct ting_rec_soft_entropy *op = &job->op;
    for (int r = block.first; r < block.first + block.count; r++) {
        const ting_real s = op->loss.grad[0] * weight_of(op, r);
        if (s == 0)
            continue;
        ting_real *gx = ting_grad_row(op->logits, r);
        job->kern->cross_entropy_grad(op->logits.cols, ting_row(op->logits, r), op->log_sum[r], s * op->mass[r], 0, gx);
        job->kern->axpy(op->logits.cols, -s, targets_of(op, r), gx);
    }
}

void ting_bwd_soft_entropy(ting_ctx *ctx, const void *saved)
{
    struct job job = {.kern = ctx->kern, .op = *(const struct ting_rec_soft_entropy *)saved};
    ting_gradient_touch(ctx, job.op.loss);
    ting_gradient_touch(ctx, job.op.logits);
    if (job.op.logits.grad != NULL)
        ting_rows_run(ctx->pool, job.op.logits.rows, ROW_COST * job.op.logits.cols, grad_rows, &job);
}
