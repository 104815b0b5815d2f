/* SPDX-License-Identifier: Apache-2.0 */
/* test_wide.c - numbers whose exponent does not run out, against logarithms in long double. */
#include "support/support.h"

#include "base/rng.h"
#include "base/wide.h"

#include <math.h>

/* Equal as logarithms: a product of n numbers rounds n times, and ln itself to an ulp of its size. */
static void near(ting_wide got, long double want, double roundings)
{
    const double error = fabs(ting_wide_log(got) - (double)want);
    if (!(error <= roundings * 0x1p-53 + 4 * 0x1p-53 * fabs((double)want)))
        fail_msg("exp(%.17g), want exp(%.17g)", ting_wide_log(got), (double)want);
}

static void products_of_any_length(void **state)
{
    (void)state;
    ting_rng rng = ting_rng_new(1, 0);
    for (int size = 1; size <= 1000; size *= 10) {
        ting_wide product = TING_WIDE_ONE;
        long double logarithm = 0;
        for (int i = 0; i < 3000; i++) {
            const double x = size * ting_rng_normal(&rng) - size;
            product = ting_wide_mul(product, ting_wide_exp(x));
            logarithm += (long double)x;
            assert_true(product.m >= 0x1p-256 && product.m < 0x1p256);
        }
        /* each factor: exp to an ulp of its argument, and the product's own rounding */
        near(product, logarithm, 3000 * (4.0 * size + 2));
        near(ting_wide_mul(product, ting_wide_inverse(product)), 0, 4);
    }
}

/* Summands up to three ranges apart, on both sides of each border. */
static void sums(void **state)
{
    (void)state;
    ting_rng rng = ting_rng_new(2, 0);
    for (int round = 0; round < 20000; round++) {
        const double x = 600 * ting_rng_normal(&rng),
                     y = round % 2 ? x + ting_rng_normal(&rng) : 600 * ting_rng_normal(&rng);
        const long double top = x > y ? (long double)x : (long double)y, low = x > y ? (long double)y : (long double)x;
        near(ting_wide_add(ting_wide_exp(x), ting_wide_exp(y)), top + log1pl(expl(low - top)),
             2 * fabs(x) + 2 * fabs(y) + 8);
    }
}

static void borders(void **state)
{
    (void)state;
    const ting_wide zero = TING_WIDE_ZERO, small = ting_wide_exp(-1e6);
    assert_true(ting_wide_exp(-INFINITY).m == 0 && ting_wide_exp(-1e300).m == 0 && ting_wide_log(zero) == -INFINITY);
    assert_true(ting_wide_mul(zero, small).m == 0 && ting_wide_mul(zero, zero).m == 0);
    assert_true(ting_wide_log(ting_wide_add(zero, small)) == ting_wide_log(small));
    assert_true(ting_wide_add(zero, zero).m == 0);
    assert_true(ting_wide_share(small) == 0 && ting_wide_share(zero) == 0 && ting_wide_share(TING_WIDE_ONE) == 1);
    assert_true(fabs(ting_wide_share(ting_wide_exp(-100)) - exp(-100)) == 0);
    const ting_wide nan = ting_wide_exp(NAN);
    assert_true(isnan(nan.m) && isnan(ting_wide_mul(nan, small).m) && isnan(ting_wide_mul(zero, nan).m));
    assert_true(isnan(ting_wide_add(nan, small).m) && isnan(ting_wide_add(zero, nan).m) && isnan(ting_wide_log(nan)));
    assert_true(isnan(ting_wide_add(ting_wide_mul(nan, small), TING_WIDE_ONE).m)); /* NaN with a lower exponent */
    assert_true(isnan(ting_wide_share(ting_wide_mul(nan, small))));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(products_of_any_length), cmocka_unit_test(sums),
                                       cmocka_unit_test(borders)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
