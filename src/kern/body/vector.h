/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vector.h - the kernels of kern.def for an instruction set: a body that is included once per set, after
 * vec_<set>.h and with LEVEL defined.
 *
 * VECTORS(n, statements) runs the statements for whole vectors and once more for the rest, where GET
 * reads zeros and PUT writes nothing beyond n. Both do the same operations in each lane, so an element's
 * result does not depend on where in the array it stands.
 */
#include "kern/body/math.h"
#include "kern/levels.h"

#include <math.h>

#define LEVEL_NAME_(name, level) ting_##name##_##level
#define LEVEL_NAME(name, level)  LEVEL_NAME_(name, level)
#define NAME(name)               LEVEL_NAME(name, LEVEL)

#define VECTORS(n, ...)                              \
    do {                                             \
        int i = 0;                                   \
        for (; i <= (n) - LANES; i += LANES) {       \
            enum { FULL = 1 };                       \
            const vpart part = v_part(LANES);        \
            (void)part;                              \
            __VA_ARGS__                              \
        }                                            \
        if (i < (n)) {                               \
            enum { FULL = 0 };                       \
            const vpart part = v_part((n) - i);      \
            __VA_ARGS__                              \
        }                                            \
    } while (0)
#define GET(p)    (FULL ? v_load((p) + i) : v_load_part((p) + i, part))
#define PUT(p, x)                                \
    do {                                         \
        if (FULL)                                \
            v_store((p) + i, (x));               \
        else                                     \
            v_store_part((p) + i, part, (x));    \
    } while (0)
/* x where the array has elements, `rest` beyond. */
#define ONLY(x, rest) (FULL ? (x) : v_fill_part((x), part, (rest)))

/* ---- element by element ---- */

void NAME(add)(int n, const float *a, const float *b, float *y)
{
    VECTORS(n, PUT(y, v_add(GET(a), GET(b))););
}

void NAME(mul)(int n, const float *a, const float *b, float *y)
{
    VECTORS(n, PUT(y, v_mul(GET(a), GET(b))););
}

void NAME(muladd)(int n, const float *a, const float *b, float *y)
{
    VECTORS(n, PUT(y, v_fma(GET(a), GET(b), GET(y))););
}

void NAME(scale)(int n, float s, const float *x, float *y)
{
    const vec factor = v_set(s);
    VECTORS(n, PUT(y, v_mul(factor, GET(x))););
}

void NAME(axpy)(int n, float s, const float *x, float *y)
{
    const vec factor = v_set(s);
    VECTORS(n, PUT(y, v_fma(factor, GET(x), GET(y))););
}

void NAME(lerp)(int n, const float *a, const float *b, const float *s, float *y)
{
    VECTORS(n, vec from = GET(a); PUT(y, v_fma(GET(s), v_sub(GET(b), from), from)););
}

void NAME(balance)(int n, const float *x, const float *mean, const float *level, const float *tilt, float *g)
{
    VECTORS(n, vec old = GET(g); PUT(g, v_fma(v_abs(old), v_fma(GET(tilt), v_sub(GET(x), GET(mean)), GET(level)), old)););
}

/* ---- reductions ---- */

typedef enum term { TERM_VALUE, TERM_PRODUCT, TERM_SQUARED_DIFFERENCE } term;

INLINE vec add_term(const term kind, vec sum, vec a, vec b)
{
    switch (kind) {
    case TERM_PRODUCT: return v_fma(a, b, sum);
    case TERM_SQUARED_DIFFERENCE: {
        vec d = v_sub(a, b);
        return v_fma(d, d, sum);
    }
    case TERM_VALUE: break;
    }
    return v_add(sum, a);
}

/* The sum of at most BLOCK terms in four vectors of partial sums. b, when not NULL, is the second array;
 * otherwise every second value is `same`. */
