/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bwd_steer.c - what balancer and whiten do to the gradient that passes them. docs/derive/steering.md
 *
 * balancer, per channel with mean m, deviation d, rms r over the rows: where m / d or r is outside of its limits, the
 * derivative L of |m / d - limit| + |ln(limit / r)| is scaled to grad_scale / rms(L), and g += |g| L.
 * whiten: where the metric is at or above the limit, g += penalty grad_scale |g| / |penalty|.
 * scale_grad, excess, limit: element by element.
 */
#include "nn/bwd/bwd.h"
#include "nn/bwd/whitening.h"
#include "nn/columns.h"
#include "nn/gradient.h"
#include "nn/rec.h"
#include "nn/rows.h"

#include <tgmath.h>

static const double tiny = 1e-20; /* as the reference */

static double outside(double value, double least, double most)
{
    return value > most ? 1 : value < least ? -1 : 0;
}

struct balancer_job {
    const ting_kern *kern;
    const struct ting_rec_balancer *rec;
    bool any;                       /* a channel is outside of its limits */
    ting_real *mean, *level, *tilt; /* [cols]: scaled L = level + tilt (x - mean) */
};

/* Level and tilt of channel c. The mean of L^2 is level^2 + tilt^2 d^2. */
static void set_slope(struct balancer_job *job, int c, double mean, double variance)
{
    const ting_balancer_limits *limits = &job->rec->limits;
    double n = job->rec->x.rows, deviation = sqrt(fmax(variance, tiny)), power = fmax(variance + mean * mean, tiny);
    double by_mean = outside(mean / deviation, (double)limits->min_mean, (double)limits->max_mean);
    double by_rms = outside(sqrt(power), (double)limits->min_rms, (double)limits->max_rms);
    double level = (by_mean / deviation + by_rms * mean / power) / n;
    double tilt = (by_rms / power - by_mean * mean / (deviation * deviation * deviation)) / n;
    double scale = (double)limits->grad_scale / fmax(sqrt(level * level + tilt * tilt * variance), tiny);
    job->mean[c] = (ting_real)mean;
    job->level[c] = (ting_real)(level * scale);
    job->tilt[c] = (ting_real)(tilt * scale);
    job->any = job->any || by_mean != 0 || by_rms != 0;
}

static void balance_rows(void *arg, ting_row_block block)
{
    const struct balancer_job *job = arg;
    const ting_tensor x = job->rec->x;
    for (int r = block.first; r < block.first + block.count; r++) {
        const ting_real *row = ting_row(x, r);
        ting_real *g = ting_grad_row(x, r);
        for (int c = 0; c < x.cols; c++)
            g[c] += fabs(g[c]) * (job->level[c] + job->tilt[c] * (row[c] - job->mean[c]));
    }
}

void ting_bwd_balancer(ting_ctx *ctx, const void *saved)
{
    enum { COST = 4 };
    struct balancer_job job = {.kern = ctx->kern, .rec = saved};
    const ting_tensor x = job.rec->x;
    ting_arena_mark mark = ting_arena_tell(ctx->arena);
    double *mean = ting_arena_take_zeroed(ctx->arena, 2 * (size_t)x.cols, sizeof *mean);
    job.mean = ting_ctx_reals(ctx, 3 * (size_t)x.cols);
    ting_ctx_check(ctx);
    if (ctx->err != TING_OK)
        return;
    job.level = job.mean + x.cols;
    job.tilt = job.level + x.cols;
    ting_gradient_touch(ctx, x);
    ting_column_moments(ctx, x, mean, mean + x.cols);
    for (int c = 0; c < x.cols; c++)
        set_slope(&job, c, mean[c], mean[x.cols + c]);
    if (job.any)
        ting_rows_run(ctx->pool, x.rows, COST * x.cols, balance_rows, &job);
    ting_arena_rewind(ctx->arena, mark);
}

/* ---- whiten ---- */

struct rows_job {
    const ting_kern *kern;
    ting_tensor x;
    const ting_real *row;   /* [cols] */
    ting_real *out;         /* [rows, cols] */
    double *sums;           /* [blocks] */
    const ting_real *extra; /* [rows, cols] */
    ting_real scale;
};

