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
#include "nn/tape.h"

#include <math.h>
#include <string.h>

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

static void probabilities(const ting_real *x, double temperature, double *p)
{
    double sum = 0;
    for (int v = 0; v < COLS; v++)
        sum += p[v] = exp((double)x[v] / temperature);
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
        probabilities(ting_row(a, r), 1, p);
        probabilities(ting_row(b, r), 1, q);
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

static double distance(const ting_real *x, const ting_real *y, const ting_real *scale, ting_distance kind)
{
    double square = 0, size = 0, dot = 0, xx = 0, yy = 0;
    for (int c = 0; c < COLS; c++) {
        const double a = (double)x[c] / (double)scale[c], b = (double)y[c] / (double)scale[c];
        square += (a - b) * (a - b) / COLS;
        size += fabs(a - b) / COLS;
        dot += a * b;
        xx += a * a;
        yy += b * b;
    }
    return kind == TING_DISTANCE_SQUARED ? square : kind == TING_DISTANCE_ABSOLUTE ? size : 1 - dot / sqrt(xx * yy);
}

static void regression_is_its_formula(void **state)
{
    (void)state;
    ting_arena *arena = ting_arena_new(1 << 16);
    ting_rng rng = ting_rng_new(2, 0);
    ting_ctx ctx = make_ctx(arena);
    ting_tensor x = random_rows(&ctx, &rng), y = random_rows(&ctx, &rng);
    ting_real scale[COLS], weight[ROWS], ones[COLS];
    for (int c = 0; c < COLS; c++) {
        ones[c] = 1;
        scale[c] = (ting_real)(0.5 + ting_rng_uniform(&rng));
    }
    for (int r = 0; r < ROWS; r++)
        weight[r] = (ting_real)(r % 3); /* rows 0 and 3 do not count */
    for (int kind = TING_DISTANCE_SQUARED; kind <= TING_DISTANCE_COSINE; kind++) {
        double plain = 0, weighted = 0;
        for (int r = 0; r < ROWS; r++) {
            plain += distance(ting_row(x, r), ting_row(y, r), ones, (ting_distance)kind);
            weighted += r % 3 * distance(ting_row(x, r), ting_row(y, r), scale, (ting_distance)kind);
        }
        ting_regression_options options = {.distance = (ting_distance)kind};
        near((double)ting_regression_loss(&ctx, x, y, &options).data[0], plain);
        options.scale = scale;
        options.weight = weight;
        near((double)ting_regression_loss(&ctx, x, y, &options).data[0], weighted);
        near((double)ting_regression_loss(&ctx, x, x, &options).data[0], 0);
    }
    for (int c = 0; c < COLS; c++) /* a row that does not count may hold anything */
        ting_row(y, 3)[c] = (ting_real)NAN;
    assert_true(
        isfinite((double)ting_regression_loss(&ctx, x, y, &(ting_regression_options){.weight = weight}).data[0]));
    scale[4] = 0;
    ting_regression_loss(&ctx, x, y, &(ting_regression_options){.scale = scale});
    assert_int_equal(ctx.err, TING_ERR_ARGUMENT);
    ting_arena_free(arena);
}

/* A row of zeros has no direction: distance 1, and no gradient. */
static void a_row_of_zeros_has_no_cosine(void **state)
{
    (void)state;
    ting_arena *arena = ting_arena_new(1 << 16);
    ting_rng rng = ting_rng_new(3, 0);
    ting_tape tape = {0};
    ting_ctx ctx = make_ctx(arena);
    ctx.tape = &tape;
    ting_tensor x = ting_rows(random_rows(&ctx, &rng), 0, 1), y = ting_rows(random_rows(&ctx, &rng), 0, 1);
    memset(x.data, 0, COLS * sizeof *x.data);
    ting_tensor loss = ting_regression_loss(&ctx, x, y, &(ting_regression_options){.distance = TING_DISTANCE_COSINE});
    assert_true(loss.data[0] == 1);
    loss.grad[0] = 1;
    assert_ok(ting_tape_backward(&ctx, &tape));
    for (int c = 0; c < COLS; c++)
        assert_true(x.grad[c] == 0);
    ting_arena_free(arena);
}

static void soft_entropy_is_its_formula(void **state)
{
    (void)state;
    enum { NAMED = 3 };
    ting_arena *arena = ting_arena_new(1 << 16);
    ting_rng rng = ting_rng_new(4, 0);
    ting_ctx ctx = make_ctx(arena);
    ting_tensor x = random_rows(&ctx, &rng), teacher = random_rows(&ctx, &rng);
    int start[ROWS + 1] = {0}, classes[ROWS * NAMED];
    ting_real dense[ROWS * COLS], listed[ROWS * NAMED], weight[ROWS];
    for (int temperature = 1; temperature <= 3; temperature += 2) {
        double whole = 0, kl = 0, list = 0;
        for (int r = 0; r < ROWS; r++) {
            double q[COLS], p[COLS], spread[COLS], named = 0;
            probabilities(ting_row(teacher, r), temperature, q);
            probabilities(ting_row(x, r), temperature, p);
            weight[r] = (ting_real)(r % 3);
            for (int v = 0; v < COLS; v++) {
                dense[r * COLS + v] = (ting_real)q[v];
                whole -= q[v] * log(p[v]);
            }
            kl += r % 3 * divergence(q, p);
            start[r + 1] = start[r] + NAMED;
            for (int i = 0; i < NAMED; i++) {
                classes[start[r] + i] = (r + 2 * i) % COLS;
                listed[start[r] + i] = (ting_real)q[(r + 2 * i) % COLS];
                named += q[(r + 2 * i) % COLS];
            }
            for (int v = 0; v < COLS; v++)
                spread[v] = (1 - named) / (COLS - NAMED);
            for (int i = 0; i < NAMED; i++)
                spread[classes[start[r] + i]] = (double)listed[start[r] + i];
            list += divergence(spread, p);
        }
        ting_soft_entropy_options options = {.temperature = (ting_real)temperature};
        near((double)ting_soft_entropy(&ctx, x, &(ting_soft_targets){.dense = dense}, &options).data[0], whole);
        options.divergence = true;
        near((double)ting_soft_entropy(&ctx, x, &(ting_soft_targets){NULL, start, classes, listed}, &options).data[0],
             list);
        options.weight = weight;
        near((double)ting_soft_entropy(&ctx, x, &(ting_soft_targets){.dense = dense}, &options).data[0], kl);
        assert_ok(ctx.err);
    }
    ting_arena_free(arena);
}

/* A list of one class with all of the probability is plain cross-entropy; without any class, smoothing by 1. */
static void short_lists_are_cross_entropy(void **state)
{
    (void)state;
    ting_arena *arena = ting_arena_new(1 << 16);
    ting_rng rng = ting_rng_new(5, 0);
    ting_ctx ctx = make_ctx(arena);
    ting_tensor x = random_rows(&ctx, &rng);
    int start[ROWS + 1], none[ROWS + 1] = {0}, classes[ROWS];
    ting_real all[ROWS];
    for (int r = 0; r < ROWS; r++) {
        start[r] = r;
        classes[r] = 4 * r % COLS;
        all[r] = 1;
    }
    start[ROWS] = ROWS;
    ting_cross_entropy_options hard = {.sum = true};
    near((double)ting_soft_entropy(&ctx, x, &(ting_soft_targets){NULL, start, classes, all}, NULL).data[0],
         (double)ting_cross_entropy(&ctx, x, classes, &hard).data[0]);
    hard.smoothing = 1;
    near((double)ting_soft_entropy(&ctx, x, &(ting_soft_targets){NULL, none, classes, all}, NULL).data[0],
         (double)ting_cross_entropy(&ctx, x, classes, &hard).data[0]);
    assert_ok(ctx.err);
    ting_arena_free(arena);
}

static void wrong_soft_targets_are_refused(void **state)
{
    (void)state;
    ting_arena *arena = ting_arena_new(1 << 16);
    ting_rng rng = ting_rng_new(6, 0);
    ting_ctx ctx = make_ctx(arena);
    ting_tensor x = ting_rows(random_rows(&ctx, &rng), 0, 1);
    const int start[] = {0, 1};
    static const struct {
        int class;
        ting_real probability, temperature;
    } wrong[] = {{COLS, 1, 1},           {-1, 1, 1}, {0, (ting_real)-0.5, 1},
                 {0, (ting_real)NAN, 1}, {0, 1, -1}, {0, 1, (ting_real)INFINITY}};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        ctx = make_ctx(arena);
        const ting_soft_entropy_options options = {.temperature = wrong[i].temperature};
        ting_soft_entropy(&ctx, x, &(ting_soft_targets){NULL, start, &wrong[i].class, &wrong[i].probability}, &options);
        assert_int_equal(ctx.err, TING_ERR_ARGUMENT);
    }
    ting_arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(consistency_is_both_divergences), cmocka_unit_test(regression_is_its_formula),
        cmocka_unit_test(a_row_of_zeros_has_no_cosine),    cmocka_unit_test(soft_entropy_is_its_formula),
        cmocka_unit_test(short_lists_are_cross_entropy),   cmocka_unit_test(wrong_soft_targets_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
