/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_kern_rows.c - the kernels of body/vector_rows.h on every level against long double, at guard pages.
 * A tolerance is a number of ulps times the sum of the magnitudes of the terms.
 */
#include "support/support.h"
#include "support/guard.h"

#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

static const double epsilon = sizeof(ting_real) == 4 ? FLT_EPSILON : DBL_EPSILON;
static const int sizes[] = {0, 1, 2, 3, 5, 8, 15, 16, 17, 31, 32, 33, 63, 64, 65, 100, 257};
static const int row_counts[] = {0, 1, 2, 3, 4, 5, 7, 8, 9, 25};
enum { SIZES = sizeof sizes / sizeof sizes[0], ROW_COUNTS = sizeof row_counts / sizeof row_counts[0] };

static const ting_kern *kern; /* the level under test */

static void near(const char *what, int n, int i, ting_real got, long double want, double ulps, long double size)
{
    if (!(fabsl((long double)got - want) <= ulps * epsilon * size))
        fail_msg("%s, %s, n %d: element %d is %.9g, expected %.9Lg, allowed %.3Lg", what, ting_cpu_name(kern->level), n,
                 i, (double)got, want, ulps * epsilon * size);
}

static void on_every_level(void (*check)(int n))
{
    const ting_kern *levels[GUARD_MAX_LEVELS];
    int count = guard_levels(levels);
    for (int i = 0; i < count; i++) {
        kern = levels[i];
        for (int s = 0; s < SIZES; s++) {
            check(sizes[s]);
            guard_free_all();
        }
    }
}

/* Random rows: sums of up to 257 products in float lanes err by a few ulps of the sum of magnitudes. */
static void check_products(int n)
{
    ting_rng rng = ting_rng_new(1, (uint64_t)n);
    for (int k = 0; k < ROW_COUNTS; k++) {
        const int m = row_counts[k];
        const ptrdiff_t ld = n + 3, step = 2;
        size_t room = m == 0 ? 0 : (size_t)((m - 1) * ld + n);
        ting_real *x = guard_reals((size_t)n), *b = guard_reals(room), *y = guard_reals((size_t)m);
        ting_real *w = guard_reals(m == 0 ? 0 : (size_t)((m - 1) * step + 1)), *z = guard_reals((size_t)n);
        guard_normal(&rng, n, 1, x);
        for (int j = 0; j < m; j++) {
            guard_normal(&rng, n, 1, b + j * ld);
            guard_normal(&rng, 1, 1, w + j * step);
        }
        kern->dots(m, n, (ting_real)-0.3, x, b, ld, y);
        for (int j = 0; j < m; j++) {
            long double sum = 0, size = 0;
            for (int i = 0; i < n; i++)
                sum += (long double)x[i] * b[j * ld + i], size += fabsl((long double)x[i] * b[j * ld + i]);
            near("dots", n, j, y[j], (ting_real)-0.3 * sum, 12, size);
            ting_real one;
            kern->dots(1, n, (ting_real)-0.3, x, b + j * ld, ld, &one);
            assert_memory_equal(&one, &y[j], sizeof one); /* alone or in company */
        }
        guard_normal(&rng, n, 1, z);
        ting_real before[257];
        memcpy(before, z, (size_t)n * sizeof *z);
        kern->mix(m, n, (ting_real)0.7, w, step, b, ld, z);
        for (int i = 0; i < n; i++) {
            long double sum = 0, size = fabsl(before[i]);
            for (int j = 0; j < m; j++)
                sum += (long double)w[j * step] * b[j * ld + i], size += fabsl((long double)w[j * step] * b[j * ld + i]);
            near("mix", n, i, z[i], before[i] + (ting_real)0.7 * sum, 12, size);
        }
    }
}

static void products(void **state)
{
    (void)state;
    on_every_level(check_products);
}