static void add_to_rows(void *arg, ting_row_block block)
{
    const struct rows_job *job = arg;
    for (int r = block.first; r < block.first + block.count; r++)
        job->kern->add(job->x.cols, ting_row(job->x, r), job->row, job->out + (size_t)r * (size_t)job->x.cols);
}

/* out [rows, cols] = x minus the mean of its columns. */
static void centre(ting_ctx *ctx, ting_tensor x, ting_real *out)
{
    ting_arena_mark mark = ting_arena_tell(ctx->arena);
    double *mean = ting_arena_take_zeroed(ctx->arena, (size_t)x.cols, sizeof *mean);
    ting_real *minus = ting_ctx_reals(ctx, (size_t)x.cols);
    ting_ctx_check(ctx);
    if (ctx->err != TING_OK)
        return;
    ting_column_moments(ctx, x, mean, NULL);
    for (int c = 0; c < x.cols; c++)
        minus[c] = (ting_real)-mean[c];
    struct rows_job job = {.kern = ctx->kern, .x = x, .row = minus, .out = out};
    ting_rows_run(ctx->pool, x.rows, x.cols, add_to_rows, &job);
    ting_arena_rewind(ctx->arena, mark);
}

double ting_whitening_metric(ting_ctx *ctx, ting_tensor x, int groups, double limit, ting_real *penalty)
{
    ting_gemm_run run = ting_ctx_gemm(ctx);
    ting_arena_mark mark = ting_arena_tell(ctx->arena);
    int width = x.cols / groups, size = width * width;
    ting_real *centred = ting_ctx_reals(ctx, (size_t)x.rows * (size_t)x.cols);
    ting_real *covariance = ting_ctx_reals(ctx, (size_t)groups * (size_t)size);
    if (ctx->err == TING_OK)
        centre(ctx, x, centred);
    if (ctx->err != TING_OK)
        return 0;
    double squares = 0, diagonal = 0;
    for (int g = 0; g < groups; g++) {
        const ting_real *part = centred + g * width;
        ting_real *c = covariance + (size_t)g * (size_t)size;
        ting_gemm(&run, ctx->multiply, width, width, x.rows, 1,
                  (ting_strided){part, 1, x.cols}, (ting_strided){part, x.cols, 1}, 0, c, width);
        for (int i = 0; i < size; i++)
            squares += (double)c[i] * (double)c[i];
        for (int i = 0; i < width; i++)
            diagonal += (double)c[i * width + i];
    }
    double s = squares / x.cols, d = diagonal / x.cols, metric = s / (d * d + tiny);
    /* d metric / d C = 2 C / (n D^2) - 2 S / (n D^3) I; d metric / d x = 2 x (d metric / d C) */
    for (int g = 0; g < groups && penalty != NULL && metric >= limit; g++) {
        ting_real *c = covariance + (size_t)g * (size_t)size;
        for (int i = 0; i < size; i++)
            c[i] = (ting_real)(2 / (x.cols * d * d) *
                               ((double)c[i] - (i % (width + 1) == 0 ? s / d : 0)));
        ting_gemm(&run, ctx->multiply, x.rows, width, width, 2,
                  (ting_strided){centred + g * width, x.cols, 1}, (ting_strided){c, width, 1}, 0,
                  penalty + g * width, x.cols);
    }
    ting_arena_rewind(ctx->arena, mark);
    return metric;
}

static void square_rows(void *arg, ting_row_block block)
{
    const struct rows_job *job = arg;
    double sum = 0;
    for (int r = block.first; r < block.first + block.count; r++)
        sum += (double)job->kern->sum_squares(job->x.cols, ting_row(job->x, r));
    job->sums[block.index] = sum;
}

/* Root of the sum of all squares. */
static double length_of(const ting_ctx *ctx, int rows, int cols, ting_real *values, int ld)
{
    double sums[TING_ROW_BLOCKS], total = 0;
    struct rows_job job = {.kern = ctx->kern, .sums = sums,
                           .x = {.data = values, .rows = rows, .cols = cols, .ld = ld}};
    ting_rows_run(ctx->pool, rows, cols, square_rows, &job);
    for (int i = 0; i < ting_row_blocks(rows, cols); i++)
        total += sums[i];
    return sqrt(total);
}

