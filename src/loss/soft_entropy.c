/* SPDX-License-Identifier: Apache-2.0 */
/*
 * soft_entropy.c - see soft_entropy.h and docs/derive/soft_entropy.md. Like cross_entropy.c it keeps log sum exp of
 * each row, and of the targets their mass and what is left to each class beside the list.
 */
#include "loss/soft_entropy.h"

#include "nn/bwd/bwd.h"
#include "nn/rec.h"
#include "nn/rows.h"
#include "nn/tape.h"

#include <math.h>

enum { ROW_COST = 8 }; /* simple operations a class */

struct job {
    const ting_kern *kern;
    struct ting_rec_soft_entropy op;
    ting_real *scratch; /* [blocks, V]: a row over the temperature; NULL: it is 1 */
    ting_real *loss;    /* [T] */
    bool divergence;
};

static ting_real weight_of(const struct ting_rec_soft_entropy *op, int r)
{
    return op->weight != NULL ? op->weight[r] : 1;
}

/* The row over the temperature. */
static const ting_real *scaled(const struct job *job, int block, int r)
{
    const int classes = job->op.logits.cols;
    const ting_real *x = ting_row(job->op.logits, r);
    if (job->scratch == NULL)
        return x;
    ting_real *z = job->scratch + (size_t)block * (size_t)classes;
    job->kern->scale(classes, job->op.inverse, x, z);
    return z;
}

/* q log q of `count` classes */
static double entropy(double q, double count)
{
    return q > 0 ? count * q * log(q) : 0;
}

static double dense_row(const struct job *job, const ting_real *z, int r)
{
    const struct ting_rec_soft_entropy *op = &job->op;
    const int classes = op->logits.cols;
    const ting_real *q = op->dense + (size_t)r * (size_t)classes;
    op->mass[r] = job->kern->sum(classes, q);
    op->rest[r] = 0;
    double sum = (double)op->mass[r] * (double)op->log_sum[r] - (double)job->kern->dot(classes, q, z);
    for (int v = 0; job->divergence && v < classes; v++)
        sum += entropy((double)q[v], 1);
    return sum;
}

static double list_row(const struct job *job, const ting_real *z, int r)
{
    const struct ting_rec_soft_entropy *op = &job->op;
    const int classes = op->logits.cols, first = op->start[r], end = op->start[r + 1], others = classes - (end - first);
    double named = 0;
    for (int i = first; i < end; i++)
        named += (double)op->probabilities[i];
    const double rest = named < 1 && others > 0 ? (1 - named) / others : 0, mass = named + rest * others;
    double sum = mass * (double)op->log_sum[r];
    if (rest > 0)
        sum -= rest * (double)job->kern->sum(classes, z);
    for (int i = first; i < end; i++)
        sum -= ((double)op->probabilities[i] - rest) * (double)z[op->classes[i]];
    for (int i = first; job->divergence && i < end; i++)
        sum += entropy((double)op->probabilities[i], 1);
    op->mass[r] = (ting_real)mass;
    op->rest[r] = (ting_real)rest;
    return job->divergence ? sum + entropy(rest, others) : sum;
}

static void loss_rows(void *arg, ting_row_block block)
{
    const struct job *job = arg;
    for (int r = block.first; r < block.first + block.count; r++) {
        job->loss[r] = 0;
        if (weight_of(&job->op, r) == 0)
            continue;
        const ting_real *z = scaled(job, block.index, r);
        job->op.log_sum[r] = job->kern->log_sum_exp(job->op.logits.cols, z);
        const double loss = job->op.dense != NULL ? dense_row(job, z, r) : list_row(job, z, r);
        job->loss[r] = (ting_real)((double)weight_of(&job->op, r) * loss);
    }
}

static bool check(ting_ctx *ctx, ting_tensor logits, const ting_soft_targets *targets, ting_real temperature)
{
    if (ctx->err != TING_OK)
        return false;
    if (!(temperature >= 0 && isfinite((double)temperature))) {
        ting_ctx_fail(ctx, TING_ERR_ARGUMENT, "soft entropy: temperature %g, expected a number above 0",
                      (double)temperature);
        return false;
    }
    for (int i = 0; targets->dense == NULL && i < targets->start[logits.rows]; i++)
        if (targets->classes[i] < 0 || targets->classes[i] >= logits.cols || !(targets->probabilities[i] >= 0)) {
            ting_ctx_fail(ctx, TING_ERR_ARGUMENT,
                          "soft entropy: class %d with probability %g, expected 0 to %d and at least 0",
                          targets->classes[i], (double)targets->probabilities[i], logits.cols - 1);
            return false;
        }
    return true;
}