enum { BLOCK = 4096 };
INLINE float sum_block(const term kind, int n, const float *a, const float *b, float same)
{
    vec sum[4] = {v_zero(), v_zero(), v_zero(), v_zero()};
    const vec constant = v_set(same);
    int whole = n - n % (4 * LANES);
    for (int i = 0; i < whole; i += 4 * LANES)
        for (int j = 0; j < 4; j++)
            sum[j] = add_term(kind, sum[j], v_load(a + i + j * LANES),
                              b == NULL ? constant : v_load(b + i + j * LANES));
    const float *rest_a = a + whole, *rest_b = b == NULL ? NULL : b + whole;
    VECTORS(n - whole, sum[0] = add_term(kind, sum[0], GET(rest_a),
                                         rest_b == NULL ? ONLY(constant, v_zero()) : GET(rest_b)););
    return v_sum(v_add(v_add(sum[0], sum[1]), v_add(sum[2], sum[3])));
}

/* Blocks are summed in double, so the error does not grow with n. */
INLINE double sum_terms(const term kind, int n, const float *a, const float *b, float same)
{
    double sum = 0;
    for (int i = 0; i < n; i += BLOCK)
        sum += (double)sum_block(kind, n - i < BLOCK ? n - i : BLOCK, a + i, b == NULL ? NULL : b + i,
                                 same);
    return sum;
}

float NAME(dot)(int n, const float *a, const float *b)
{
    return (float)sum_terms(TERM_PRODUCT, n, a, b, 0);
}

float NAME(sum)(int n, const float *x)
{
    return (float)sum_terms(TERM_VALUE, n, x, NULL, 0);
}

float NAME(sum_squares)(int n, const float *x)
{
    return (float)sum_terms(TERM_PRODUCT, n, x, x, 0);
}

float NAME(max)(int n, const float *x)
{
    const vec lowest = v_set(-INFINITY);
    vec top = lowest;
    vmask nan = v_never();
    VECTORS(n, vec value = ONLY(GET(x), lowest); top = v_max(value, top);
            nan = v_either(nan, v_is_nan(value)););
    return v_any(nan) ? NAN : v_top(top);
}

/* ---- activations ---- */

/* GELU by tanh is x sigmoid(x (a + b x^2)); beyond 20 the sigmoid is 0 or 1. *square: x^2 there. */
INLINE vec gelu_argument(vec x, vec *square)
{
    vec held = v_max(v_set(-20.0f), v_min(v_set(20.0f), x));
    *square = v_mul(held, held);
    return v_mul(held, v_fma(*square, v_set(0.0713548163f), v_set(1.59576912f)));
}

INLINE vec act_value(const ting_act kind, vec x)
{
    vec density, square;
    switch (kind) {
    case TING_ACT_RELU: return v_max(v_zero(), x);
    case TING_ACT_SIGMOID: return v_sigmoid(x);
    case TING_ACT_TANH: return v_tanh(x);
    case TING_ACT_SILU: return v_mul(x, v_sigmoid(x));
    case TING_ACT_GELU: return v_mul(x, v_normal(x, &density));
    case TING_ACT_ELU: return v_select(v_less(v_zero(), x), x, v_expm1_negative(v_min(v_zero(), x)));
    case TING_ACT_SWOOSH_L:
        return v_sub(v_fnma(x, v_set(0.08f), v_softplus(v_sub(x, v_set(4.0f)))), v_set(0.035f));
    case TING_ACT_SWOOSH_R:
        return v_sub(v_fnma(x, v_set(0.08f), v_softplus(v_sub(x, v_set(1.0f)))), v_set(0.313261687f));
    case TING_ACT_EXP: return v_exp(x);
    case TING_ACT_GELU_TANH: return v_mul(x, v_sigmoid(gelu_argument(x, &square)));
    case TING_ACT_NONE:
    case TING_ACT_COUNT: break;
    }
    return x;
}

