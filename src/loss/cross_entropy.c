/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cross_entropy.c - see cross_entropy.h.
 *
 * Forward keeps log sum exp of each row, from which backward computes the probabilities again: for
 * thousands of classes writing and reading them costs more.
 */
#include "loss/cross_entropy.h"

#include "loss/sum.h"
#include "nn/bwd/bwd.h"
#include "nn/gradient.h"
#include "nn/rec.h"
#include "nn/rows.h"
#include "nn/tape.h"

#include <math.h>
#include <string.h>

enum { ROW_COST = 4 }; /* simple operations a class */

struct job {
    const ting_kern *kern;
    struct ting_rec_cross_entropy op;
    ting_real *log_sum, *loss; /* [T] */
    ting_real entropy;         /* of what is wanted, to be taken off */
};

static double times_log(double p)
{
    return p > 0 ? p * log(p) : 0;
}

/* -sum p log p of 1 - eps + eps / V and of the eps / V of V - 1 others. */
static ting_real entropy_of(double smoothing, int classes)
{
    const double other = smoothing / classes;
    return (ting_real)-(times_log(1 - smoothing + other) + (classes - 1) * times_log(other));
}

static void loss_rows(void *arg, ting_row_block block)
{
    const struct job *job = arg;
    const int classes = job->op.logits.cols;
    const ting_real smoothing = job->op.smoothing;
    for (int r = block.first; r < block.first + block.count; r++) {
        job->loss[r] = 0;
        if (job->op.factor[r] == 0)
            continue;
        const ting_real *x = ting_row(job->op.logits, r);
        job->log_sum[r] = job->kern->log_sum_exp(classes, x);
        ting_real mean = smoothing == 0 ? 0 : job->kern->sum(classes, x) / (ting_real)classes;
        job->loss[r] = job->op.factor[r] *
                       (job->log_sum[r] - (1 - smoothing) * x[job->op.targets[r]] - smoothing * mean - job->entropy);
    }
}

/* Checks the targets and turns weights and mean into one factor a row. */
static bool set_factors(ting_ctx *ctx, ting_tensor logits, const int *targets,
                        const ting_cross_entropy_options *options, ting_real *factor)
{
    double total = 0;
    for (int r = 0; r < logits.rows; r++) {
        if (targets[r] >= logits.cols) {
            ting_ctx_fail(ctx, TING_ERR_INTERNAL, "cross_entropy: target %d in row %d, the logits are [%d, %d]",
                          targets[r], r, logits.rows, logits.cols);
            return false;
        }
        factor[r] = targets[r] < 0 ? 0 : options->weight == NULL ? 1 : options->weight[r];
        total += (double)factor[r];
    }
    for (int r = 0; !options->sum && total > 0 && r < logits.rows; r++)
        factor[r] = (ting_real)((double)factor[r] / total);
    return true;
}

ting_tensor ting_cross_entropy(ting_ctx *ctx, ting_tensor logits, const int *targets,
                               const ting_cross_entropy_options *options)
{
    const ting_cross_entropy_options plain = {0};
    if (options == NULL)
        options = &plain;
    ting_tensor loss = ting_ctx_output(ctx, 1, 1);
    ting_real *factor = ting_ctx_reals(ctx, (size_t)logits.rows);
    ting_real *log_sum = ting_ctx_reals(ctx, (size_t)logits.rows);
    int *copy = ting_ctx_ints(ctx, logits.rows);
    if (ctx->err != TING_OK || !set_factors(ctx, logits, targets, options, factor))
        return (ting_tensor){0};
    memcpy(copy, targets, (size_t)logits.rows * sizeof *copy);
    struct job job = {.kern = ctx->kern,
                      .op = {.logits = logits, .loss = loss, .targets = copy, .factor = factor,
                             .log_sum = log_sum, .smoothing = options->smoothing},
                      .log_sum = log_sum,
                      .entropy = options->divergence ? entropy_of((double)options->smoothing, logits.cols) : 0};
    struct ting_rec_cross_entropy *rec = ting_tape_push(ctx, TING_OP_cross_entropy, sizeof *rec);
    if (rec != NULL)
        *rec = job.op;
    ting_arena_mark mark = ting_arena_tell(ctx->arena);
    job.loss = ting_ctx_reals(ctx, (size_t)logits.rows);
    if (job.loss == NULL)
        return (ting_tensor){0};
    ting_rows_run(ctx->pool, logits.rows, ROW_COST * logits.cols, loss_rows, &job);
    loss.data[0] = ting_loss_of_rows(job.loss, logits.rows);
    ting_arena_rewind(ctx->arena, mark);
    return loss;
}

/* gx_c += s (p_c - eps / V - (1 - eps) [c = target]), s = gloss factor. docs/derive/cross_entropy.md */
static void grad_rows(void *arg, ting_row_block block)
{
    const struct job *job = arg;
    const int classes = job->op.logits.cols;
    const ting_real smoothing = job->op.smoothing;
    for (int r = block.first; r < block.first + block.count; r++) {
        const ting_real s = job->op.loss.grad[0] * job->op.factor[r];
        if (s == 0)
            continue;
        ting_real *gx = ting_grad_row(job->op.logits, r);
        job->kern->cross_entropy_grad(classes, ting_row(job->op.logits, r), job->op.log_sum[r], s,
                                      smoothing / (ting_real)classes, gx);
        gx[job->op.targets[r]] -= s * (1 - smoothing);
    }
}

void ting_bwd_cross_entropy(ting_ctx *ctx, const void *saved)
{
    struct job job = {.kern = ctx->kern, .op = *(const struct ting_rec_cross_entropy *)saved};
    ting_gradient_touch(ctx, job.op.loss);
    ting_gradient_touch(ctx, job.op.logits);
    if (job.op.logits.grad != NULL)
        ting_rows_run(ctx->pool, job.op.logits.rows, ROW_COST * job.op.logits.cols, grad_rows, &job);
}
