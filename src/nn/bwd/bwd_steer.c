/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bwd_steer.c - what balancer and whiten do to the gradient that passes them. docs/derive/steering.md
 *
 * balancer, per channel with mean m, deviation d, rms r over the rows: where m / d or r is outside of its limits, the
 * derivative L of |m / d - limit| + |ln(limit / r)| is scaled to grad_scale / rms(L), and g += |g| L.
 * whiten: where the metric is at or above the limit, g += P grad_scale |g| / |P|, P the metric's derivative.
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
    for (int r = block.first; r < block.first + block.count; r++)
        job->kern->balance(x.cols, ting_row(x, r), job->mean, job->level, job->tilt, ting_grad_row(x, r));
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
    const ting_real *row; /* [cols] */
    ting_real *out;       /* [rows, cols] */
    double *sums;         /* [blocks] */
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

/* How white x is: its metric, and what the derivative of that is made of. */
struct whiteness {
    double metric, s, d;   /* s: sum of squared covariances / columns; d: mean of their diagonals */
    int width;             /* of a group */
    ting_real *centred;    /* [rows, cols] */
    ting_real *covariance; /* [groups, width, width] */
};

/* False after a failure. */
static bool measure(ting_ctx *ctx, ting_tensor x, int groups, struct whiteness *w)
{
    const ting_gemm_run run = ting_ctx_gemm(ctx);
    const int width = x.cols / groups;
    const size_t size = (size_t)width * (size_t)width;
    double squares = 0, diagonal = 0;
    *w = (struct whiteness){.width = width, .centred = ting_ctx_reals(ctx, (size_t)x.rows * (size_t)x.cols),
                            .covariance = ting_ctx_reals(ctx, (size_t)groups * size)};
    if (ctx->err == TING_OK)
        centre(ctx, x, w->centred);
    for (int g = 0; g < groups && ctx->err == TING_OK; g++) {
        const ting_real *part = w->centred + g * width;
        ting_real *c = w->covariance + (size_t)g * size;
        ting_gemm(&run, ctx->multiply, width, width, x.rows, 1, (ting_strided){part, 1, x.cols}, (ting_strided){part, x.cols, 1}, 0, c,
                  width);
        ting_ctx_check(ctx);
        for (size_t i = 0; i < size; i++)
            squares += (double)c[i] * (double)c[i];
        for (int i = 0; i < width; i++)
            diagonal += (double)c[i * width + i];
    }
    w->s = squares / x.cols;
    w->d = diagonal / x.cols;
    w->metric = w->s / (w->d * w->d + tiny);
    return ctx->err == TING_OK;
}

double ting_whitening_metric(ting_ctx *ctx, ting_tensor x, int groups)
{
    ting_arena_mark mark = ting_arena_tell(ctx->arena);
    struct whiteness w;
    if (!measure(ctx, x, groups, &w))
        return 0;
    ting_arena_rewind(ctx->arena, mark);
    return w.metric;
}

static void square_rows(void *arg, ting_row_block block)
{
    const struct rows_job *job = arg;
    double sum = 0;
    for (int r = block.first; r < block.first + block.count; r++)
        sum += (double)job->kern->sum_squares(job->x.cols, ting_grad_row(job->x, r));
    job->sums[block.index] = sum;
}

/* The root of the sum of the squares of x's gradient. */
static double length_of(const ting_ctx *ctx, ting_tensor x)
{
    double sums[TING_ROW_BLOCKS], total = 0;
    struct rows_job job = {.kern = ctx->kern, .sums = sums, .x = x};
    ting_rows_run(ctx->pool, x.rows, x.cols, square_rows, &job);
    for (int i = 0; i < ting_row_blocks(x.rows, x.cols); i++)
        total += sums[i];
    return sqrt(total);
}

/* The derivative of the metric is centred slope, group by group. Returns its length: the root of the sum of tr(slope C slope). */
static double slopes(ting_ctx *ctx, const struct whiteness *w, int groups, int cols, ting_real *slope)
{
    const ting_gemm_run run = ting_ctx_gemm(ctx);
    const int width = w->width;
    const size_t size = (size_t)width * (size_t)width;
    ting_real *product = ting_ctx_reals(ctx, size);
    double length = 0;
    for (int g = 0; g < groups && ctx->err == TING_OK; g++, slope += size) {
        const ting_real *c = w->covariance + (size_t)g * size;
        for (size_t i = 0; i < size; i++)
            slope[i] = (ting_real)(4 / (cols * w->d * w->d) * ((double)c[i] - (i % (size_t)(width + 1) == 0 ? w->s / w->d : 0)));
        ting_gemm(&run, ctx->multiply, width, width, width, 1, (ting_strided){c, width, 1}, (ting_strided){slope, width, 1}, 0, product,
                  width);
        ting_ctx_check(ctx);
        for (size_t i = 0; i < size; i++)
            length += (double)product[i] * (double)slope[i];
    }
    return sqrt(fmax(length, 0));
}

void ting_bwd_whiten(ting_ctx *ctx, const void *saved)
{
    const struct ting_rec_whiten *rec = saved;
    const ting_gemm_run run = ting_ctx_gemm(ctx);
    const ting_tensor x = rec->x;
    ting_arena_mark mark = ting_arena_tell(ctx->arena);
    struct whiteness w;
    ting_gradient_touch(ctx, x);
    if (!measure(ctx, x, rec->groups, &w))
        return;
    if (w.metric >= (double)rec->limit) {
        const size_t size = (size_t)w.width * (size_t)w.width;
        ting_real *slope = ting_ctx_reals(ctx, (size_t)rec->groups * size);
        const double length = slope == NULL ? 0 : slopes(ctx, &w, rec->groups, x.cols, slope);
        const double scale = (double)rec->grad_scale * length_of(ctx, x) / (length + tiny);
        for (int g = 0; g < rec->groups && ctx->err == TING_OK; g++) {
            ting_gemm(&run, ctx->multiply, x.rows, w.width, w.width, (ting_real)scale, (ting_strided){w.centred + g * w.width, x.cols, 1},
                      (ting_strided){slope + (size_t)g * size, w.width, 1}, 1, x.grad + g * w.width, x.ld);
            ting_ctx_check(ctx);
        }
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
