/* SPDX-License-Identifier: Apache-2.0 */
/*
 * math.h - exponential functions on vectors: included after vec_<set>.h.
 *
 * Polynomials are minimax fits (Lawson iteration in double on 400 Chebyshev nodes), their own error is
 * below a quarter ulp; what remains is rounding. tests/kern/test_kern.c states and checks the error
 * of each function. NaN in, NaN out; denormal results are kept.
 */

#define INLINE static inline __attribute__((always_inline))

/* exp(r) - 1 for |r| <= ln(2) / 2: r + r^2 P(r). */
INLINE vec small_expm1(vec r)
{
    vec p = v_set(0.0013946552f);
    p = v_fma(p, r, v_set(0.008366644f));
    p = v_fma(p, r, v_set(0.04166628f));
    p = v_fma(p, r, v_set(0.16666542f));
    p = v_fma(p, r, v_set(0.5f));
    return v_fma(v_mul(r, r), p, r);
}

/* x = n ln(2) + r with |r| <= ln(2) / 2; ln(2) in two parts so that n times the first is exact. */
INLINE vec reduce_exp(vec x, vec *n)
{
    *n = v_round(v_mul(x, v_set(1.44269504f)));
    vec r = v_fnma(*n, v_set(0.693359375f), x);
    return v_fnma(*n, v_set(-2.12194440e-4f), r);
}

INLINE vec v_exp(vec x)
{
    vec n;
    x = v_max(v_set(-104.0f), v_min(v_set(89.0f), x)); /* below: 0; above: infinity */
    vec r = reduce_exp(x, &n);
    vec half = v_round(v_mul(n, v_set(0.5f))); /* 2^n in two factors: n reaches -150 and 128 */
    vec e = v_add(v_set(1.0f), small_expm1(r));
    return v_mul(v_mul(e, v_pow2(half)), v_pow2(v_sub(n, half)));
}

/* exp(x) - 1 for x <= 0, exact where exp(x) is near 1. */
INLINE vec v_expm1_negative(vec x)
{
    vec n;
    vec r = reduce_exp(v_max(v_set(-30.0f), x), &n);
    vec scale = v_pow2(n);
    return v_fma(scale, small_expm1(r), v_sub(scale, v_set(1.0f)));
}

/* 1 / (1 + exp(-x)), by exp(-|x|) so that neither end loses digits. */
INLINE vec v_sigmoid(vec x)
{
    const vec one = v_set(1.0f);
    vec e = v_exp(v_sub(v_zero(), v_abs(x)));
    return v_div(v_select(v_less(x, v_zero()), e, one), v_add(one, e));
}

/* log(1 + exp(x)) = max(x, 0) + log1p(e), e = exp(-|x|); log1p(e) = 2 atanh(s), s = e / (2 + e) <= 1 / 3,
 * atanh(s) = s + s z Q(z), z = s^2. */
INLINE vec v_softplus(vec x)
{
    vec e = v_exp(v_sub(v_zero(), v_abs(x)));
    vec s = v_div(e, v_add(v_set(2.0f), e));
    vec z = v_mul(s, s);
    vec q = v_set(0.14006762f);
    q = v_fma(q, z, v_set(0.1400075f));
    q = v_fma(q, z, v_set(0.20010772f));
    q = v_fma(q, z, v_set(0.3333321f));
    vec atanh_s = v_fma(v_mul(s, z), q, s);
    return v_fma(v_set(2.0f), atanh_s, v_max(v_zero(), x));
}

/* x + x z T(z), z = x^2, for |x| < 0.625; 1 - 2 / (exp(2 |x|) + 1) with the sign of x beyond. */
INLINE vec v_tanh(vec x)
{
    vec size = v_abs(x);
    vec z = v_mul(x, x);
    vec t = v_set(-0.005717037f);
    t = v_fma(t, z, v_set(0.020650579f));
    t = v_fma(t, z, v_set(-0.053743497f));
    t = v_fma(t, z, v_set(0.13331491f));
    t = v_fma(t, z, v_set(-0.33333284f));
    vec near_zero = v_fma(v_mul(x, z), t, x);
    vec e = v_exp(v_add(size, size));
    vec far = v_sub(v_set(1.0f), v_div(v_set(2.0f), v_add(e, v_set(1.0f))));
    return v_select(v_less(size, v_set(0.625f)), near_zero, v_copysign(far, x));
}

/* Phi(x), the normal distribution, and exp(-x^2 / 2). With z = |x| / sqrt(2), t = 1 / (1 + 0.3 z):
 * erfc(z) = exp(-z^2) t P(t). The square's rounding error is put back, or it would grow 2 z^2 times. */
INLINE vec v_normal(vec x, vec *density)
{
    const vec one = v_set(1.0f);
    vec size = v_min(v_set(20.0f), v_abs(x)); /* Phi(-20) is below the smallest float */
    vec square = v_mul(size, size);
    vec rest = v_sub(v_zero(), v_fnma(size, size, square)); /* size^2 = square + rest */
    vec e = v_exp(v_mul(square, v_set(-0.5f)));
    e = v_fnma(e, v_mul(rest, v_set(0.5f)), e);
    vec t = v_div(one, v_fma(size, v_set(0.212132034f), one));
    vec p = v_set(-0.12955411f);
    p = v_fma(p, t, v_set(0.48572704f));
    p = v_fma(p, t, v_set(-0.5126469f));
    p = v_fma(p, t, v_set(0.5481843f));
    p = v_fma(p, t, v_set(-0.095007464f));
    p = v_fma(p, t, v_set(0.21509717f));
    p = v_fma(p, t, v_set(0.14828922f));
    p = v_fma(p, t, v_set(0.17072333f));
    p = v_fma(p, t, v_set(0.16918744f));
    vec tail = v_mul(v_mul(v_mul(e, t), p), v_set(0.5f));
    *density = e;
    return v_select(v_less(x, v_zero()), tail, v_sub(one, tail));
}
