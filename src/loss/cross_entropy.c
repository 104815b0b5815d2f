/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cross_entropy.c - see cross_entropy.h.
 *
 * Neither pass keeps the probabilities: for thousands of classes writing and reading them costs more than
 * computing them twice. Each block of rows has one row of scratch, which stays in the cache.
 */
#include "loss/cross_entropy.h"

#include "nn/bwd/bwd.h"
#include "nn/rec.h"
#include "nn/rows.h"
#include "nn/tape.h"

#include <string.h>

enum { ROW_COST = 4 }; /* simple operations a class */

struct job {
    const ting_kern *kern;
    struct ting_rec_cross_entropy op;
    ting_real *scratch; /* [blocks, V] */
    ting_real *even;    /* [V], each the same: the smoothed part of the gradient */
    ting_real *loss;    /* [T] */
};

static void loss_rows(void *arg, ting_row_block block)
{
    const struct job *job = arg;
    const int classes = job->op.logits.cols;
    ting_real *log_p = job->scratch + (size_t)block.index * (size_t)classes;
    for (int r = block.first; r < block.first + block.count; r++) {
        job->loss[r] = 0;
        if (job->op.factor[r] == 0)
            continue;
        job->kern->log_softmax(classes, ting_row(job->op.logits, r), log_p);
        ting_real loss = -(1 - job->op.smoothing) * log_p[job->op.targets[r]];
        if (job->op.smoothing != 0)
            loss -= job->op.smoothing / (ting_real)classes * job->kern->sum(classes, log_p);
        job->loss[r] = job->op.factor[r] * loss;
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
    int *copy = ting_ctx_ints(ctx, logits.rows);
    if (ctx->err != TING_OK || !set_factors(ctx, logits, targets, options, factor))
        return (ting_tensor){0};
    memcpy(copy, targets, (size_t)logits.rows * sizeof *copy);
    struct job job = {.kern = ctx->kern,
                      .op = {.logits = logits, .loss = loss, .targets = copy, .factor = factor,
                             .smoothing = options->smoothing}};
    struct ting_rec_cross_entropy *rec = ting_tape_push(ctx, TING_OP_cross_entropy, sizeof *rec);
    if (rec != NULL)
        *rec = job.op;
    ting_arena_mark mark = ting_arena_tell(ctx->arena);
    const int cost = ROW_COST * logits.cols;
    job.loss = ting_ctx_reals(ctx, (size_t)logits.rows);
    job.scratch = ting_ctx_reals(ctx, (size_t)ting_row_blocks(logits.rows, cost) * (size_t)logits.cols);
    if (ctx->err != TING_OK)
        return (ting_tensor){0};
    ting_rows_run(ctx->pool, logits.rows, cost, loss_rows, &job);
    double sum = 0;
    for (int r = 0; r < logits.rows; r++)
        sum += (double)job.loss[r];
    loss.data[0] = (ting_real)sum;
    ting_arena_rewind(ctx->arena, mark);
    return loss;
}

/* gx_c += s (p_c - eps / V - (1 - eps) [c = target]), s = gloss factor. docs/derive/cross_entropy.md */
static void grad_rows(void *arg, ting_row_block block)
{
    const struct job *job = arg;
    const int classes = job->op.logits.cols;
    ting_real *p = job->scratch + (size_t)block.index * (size_t)classes;
    for (int r = block.first; r < block.first + block.count; r++) {
        const ting_real s = job->op.loss.grad[0] * job->op.factor[r];
        if (s == 0)
            continue;
        ting_real *gx = ting_grad_row(job->op.logits, r);
        job->kern->softmax(classes, ting_row(job->op.logits, r), p);
        p[job->op.targets[r]] -= 1 - job->op.smoothing;
        if (job->even != NULL)
            job->kern->add(classes, p, job->even, p);
        job->kern->axpy(classes, s, p, gx);
    }
}

void ting_bwd_cross_entropy(ting_ctx *ctx, const void *saved)
{
    struct job job = {.kern = ctx->kern, .op = *(const struct ting_rec_cross_entropy *)saved};
    const int classes = job.op.logits.cols, cost = 2 * ROW_COST * classes;
    if (job.op.logits.grad == NULL)
        return;
    ting_arena_mark mark = ting_arena_tell(ctx->arena);
    job.scratch = ting_ctx_reals(ctx, (size_t)ting_row_blocks(job.op.logits.rows, cost) * (size_t)classes);
    if (job.op.smoothing != 0)
        job.even = ting_ctx_reals(ctx, (size_t)classes);
    if (ctx->err != TING_OK)
        return;
    for (int c = 0; job.even != NULL && c < classes; c++)
        job.even[c] = -job.op.smoothing / (ting_real)classes;
    ting_rows_run(ctx->pool, job.op.logits.rows, cost, grad_rows, &job);
    ting_arena_rewind(ctx->arena, mark);
}