static void whiten_rows(void *arg, ting_row_block block)
{
    const struct rows_job *job = arg;
    for (int r = block.first; r < block.first + block.count; r++)
        job->kern->axpy(job->x.cols, job->scale, job->extra + (size_t)r * (size_t)job->x.cols, ting_grad_row(job->x, r));
}

void ting_bwd_whiten(ting_ctx *ctx, const void *saved)
{
    const struct ting_rec_whiten *rec = saved;
    const ting_tensor x = rec->x;
    ting_arena_mark mark = ting_arena_tell(ctx->arena);
    ting_real *penalty = ting_ctx_reals(ctx, (size_t)x.rows * (size_t)x.cols);
    if (penalty == NULL)
        return;
    ting_gradient_touch(ctx, x);
    const double metric = ting_whitening_metric(ctx, x, rec->groups, (double)rec->limit, penalty);
    if (ctx->err == TING_OK && metric >= (double)rec->limit) {
        const double scale = (double)rec->grad_scale * length_of(ctx, x.rows, x.cols, x.grad, x.ld) /
                             (length_of(ctx, x.rows, x.cols, penalty, x.cols) + tiny);
        struct rows_job job = {.kern = ctx->kern, .x = x, .extra = penalty, .scale = (ting_real)scale};
        ting_rows_run(ctx->pool, x.rows, x.cols, whiten_rows, &job);
    }
    ting_arena_rewind(ctx->arena, mark);
}

/* ---- element by element ---- */

static void scale_rows(void *arg, ting_row_block block)
{
    const struct rows_job *job = arg;
    for (int r = block.first; r < block.first + block.count; r++)
        job->kern->scale(job->x.cols, job->scale, ting_grad_row(job->x, r), ting_grad_row(job->x, r));
}

void ting_bwd_scale_grad(ting_ctx *ctx, const void *saved)
{
    const struct ting_rec_scale_grad *rec = saved;
    struct rows_job job = {.kern = ctx->kern, .x = rec->x, .scale = rec->factor};
    ting_gradient_touch(ctx, rec->x);
    ting_rows_run(ctx->pool, rec->x.rows, rec->x.cols, scale_rows, &job);
}

struct excess_job {
    const ting_kern *kern;
    const struct ting_rec_excess *rec;
    ting_real penalty;
};

static void penalise_rows(void *arg, ting_row_block block)
{
    const struct excess_job *job = arg;
    const struct ting_rec_excess *rec = job->rec;
    for (int r = block.first; r < block.first + block.count; r++) {
        ting_real *gx = ting_grad_row(rec->x, r);
        const ting_real *x = ting_row(rec->x, r);
        for (int c = 0; c < rec->x.cols; c++)
            if (fabs(x[c]) > rec->limit)
                gx[c] += x[c] > 0 ? job->penalty : -job->penalty;
    }
}

void ting_bwd_excess(ting_ctx *ctx, const void *saved)
{
    const struct ting_rec_excess *rec = saved;
    struct excess_job job = {.kern = ctx->kern, .rec = rec,
                             .penalty = ctx->units > 0 ? (ting_real)((double)rec->penalty / ctx->units) : rec->penalty};
    ting_gradient_touch(ctx, rec->x);
    ting_rows_run(ctx->pool, rec->x.rows, rec->x.cols, penalise_rows, &job);
}

void ting_bwd_limit(ting_ctx *ctx, const void *saved)
{
    const struct ting_rec_limit *rec = saved;
    const ting_tensor w = rec->param->t;
    (void)ctx;
    for (int r = 0; r < w.rows; r++)
        for (int c = 0; c < w.cols; c++) {
            const ting_real value = ting_row(w, r)[c], g = ting_grad_row(rec->alias->t, r)[c];
            const bool further = (value < rec->least && g > 0) || (value > rec->most && g < 0);
            ting_grad_row(w, r)[c] += further ? -g : g;
        }
}
