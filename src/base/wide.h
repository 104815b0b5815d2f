/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wide.h - non-negative numbers whose exponent does not run out: sums and products of probabilities along paths of any
 * length, without a logarithm.
 *
 *     value = m 2^(512 e),   2^-256 <= m < 2^256, or m = 0
 *
 * A double alone ends at 2^-1074, which 100 frames of small probabilities pass. Kept as logarithms, each addition costs an
 * exponential and a logarithm; here it costs an addition and a comparison, and its relative error is that of a double
 * however small the value is. NaN stays NaN.
 */
#ifndef TING_BASE_WIDE_H
#define TING_BASE_WIDE_H

#include <math.h>
#include <stdint.h>

typedef struct ting_wide {
    double m;
    int64_t e;
} ting_wide;

#define TING_WIDE_ZERO ((ting_wide){0, -((int64_t)1 << 60)}) /* the least exponent: it never outweighs a summand */
#define TING_WIDE_ONE  ((ting_wide){1, 0})

/* Brings m, in 2^-768 .. 2^768, back into its range. */
static inline ting_wide ting_wide_fit(double m, int64_t e)
{
    if (m < 0x1p-256)
        return m == 0 ? TING_WIDE_ZERO : (ting_wide){m * 0x1p512, e - 1};
    if (m >= 0x1p256)
        return (ting_wide){m * 0x1p-512, e + 1};
    return (ting_wide){m, e};
}

static inline ting_wide ting_wide_mul(ting_wide a, ting_wide b)
{
    return ting_wide_fit(a.m * b.m, a.e + b.e);
}

/* 1 / a, a above 0 */
static inline ting_wide ting_wide_inverse(ting_wide a)
{
    return ting_wide_fit(1 / a.m, -a.e);
}

/* The sum; m may be a little above its range until the next product. Two exponents apart is less than any rounding. */
static inline ting_wide ting_wide_add(ting_wide a, ting_wide b)
{
    if (a.e == b.e)
        return (ting_wide){a.m + b.m, a.e};
    const ting_wide high = a.e > b.e ? a : b, low = a.e > b.e ? b : a;
    return (ting_wide){high.m + low.m * (high.e - low.e == 1 ? 0x1p-512 : 0), high.e};
}

/* exp(x); 0 below -1e15. */
static inline ting_wide ting_wide_exp(double x)
{
    static const double step = 354.89135644669199; /* 512 ln 2 */
    if (x > -177 && x < 177)
        return (ting_wide){exp(x), 0};
    if (!(x > -1e15 && x < 1e15))
        return x < 0 ? TING_WIDE_ZERO : (ting_wide){x, 0};
    const double e = rint(x / step);
    return ting_wide_fit(exp(x - e * step), (int64_t)e);
}

/* ln a; minus infinity of 0 */
static inline double ting_wide_log(ting_wide a)
{
    return a.m == 0 ? -INFINITY : log(a.m) + (double)a.e * 354.89135644669199;
}

/* A value near or below 1 as a double: anything below 2^-256 is 0. */
static inline double ting_wide_share(ting_wide a)
{
    return a.e == 0 ? a.m : a.e < 0 ? a.m * 0 : a.m * 0x1p512;
}

#endif