INLINE vec act_slope(const ting_act kind, vec x)
{
    const vec one = v_set(1.0f);
    vec s, slope, density, square;
    switch (kind) {
    case TING_ACT_RELU: return v_select(v_less(v_zero(), x), one, v_select(v_is_nan(x), x, v_zero()));
    case TING_ACT_SIGMOID: sigmoid_and_slope(x, &slope); return slope;
    case TING_ACT_TANH: /* 1 - tanh^2 without the cancellation */
        sigmoid_and_slope(v_add(x, x), &slope);
        return v_mul(v_set(4.0f), slope);
    case TING_ACT_SILU: s = sigmoid_and_slope(x, &slope); return v_fma(x, slope, s);
    case TING_ACT_GELU:
        s = v_normal(x, &density);
        return v_fma(v_mul(x, v_set(0.398942280f)), density, s);
    case TING_ACT_ELU: return v_select(v_less(v_zero(), x), one, v_exp(v_min(v_zero(), x)));
    case TING_ACT_SWOOSH_L: return v_sub(v_sigmoid(v_sub(x, v_set(4.0f))), v_set(0.08f));
    case TING_ACT_SWOOSH_R: return v_sub(v_sigmoid(v_sub(x, one)), v_set(0.08f));
    case TING_ACT_EXP: return v_exp(x);
    case TING_ACT_GELU_TANH:
        s = sigmoid_and_slope(gelu_argument(x, &square), &slope);
        return v_fma(v_mul(x, slope), v_fma(square, v_set(0.214064449f), v_set(1.59576912f)), s);
    case TING_ACT_NONE:
    case TING_ACT_COUNT: break;
    }
    return one;
}

/* A loop of its own for each activation. */
#define EACH_ACT(CASE)                                                                       \
    CASE(TING_ACT_RELU) CASE(TING_ACT_SIGMOID) CASE(TING_ACT_TANH) CASE(TING_ACT_SILU)       \
    CASE(TING_ACT_GELU) CASE(TING_ACT_ELU) CASE(TING_ACT_SWOOSH_L) CASE(TING_ACT_SWOOSH_R)   \
    CASE(TING_ACT_EXP) CASE(TING_ACT_GELU_TANH) CASE(TING_ACT_NONE)

void NAME(act)(ting_act kind, int n, const float *x, float *y)
{
    switch (kind) {
#define CASE(KIND) \
    case KIND: VECTORS(n, PUT(y, act_value(KIND, GET(x)));); break;
        EACH_ACT(CASE)
#undef CASE
    case TING_ACT_COUNT: break;
    }
}

/* In place on `rows` rows of n at a distance of ld: one set of constants for a whole tile of a product. */
void NAME(act_rows)(ting_act kind, int rows, int n, float *y, ptrdiff_t ld)
{
    switch (kind) {
#define CASE(KIND)                                                        \
    case KIND:                                                            \
        for (; rows > 0; rows--, y += ld)                                 \
            VECTORS(n, PUT(y, act_value(KIND, GET(y))););                 \
        break;
        EACH_ACT(CASE)
#undef CASE
    case TING_ACT_COUNT: break;
    }
}

void NAME(act_grad)(ting_act kind, int n, const float *x, const float *gy, float *gx)
{
    switch (kind) {
#define CASE(KIND) \
    case KIND: VECTORS(n, PUT(gx, v_fma(act_slope(KIND, GET(x)), GET(gy), GET(gx)));); break;
        EACH_ACT(CASE)
#undef CASE
    case TING_ACT_COUNT: break;
    }
}

void NAME(act_chain)(ting_act kind, int n, const float *x, const float *gy, float *y)
{
    switch (kind) {
#define CASE(KIND) \
    case KIND: VECTORS(n, PUT(y, v_mul(act_slope(KIND, GET(x)), GET(gy)));); break;
        EACH_ACT(CASE)
#undef CASE
    case TING_ACT_COUNT: break;
    }
}

void NAME(act_both)(ting_act kind, int n, const float *x, const float *gy, float *y, float *gx)
{
    switch (kind) {
#define CASE(KIND)                                                                             \
    case KIND:                                                                                 \
        VECTORS(n, const vec value = GET(x); PUT(gx, v_mul(act_slope(KIND, value), GET(gy)));  \
                PUT(y, act_value(KIND, value)););                                              \
        break;
        EACH_ACT(CASE)
#undef CASE
    case TING_ACT_COUNT: break;
    }
}