static void check_cross_entropy(int n)
{
    ting_rng rng = ting_rng_new(2, (uint64_t)n);
    ting_real *x = guard_reals((size_t)n), *g = guard_reals((size_t)n);
    guard_normal(&rng, n, 20, x);
    for (int i = 0; i < n; i++)
        g[i] = (ting_real)0.5;
    long double sum = 0, top = -INFINITY;
    for (int i = 0; i < n; i++)
        top = x[i] > top ? x[i] : top;
    for (int i = 0; i < n; i++)
        sum += expl(x[i] - top);
    ting_real log_sum = kern->log_sum_exp(n, x);
    if (n == 0) {
        assert_true(isinf(log_sum) && log_sum < 0);
        return;
    }
    near("log_sum_exp", n, 0, log_sum, top + logl(sum), 4, fabsl(top) + 5);
    kern->cross_entropy_grad(n, x, log_sum, 3, (ting_real)0.01, g);
    for (int i = 0; i < n; i++) /* the difference x - log_sum, at most 200 here, is rounded before exp */
        near("cross_entropy_grad", n, i, g[i], 0.5L + 3 * (expl((long double)x[i] - log_sum) - (ting_real)0.01), 8, 8);
    for (int i = 0; i < n; i++)
        x[i] = -(ting_real)INFINITY;
    assert_true(isinf(kern->log_sum_exp(n, x)));
    x[n - 1] = (ting_real)NAN;
    assert_true(isnan(kern->log_sum_exp(n, x)));
}

static void cross_entropy(void **state)
{
    (void)state;
    on_every_level(check_cross_entropy);
}

static void check_layer_norm(int n)
{
    ting_rng rng = ting_rng_new(3, (uint64_t)n);
    ting_real *v[6]; /* x, gamma, gy, gx, ggamma, gbeta */
    for (int i = 0; i < 6; i++) {
        v[i] = guard_reals((size_t)n);
        guard_normal(&rng, n, 1, v[i]);
    }
    ting_real before[3][257], mean = (ting_real)0.2, rstd = (ting_real)1.3;
    for (int i = 0; i < 3; i++)
        memcpy(before[i], v[3 + i], (size_t)n * sizeof(ting_real));
    long double sum = 0, product = 0, size = 0;
    for (int i = 0; i < n; i++) {
        long double g = (long double)v[1][i] * v[2][i], norm = ((long double)v[0][i] - mean) * rstd;
        sum += g, product += g * norm, size += fabsl(g) * (1 + fabsl(norm));
    }
    kern->layer_norm_grad(n, v[0], v[1], mean, rstd, v[2], v[3], v[4], v[5]);
    for (int i = 0; i < n; i++) {
        long double g = (long double)v[1][i] * v[2][i], norm = ((long double)v[0][i] - mean) * rstd;
        long double all = fabsl(g) + (1 + fabsl(norm)) * size / n;
        near("gx", n, i, v[3][i], before[0][i] + rstd * (g - sum / n - norm * product / n), 12, fabsl(before[0][i]) + 2 * all);
        near("ggamma", n, i, v[4][i], before[1][i] + v[2][i] * norm, 4, fabsl(before[1][i]) + fabsl(v[2][i]) * (1 + fabsl(norm)));
        near("gbeta", n, i, v[5][i], (long double)before[2][i] + v[2][i], 1, fabsl(before[2][i]) + fabsl(v[2][i]));
    }
    ting_real kept[257];
    memcpy(kept, v[4], (size_t)n * sizeof *kept);
    kern->layer_norm_grad(n, v[0], v[1], mean, rstd, v[2], NULL, v[4], v[5]);
    for (int i = 0; i < n; i++)
        near("ggamma again", n, i, v[4][i] - kept[i], (long double)kept[i] - before[1][i], 8, 8);
}

static void layer_norm(void **state)
{
    (void)state;
    on_every_level(check_layer_norm);
}

/* The mask is the same on every level, at any starting number, and drops what it should. */
static void check_mask(int n)
{
    ting_real *mask = guard_reals((size_t)n);
    const uint64_t key = 12345, counter = 1000;
    kern->dropout_mask(n, key, counter, 16384, (ting_real)1.25, mask);
    for (int i = 0; i < n; i++) {
        uint64_t number = ting_rng_at(key, counter + (uint64_t)i / 4);
        bool dropped = (number >> (16 * (i % 4)) & 0xFFFF) < 16384;
        assert_true(mask[i] == (dropped ? 0 : (ting_real)1.25));
    }
    enum { MANY = 100000 };
    static ting_real many[MANY];
    if (n != 257)
        return;
    int dropped = 0;
    kern->dropout_mask(MANY, key, counter, 16384, 1, many);
    for (int i = 0; i < MANY; i++)
        dropped += many[i] == 0;
    /* mean 25000, deviation sqrt(100000 x 1/4 x 3/4) = 137: 5 sigma */
    assert_in_range(dropped, 25000 - 685, 25000 + 685);
}

static void dropout_mask(void **state)
{
    (void)state;
    on_every_level(check_mask);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(products),
        cmocka_unit_test(cross_entropy),
        cmocka_unit_test(layer_norm),
        cmocka_unit_test(dropout_mask),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