/* Scratch for a row in each block, if there is a temperature. */
static ting_real *take_scratch(ting_ctx *ctx, const struct ting_rec_soft_entropy *op)
{
    const int cols = op->logits.cols;
    return op->inverse == 1
               ? NULL
               : ting_ctx_reals(ctx, (size_t)ting_row_blocks(op->logits.rows, ROW_COST * cols) * (size_t)cols + 1);
}

ting_tensor ting_soft_entropy(ting_ctx *ctx, ting_tensor logits, const ting_soft_targets *targets,
                              const ting_soft_entropy_options *options)
{
    const ting_soft_entropy_options plain = {0};
    if (options == NULL)
        options = &plain;
    if (!check(ctx, logits, targets, options->temperature))
        return (ting_tensor){0};
    ting_tensor loss = ting_ctx_output(ctx, 1, 1);
    struct job job = {.kern = ctx->kern,
                      .divergence = options->divergence,
                      .op = {.logits = logits,
                             .loss = loss,
                             .dense = targets->dense,
                             .start = targets->start,
                             .classes = targets->classes,
                             .probabilities = targets->probabilities,
                             .inverse = options->temperature > 0 ? 1 / options->temperature : 1,
                             .weight = options->weight}};
    job.op.log_sum = ting_ctx_reals(ctx, 3 * (size_t)logits.rows + 1);
    if (ctx->err != TING_OK)
        return (ting_tensor){0};
    job.op.mass = job.op.log_sum + logits.rows;
    job.op.rest = job.op.mass + logits.rows;
    struct ting_rec_soft_entropy *rec = ting_tape_push(ctx, TING_OP_soft_entropy, sizeof *rec);
    if (rec != NULL)
        *rec = job.op;
    ting_arena_mark mark = ting_arena_tell(ctx->arena);
    job.loss = ting_ctx_reals(ctx, (size_t)logits.rows + 1);
    job.scratch = take_scratch(ctx, &job.op);
    if (ctx->err != TING_OK)
        return (ting_tensor){0};
    ting_rows_run(ctx->pool, logits.rows, ROW_COST * logits.cols, loss_rows, &job);
    double sum = 0;
    for (int r = 0; r < logits.rows; r++)
        sum += (double)job.loss[r];
    loss.data[0] = (ting_real)sum;
    ting_arena_rewind(ctx->arena, mark);
    return loss;
}

/* Less s (q - rest) of each target. */
static void take_targets(const struct job *job, int r, ting_real s, ting_real *gx)
{
    const struct ting_rec_soft_entropy *op = &job->op;
    const int classes = op->logits.cols;
    if (op->dense != NULL) {
        job->kern->axpy(classes, -s, op->dense + (size_t)r * (size_t)classes, gx);
        return;
    }
    for (int i = op->start[r]; i < op->start[r + 1]; i++)
        gx[op->classes[i]] -= s * (op->probabilities[i] - op->rest[r]);
}

/* gx += s (mass p - rest), s = g weight / temperature */
static void grad_rows(void *arg, ting_row_block block)
{
    const struct job *job = arg;
    const struct ting_rec_soft_entropy *op = &job->op;
    for (int r = block.first; r < block.first + block.count; r++) {
        const ting_real s = op->loss.grad[0] * weight_of(op, r) * op->inverse;
        if (s == 0 || op->mass[r] == 0)
            continue;
        ting_real *gx = ting_grad_row(op->logits, r);
        job->kern->cross_entropy_grad(op->logits.cols, scaled(job, block.index, r), op->log_sum[r], s * op->mass[r],
                                      op->rest[r] / op->mass[r], gx);
        take_targets(job, r, s, gx);
    }
}

void ting_bwd_soft_entropy(ting_ctx *ctx, const void *saved)
{
    struct job job = {.kern = ctx->kern, .op = *(const struct ting_rec_soft_entropy *)saved};
    if (job.op.logits.grad == NULL)
        return;
    ting_arena_mark mark = ting_arena_tell(ctx->arena);
    job.scratch = take_scratch(ctx, &job.op);
    if (ctx->err == TING_OK)
        ting_rows_run(ctx->pool, job.op.logits.rows, ROW_COST * job.op.logits.cols, grad_rows, &job);
    ting_arena_rewind(ctx->arena, mark);
}
