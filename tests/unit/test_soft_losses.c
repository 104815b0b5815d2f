/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_soft_losses.c - consistency, regression and soft entropy against their formulas written out in double.
 * Gradients: tests/grad.
 */
#include "support/support.h"

#include "base/rng.h"
#include "loss/consistency.h"
#include "loss/cross_entropy.h"
#include "loss/regression.h"
#include "loss/soft_entropy.h"

#include <math.h>

enum { ROWS = 6, COLS = 9 };

static ting_ctx make_ctx(ting_arena *arena)
{
    return (ting_ctx){.arena = arena, .kern = ting_kern_select(ting_cpu_detect())};
}

static ting_tensor random_rows(ting_ctx *ctx, ting_rng *rng)
{
    ting_tensor x = ting_ctx_output(ctx, ROWS, COLS);
    for (int i = 0; i < ROWS * COLS; i++)
        x.data[i] = (ting_real)(2 * ting_rng_normal(rng));
    return x;
}

static void near(double got, double want)
{
    if (!(fabs(got - want) <= 1e-5 * (1 + fabs(want)))) /* some dozens of roundings of floats below 10 */
        fail_msg("%.9g, want %.9g", got, want);
}

static void probabilities(const ting_real *x, double *p)
{
    double sum = 0;
    for (int v = 0; v < COLS; v++)
        sum += p[v] = exp((double)x[v]);
    for (int v = 0; v < COLS; v++)
        p[v] /= sum;
}

static double divergence(const double *p, const double *q)
{
    double sum = 0;
    for (int v = 0; v < COLS; v++)
        sum += p[v] > 0 ? p[v] * log(p[v] / q[v]) : 0;
    return sum;
}

static void consistency_is_both_divergences(void **state)
{
    (void)state;
    ting_arena *arena = ting_arena_new(1 << 16);
    ting_rng rng = ting_rng_new(1, 0);
    ting_ctx ctx = make_ctx(arena);
    ting_tensor a = random_rows(&ctx, &rng), b = random_rows(&ctx, &rng);
    double want = 0;
    for (int r = 0; r < ROWS; r++) {
        double p[COLS], q[COLS];
        probabilities(ting_row(a, r), p);
        probabilities(ting_row(b, r), q);
        want += divergence(p, q) + divergence(q, p);
    }
    near((double)ting_consistency_loss(&ctx, a, b).data[0], want);
    for (int i = 0; i < ROWS * COLS; i++)
        b.data[i] = a.data[i] + (ting_real)0.5; /* exact or not: the same distribution */
    near((double)ting_consistency_loss(&ctx, a, b).data[0], 0);
    ting_consistency_loss(&ctx, a, ting_rows(b, 0, ROWS - 1));
    assert_int_equal(ctx.err, TING_ERR_INTERNAL);
    ting_arena_free(arena);
}

static double distance(const ting_real *x, const ting_real *y, const ting_real *scale)
{
    double square = 0;
    for (int c = 0; c < COLS; c++) {
        const double d = ((double)x[c] - (double)y[c]) / (double)scale[c];
        square += d * d / COLS;
    }
    return square;
}

static void regression_is_its_formula(void **state)
{
    (void)state;
    ting_arena *arena = ting_arena_new(1 << 16);
    ting_rng rng = ting_rng_new(2, 0);
    ting_ctx ctx = make_ctx(arena);
    ting_tensor x = random_rows(&ctx, &rng), y = random_rows(&ctx, &rng);
    ting_real scale[COLS], ones[COLS];
    double plain = 0, scaled = 0;
    for (int c = 0; c < COLS; c++) {
        ones[c] = 1;
        scale[c] = (ting_real)(0.5 + ting_rng_uniform(&rng));
    }
    for (int r = 0; r < ROWS; r++) {
        plain += distance(ting_row(x, r), ting_row(y, r), ones);
        scaled += distance(ting_row(x, r), ting_row(y, r), scale);
    }
    near((double)ting_regression_loss(&ctx, x, y, NULL).data[0], plain);
    near((double)ting_regression_loss(&ctx, x, y, scale).data[0], scaled);
    assert_true(ting_regression_loss(&ctx, x, x, scale).data[0] == 0);
    scale[4] = 0;
    ting_regression_loss(&ctx, x, y, scale);
    assert_int_equal(ctx.err, TING_ERR_ARGUMENT);
    ting_arena_free(arena);
}

static void soft_entropy_is_its_formula(void **state)
{
    (void)state;
    ting_arena *arena = ting_arena_new(1 << 16);
    ting_rng rng = ting_rng_new(4, 0);
    ting_ctx ctx = make_ctx(arena);
    ting_tensor x = random_rows(&ctx, &rng), teacher = random_rows(&ctx, &rng);
    ting_real targets[ROWS * COLS], weight[ROWS];
    double whole = 0, kl = 0, weighted = 0;
    for (int r = 0; r < ROWS; r++) {
        double q[COLS], p[COLS];
        probabilities(ting_row(teacher, r), q);
        probabilities(ting_row(x, r), p);
        weight[r] = (ting_real)(r % 3); /* rows 0 and 3 do not count */
        for (int v = 0; v < COLS; v++) {
            targets[r * COLS + v] = (ting_real)q[v];
            whole -= q[v] * log(p[v]);
        }
        kl += divergence(q, p);
        weighted += r % 3 * divergence(q, p);
    }
    ting_soft_entropy_options options = {.divergence = true};
    near((double)ting_soft_entropy(&ctx, x, targets, NULL).data[0], whole);
    near((double)ting_soft_entropy(&ctx, x, targets, &options).data[0], kl);
    options.weight = weight;
    for (int v = 0; v < COLS; v++) /* a row that does not count may hold anything */
        targets[3 * COLS + v] = (ting_real)NAN;
    near((double)ting_soft_entropy(&ctx, x, targets, &options).data[0], weighted);
    assert_ok(ctx.err);
    ting_arena_free(arena);
}

/* All of the probability on one class is plain cross-entropy; none on any more than another, smoothing by 1. */
static void hard_and_even_targets_are_cross_entropy(void **state)
{
    (void)state;
    ting_arena *arena = ting_arena_new(1 << 16);
    ting_rng rng = ting_rng_new(5, 0);
    ting_ctx ctx = make_ctx(arena);
    ting_tensor x = random_rows(&ctx, &rng);
    int classes[ROWS];
    ting_real one[ROWS * COLS] = {0}, even[ROWS * COLS];
    for (int r = 0; r < ROWS; r++) {
        classes[r] = 4 * r % COLS;
        one[r * COLS + classes[r]] = 1;
        for (int v = 0; v < COLS; v++)
            even[r * COLS + v] = (ting_real)1 / COLS;
    }
    ting_cross_entropy_options hard = {.sum = true};
    near((double)ting_soft_entropy(&ctx, x, one, NULL).data[0], (double)ting_cross_entropy(&ctx, x, classes, &hard).data[0]);
    hard.smoothing = 1;
    near((double)ting_soft_entropy(&ctx, x, even, NULL).data[0], (double)ting_cross_entropy(&ctx, x, classes, &hard).data[0]);
    assert_ok(ctx.err);
    ting_arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(consistency_is_both_divergences),
        cmocka_unit_test(regression_is_its_formula),
        cmocka_unit_test(soft_entropy_is_its_formula),
        cmocka_unit_test(hard_and_even_targets_are_cross_entropy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