void NAME(mul_act)(ting_act kind, int n, const float *a, const float *b, float *y)
{
    switch (kind) {
#define CASE(KIND) \
    case KIND: VECTORS(n, PUT(y, v_mul(GET(a), act_value(KIND, GET(b))));); break;
        EACH_ACT(CASE)
#undef CASE
    case TING_ACT_COUNT: break;
    }
}

/* ---- rows ---- */

void NAME(softmax)(int n, const float *x, float *y)
{
    float top = NAME(max)(n, x);
    if (top == -INFINITY)
        top = 0; /* nothing may be chosen: exp(-inf) gives the zeros */
    const vec shift = v_set(top);
    vec sums = v_zero();
    VECTORS(n, vec e = v_exp(v_sub(GET(x), shift)); sums = v_add(sums, ONLY(e, v_zero())); PUT(y, e););
    float sum = v_sum(sums);
    NAME(scale)(n, sum == 0 ? 0 : 1 / sum, y, y);
}

void NAME(softmax_grad)(int n, const float *y, const float *gy, float *gx)
{
    const vec mean = v_set(NAME(dot)(n, y, gy));
    VECTORS(n, PUT(gx, v_fma(GET(y), v_sub(GET(gy), mean), GET(gx))););
}

void NAME(log_softmax)(int n, const float *x, float *y)
{
    float top = NAME(max)(n, x);
    if (top == -INFINITY)
        top = 0;
    const vec shift = v_set(top);
    vec sums = v_zero();
    VECTORS(n, sums = v_add(sums, ONLY(v_exp(v_sub(GET(x), shift)), v_zero())););
    float sum = v_sum(sums);
    const vec log_sum = v_set(sum == 0 ? 0 : logf(sum));
    VECTORS(n, PUT(y, v_sub(v_sub(GET(x), shift), log_sum)););
}

void NAME(layer_norm)(int n, const float *x, const float *gamma, const float *beta, float eps, float *y,
                      float *mean, float *rstd)
{
    double count = n > 0 ? n : 1;
    float average = (float)(sum_terms(TERM_VALUE, n, x, NULL, 0) / count);
    double squares = sum_terms(TERM_SQUARED_DIFFERENCE, n, x, NULL, average);
    float factor = (float)(1 / sqrt(squares / count + (double)eps));
    const vec shift = v_set(average);
    const vec by = v_set(factor);
    VECTORS(n, PUT(y, v_fma(v_mul(v_sub(GET(x), shift), by), GET(gamma), GET(beta))););
    if (mean != NULL)
        *mean = average;
    if (rstd != NULL)
        *rstd = factor;
}

void NAME(bias_norm)(int n, const float *x, const float *bias, float scale, float *y, float *rrms)
{
    double squares = sum_terms(TERM_SQUARED_DIFFERENCE, n, x, bias, 0);
    float factor = (float)(1 / sqrt(squares / (n > 0 ? n : 1)));
    NAME(scale)(n, factor * scale, x, y);
    if (rrms != NULL)
        *rrms = factor;
}

/* ---- the rest ---- */

/* FRAMES outputs of one vector of channels: a weight is read once for all of them. */
#define DEPTHWISE(FRAMES, t)                                                                     \
    VECTORS(channels, vec sum[FRAMES];                                                           \
            for (int f = 0; f < FRAMES; f++) sum[f] = bias == NULL ? v_zero() : GET(bias);       \
            for (int j = 0; j < taps; j++) {                                                     \
                vec tap = GET(w + (ptrdiff_t)j * channels);                                      \
                for (int f = 0; f < FRAMES; f++)                                                 \
                    sum[f] = v_fma(tap, GET(x + (ptrdiff_t)((t) + f + j) * ldx), sum[f]);        \
            } for (int f = 0; f < FRAMES; f++) PUT(y + (ptrdiff_t)((t) + f) * ldy, sum[f]);)

