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
    return v_times_pow2(v_add(v_set(1.0f), small_expm1(r)), n);
}

/* exp(x) - 1 for x <= 0, exact where exp(x) is near 1. */
INLINE vec v_expm1_negative(vec x)
{
    vec n;
    vec r = reduce_exp(v_max(v_set(-30.0f), x), &n);
    vec scale = v_pow2(n);
    return v_fma(scale, small_expm1(r), v_sub(scale, v_set(1.0f)));
}

/* 1 / (1 + exp(-x)), by e = exp(-|x|) so that neither end loses digits; and its slope e / (1 + e)^2. */
INLINE vec sigmoid_and_slope(vec x, vec *slope)
{
    const vec one = v_set(1.0f);
    vec e = v_exp(v_sub(v_zero(), v_abs(x)));
    vec r = v_reciprocal(v_add(one, e));
    vec low = v_mul(e, r);
    *slope = v_mul(low, r);
    return v_select(v_less(x, v_zero()), low, r);
}

INLINE vec v_sigmoid(vec x)
{
    vec slope;
    return sigmoid_and_slope(x, &slope);
}

/* log(1 + exp(x)) = max(x, 0) + log1p(e), e = exp(-|x|); log1p(e) = e L(e) for 0 <= e <= 1. */
INLINE vec v_softplus(vec x)
{
    vec e = v_exp(v_sub(v_zero(), v_abs(x)));
    vec l = v_set(-0.0032440212f);
    l = v_fma(l, e, v_set(0.019851444f));
    l = v_fma(l, e, v_set(-0.0569595f));
    l = v_fma(l, e, v_set(0.106036514f));
    l = v_fma(l, e, v_set(-0.1530559f));
    l = v_fma(l, e, v_set(0.19675939f));
    l = v_fma(l, e, v_set(-0.24954134f));
    l = v_fma(l, e, v_set(0.33329964f));
    l = v_fma(l, e, v_set(-0.49999902f));
    l = v_fma(l, e, v_set(1.0f));
    return v_fma(l, e, v_max(v_zero(), x));
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
    vec e = v_exp(v_min(v_set(40.0f), v_add(size, size))); /* beyond, 1 is reached */
    vec far = v_fnma(v_set(2.0f), v_reciprocal(v_add(e, v_set(1.0f))), v_set(1.0f));
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
    vec t = v_reciprocal(v_fma(size, v_set(0.212132034f), one));
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
