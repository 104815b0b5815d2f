/* SPDX-License-Identifier: Apache-2.0 */
/*
 * op_batch_norm.c - y = (x - mean) / sqrt(variance + eps) gamma + beta, column by column (Ioffe 2015), as the Conformers
 * of WeNet and PaddleSpeech have it in their convolution module; statistics and momentum as torch.nn.BatchNorm1d.
 */
#include "nn/columns.h"
#include "nn/op.h"
#include "nn/rec.h"
#include "nn/rows.h"
#include "nn/tape.h"

#include <math.h>
#include <string.h>

static const double momentum = 0.1;

struct job {
    const ting_kern *kern;
    ting_tensor x, y;
    ting_real *scale, *shift; /* [cols] */
};

static void norm_rows(void *arg, ting_row_block block)
{
    const struct job *job = arg;
    for (int r = block.first; r < block.first + block.count; r++) {
        memcpy(ting_row(job->y, r), job->shift, (size_t)job->y.cols * sizeof *job->shift);
        job->kern->muladd(job->y.cols, ting_row(job->x, r), job->scale, ting_row(job->y, r));
    }
}

/* One column's scale and shift. */
static void fold(double mean, double rstd, double gamma, double beta, ting_real *scale, ting_real *shift)
{
    *scale = (ting_real)(gamma * rstd);
    *shift = (ting_real)(beta - mean * gamma * rstd);
}

static double rstd_of(double variance, ting_real eps)
{
    return 1 / sqrt(variance + (double)eps);
}

void ting_batch_norm_fold(const ting_batch_norm_weights *w, ting_real eps, ting_real *scale, ting_real *shift)
{
    for (int c = 0; c < ting_param_row(w->gamma).cols; c++)
        fold((double)w->mean->t.data[c], rstd_of((double)w->variance->t.data[c], eps), (double)w->gamma->t.data[c],
             (double)w->beta->t.data[c], &scale[c], &shift[c]);
}

static bool fits(const ting_batch_norm_weights *w, int cols)
{
    return cols > 0 && ting_param_row(w->gamma).cols == cols && ting_param_row(w->beta).cols == cols &&
           ting_param_row(w->mean).cols == cols && ting_param_row(w->variance).cols == cols;
}

/* running = 0.9 running + 0.1 found */
static void move_towards(const ting_param *running, int c, double found)
{
    running->t.data[c] = (ting_real)((1 - momentum) * (double)running->t.data[c] + momentum * found);
}

/* Mean and 1 / deviation of the batch, kept for backward; scale and shift from them; the running statistics follow. */
static void use_batch(ting_ctx *ctx, struct job *job, const ting_batch_norm_weights *w, ting_real eps, ting_real *mean,
                      ting_real *rstd)
{
    const int cols = job->x.cols;
    const double unbiased = (double)job->x.rows / (job->x.rows - 1);
    ting_arena_mark mark = ting_arena_tell(ctx->arena);
    double *moments = ting_arena_take_zeroed(ctx->arena, 2 * (size_t)cols, sizeof *moments);
    ting_ctx_check(ctx);
    if (ctx->err != TING_OK)
        return;
    ting_column_moments(ctx, job->x, moments, moments + cols);
    for (int c = 0; c < cols && ctx->err == TING_OK; c++) {
        const double m = moments[c], variance = moments[cols + c], r = rstd_of(variance, eps);
        mean[c] = (ting_real)m;
        rstd[c] = (ting_real)r;
        fold(m, r, (double)w->gamma->t.data[c], (double)w->beta->t.data[c], &job->scale[c], &job->shift[c]);
        if (ctx->again)
            continue;
        move_towards(w->mean, c, m);
        move_towards(w->variance, c, variance * unbiased);
    }
    ting_arena_rewind(ctx->arena, mark);
}

static void use_running(struct job *job, const ting_batch_norm_weights *w, ting_real eps, ting_real *mean,
                        ting_real *rstd)
{
    ting_batch_norm_fold(w, eps, job->scale, job->shift);
    memcpy(mean, w->mean->t.data, (size_t)job->x.cols * sizeof *mean);
    for (int c = 0; c < job->x.cols; c++)
        rstd[c] = (ting_real)rstd_of((double)w->variance->t.data[c], eps);
}

ting_tensor ting_batch_norm(ting_ctx *ctx, ting_tensor x, const ting_batch_norm_weights *weights, ting_real eps)
{
    if (ctx->err != TING_OK)
        return (ting_tensor){0};
    if (!fits(weights, x.cols)) {
        ting_ctx_fail(ctx, TING_ERR_INTERNAL, "batch_norm: x is [%d, %d], %s has %d values, %s %d, %s %d, %s %d",
                      x.rows, x.cols, weights->gamma->name, ting_param_row(weights->gamma).cols, weights->beta->name,
                      ting_param_row(weights->beta).cols, weights->mean->name, ting_param_row(weights->mean).cols,
                      weights->variance->name, ting_param_row(weights->variance).cols);
        return (ting_tensor){0};
    }
    const bool of_batch = ctx->training && x.rows > 1 && !weights->gamma->frozen;
    const size_t cols = (size_t)x.cols;
    ting_tensor y = ting_ctx_output(ctx, x.rows, x.cols);
    ting_real *mean = ting_ctx_reals(ctx, cols), *rstd = ting_ctx_reals(ctx, cols);
    struct ting_rec_batch_norm *rec = ting_tape_push(ctx, TING_OP_batch_norm, sizeof *rec);
    if (rec != NULL)
        *rec = (struct ting_rec_batch_norm){x, y, weights->gamma, weights->beta, mean, rstd, of_batch};
    ting_arena_mark mark = ting_arena_tell(ctx->arena);
    struct job job = {.kern = ctx->kern, .x = x, .y = y};
    job.scale = ting_ctx_reals(ctx, cols);
    job.shift = ting_ctx_reals(ctx, cols);
    if (ctx->err == TING_OK && of_batch)
        use_batch(ctx, &job, weights, eps, mean, rstd);
    else if (ctx->err == TING_OK)
        use_running(&job, weights, eps, mean, rstd);
    if (ctx->err != TING_OK)
        return (ting_tensor){0};
    ting_rows_run(ctx->pool, y.rows, 2 * y.cols, norm_rows, &job);
    ting_arena_rewind(ctx->arena, mark);
    return y;
}