void NAME(depthwise)(int frames, int channels, int taps, const float *x, int ldx, const float *w,
                     const float *bias, float *y, int ldy)
{
    int t = 0;
    for (; t + 8 <= frames; t += 8)
        DEPTHWISE(8, t);
    for (; t + 2 <= frames; t += 2)
        DEPTHWISE(2, t);
    for (; t < frames; t++)
        DEPTHWISE(1, t);
}

/* Eight output frequencies of one vector of channels; WITHIN says which of their inputs exist. */
#define DEPTHWISE2D(WITHIN)                                                                        \
    VECTORS(                                                                                       \
        channels, vec sum[8]; for (int k = 0; k < 8; k++) sum[k] = GET(bias);                      \
        for (int r = 0; r < kt; r++) {                                                             \
            if (rows[r] == NULL)                                                                   \
                continue;                                                                          \
            for (int j = 0; j < kf; j++) {                                                         \
                vec tap = GET(w + ((ptrdiff_t)r * kf + j) * channels);                             \
                const int from = f + j - pad;                                                      \
                for (int k = 0; k < 8; k++)                                                        \
                    if (WITHIN)                                                                    \
                        sum[k] =                                                                   \
                            v_fma(tap, GET(rows[r] + (ptrdiff_t)(from + k) * channels), sum[k]);   \
            }                                                                                      \
        } for (int k = 0; k < 8; k++) if (k < count)                                               \
            PUT(y + (ptrdiff_t)(f + k) * channels, sum[k]);)

void NAME(depthwise2d)(int freq, int pad, int channels, int kt, int kf, const float *const *rows,
                       const float *w, const float *bias, float *y)
{
    const int out = freq + 2 * pad - kf + 1;
    for (int f = 0; f < out; f += 8) {
        const int count = out - f < 8 ? out - f : 8;
        if (f >= pad && count == 8 && f + 7 + kf - 1 - pad < freq) {
            DEPTHWISE2D(1);
        } else {
            DEPTHWISE2D(k < count && from + k >= 0 && from + k < freq);
        }
    }
}

void NAME(adamw)(int n, float *w, const float *g, float *m, float *v, float beta1, float beta2,
                 float step_size, float root, float eps, float decay)
{
    const vec keep1 = v_set(beta1);
    const vec keep2 = v_set(beta2);
    const vec take1 = v_set(1 - beta1);
    const vec take2 = v_set(1 - beta2);
    const vec kept = v_set(1 - decay);
    const vec by = v_set(root);
    const vec least = v_set(eps);
    const vec rate = v_set(step_size);
    VECTORS(n, vec slope = GET(g); vec first = v_fma(keep1, GET(m), v_mul(take1, slope));
            vec second = v_fma(keep2, GET(v), v_mul(take2, v_mul(slope, slope))); PUT(m, first);
            PUT(v, second); vec step = v_div(v_mul(rate, first), v_fma(v_sqrt(second), by, least));
            PUT(w, v_sub(v_mul(GET(w), kept), step)););
}

void NAME(scaled_adam)(int n, float *w, const float *g, float *m, float *v, float clip, float beta1, float beta2, float step,
                       float root, float eps, float scale)
{
    const vec keep1 = v_set(beta1);
    const vec keep2 = v_set(beta2);
    const vec take1 = v_set(1 - beta1);
    const vec take2 = v_set(1 - beta2);
    const vec by = v_set(root);
    const vec least = v_set(eps);
    const vec rate = v_set(step);
    const vec size = v_set(scale);
    const vec kept = v_set(clip);
    VECTORS(n, vec slope = v_mul(kept, GET(g)); vec second = v_fma(keep2, GET(v), v_mul(take2, v_mul(slope, slope)));
            PUT(v, second); vec change = v_div(v_mul(rate, slope), v_fma(v_sqrt(second), by, least)); vec old = GET(w);
            vec first = v_fma(keep1, GET(m), v_mul(take1, v_sub(v_mul(size, old), change))); PUT(m, first);
            PUT(w, v_add(old, first)););
}

#include "kern/body/vector_rows.h"
