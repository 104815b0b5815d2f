/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bwd_steer.c - what balancer and whiten do to the gradient that passes them. docs/derive/steering.md
 *
 * balancer, per channel with mean m, deviation d, rms r over the rows: where m / d or r is outside of its limits, the
 * derivative L of |m / d - limit| + |ln(limit / r)| is scaled to grad_scale / rms(L), and gx = g + |g| L.
 * whiten: where the metric is above the limit, gx = g + penalty grad_scale |g| / |penalty|.
 */
#include "nn/bwd/bwd.h"
#include "nn/bwd/whitening.h"
#include "nn/rec.h"

#include <tgmath.h>

static const double tiny = 1e-20; /* as the reference */

static double outside(double value, double least, double most)
{
    return value > most ? 1 : value < least ? -1 : 0;
}

/* The derivative of the channel's loss at x: one + two x. */
struct slope {
    double one, two;
};

static struct slope channel_slope(ting_tensor x, int c, const ting_balancer_limits *limits)
{
    double sum = 0, squares = 0, n = x.rows;
    for (int r = 0; r < x.rows; r++) {
        double value = (double)ting_row(x, r)[c];
        sum += value;
        squares += value * value;
    }
    double mean = sum / n, power = squares / n;
    double deviation = sqrt(fmax(power - mean * mean, tiny)), rms = sqrt(fmax(power, tiny));
    double by_mean = outside(mean / deviation, (double)limits->min_mean, (double)limits->max_mean);
    double by_rms = outside(rms, (double)limits->min_rms, (double)limits->max_rms);
    double cube = deviation * deviation * deviation;
    return (struct slope){by_mean / n * (1 / deviation + mean * mean / cube),
                          -by_mean / n * mean / cube + by_rms / (n * rms * rms)};
}

void ting_bwd_balancer(ting_ctx *ctx, const void *saved)
{
    (void)ctx;
    const struct ting_rec_balancer *rec = saved;
    for (int c = 0; c < rec->x.cols && rec->x.grad != NULL; c++) {
        struct slope slope = channel_slope(rec->x, c, &rec->limits);
        double squares = 0;
        for (int r = 0; r < rec->x.rows; r++) {
            double l = slope.one + slope.two * (double)ting_row(rec->x, r)[c];
            squares += l * l;
        }
        double scale = (double)rec->limits.grad_scale / fmax(sqrt(squares / rec->x.rows), tiny);
        for (int r = 0; r < rec->x.rows; r++) {
            double g = (double)ting_grad_row(rec->y, r)[c];
            double l = slope.one + slope.two * (double)ting_row(rec->x, r)[c];
            ting_grad_row(rec->x, r)[c] += (ting_real)(g + fabs(g) * l * scale);
        }
    }
}

/* ---- whiten ---- */

/* x minus the mean of its columns, contiguous. */
static void centre(ting_tensor x, ting_real *out)
{
    for (int c = 0; c < x.cols; c++) {
        double sum = 0;
        for (int r = 0; r < x.rows; r++)
            sum += (double)ting_row(x, r)[c];
        for (int r = 0; r < x.rows; r++)
            out[(size_t)r * (size_t)x.cols + (size_t)c] =
                (ting_real)((double)ting_row(x, r)[c] - sum / x.rows);
    }
}

double ting_whitening_metric(ting_ctx *ctx, ting_tensor x, int groups, ting_real *penalty)
{
    ting_gemm_run run = ting_ctx_gemm(ctx);
    ting_arena_mark mark = ting_arena_tell(ctx->arena);
    int width = x.cols / groups, size = width * width;
    ting_real *centred = ting_ctx_reals(ctx, (size_t)x.rows * (size_t)x.cols);
    ting_real *covariance = ting_ctx_reals(ctx, (size_t)groups * (size_t)size);
    if (ctx->err != TING_OK)
        return 0;
    centre(x, centred);
    double squares = 0, diagonal = 0;
    for (int g = 0; g < groups; g++) {
        const ting_real *part = centred + g * width;
        ting_real *c = covariance + (size_t)g * (size_t)size;
        ting_gemm(&run, TING_PRECISION_F32, width, width, x.rows, 1,
                  (ting_strided){part, 1, x.cols}, (ting_strided){part, x.cols, 1}, 0, c, width);
        for (int i = 0; i < size; i++)
            squares += (double)c[i] * (double)c[i];
        for (int i = 0; i < width; i++)
            diagonal += (double)c[i * width + i];
    }
    double s = squares / x.cols, d = diagonal / x.cols, metric = s / (d * d + tiny);
    /* d metric / d C = 2 C / (n D^2) - 2 S / (n D^3) I; d metric / d x = 2 x (d metric / d C) */
    for (int g = 0; g < groups && penalty != NULL; g++) {
        ting_real *c = covariance + (size_t)g * (size_t)size;
        for (int i = 0; i < size; i++)
            c[i] = (ting_real)(2 / (x.cols * d * d) *
                               ((double)c[i] - (i % (width + 1) == 0 ? s / d : 0)));
        ting_gemm(&run, TING_PRECISION_F32, x.rows, width, width, 2,
                  (ting_strided){centred + g * width, x.cols, 1}, (ting_strided){c, width, 1}, 0,
                  penalty + g * width, x.cols);
    }
    ting_arena_rewind(ctx->arena, mark);
    return metric;
}

static double length_of(int rows, int cols, const ting_real *x, int ld)
{
    double squares = 0;
    for (int r = 0; r < rows; r++)
        for (int c = 0; c < cols; c++)
            squares += (double)x[(size_t)r * (size_t)ld + (size_t)c] *
                       (double)x[(size_t)r * (size_t)ld + (size_t)c];
    return sqrt(squares);
}

void ting_bwd_whiten(ting_ctx *ctx, const void *saved)
{
    const struct ting_rec_whiten *rec = saved;
    const ting_tensor x = rec->x, y = rec->y;
    if (x.grad == NULL)
        return;
    ting_arena_mark mark = ting_arena_tell(ctx->arena);
    ting_real *penalty = ting_ctx_reals(ctx, (size_t)x.rows * (size_t)x.cols);
    if (penalty == NULL)
        return;
    double metric = ting_whitening_metric(ctx, x, rec->groups, penalty), scale = 0;
    if (metric >= (double)rec->limit)
        scale = (double)rec->grad_scale * length_of(x.rows, x.cols, y.grad, y.ld) /
                (length_of(x.rows, x.cols, penalty, x.cols) + tiny);
    for (int r = 0; r < x.rows; r++) {
        ctx->kern->add(x.cols, ting_grad_row(x, r), ting_grad_row(y, r), ting_grad_row(x, r));
        if (scale != 0)
            ctx->kern->axpy(x.cols, (ting_real)scale, penalty + (size_t)r * (size_t)x.cols,
                            ting_grad_row(x, r));
    }
    ting_arena_rewind(ctx->arena, mark);
}
