/* SPDX-License-Identifier: Apache-2.0 */
/* vector_rows.h - the second part of vector.h: one row with many rows, and kernels of training. */
#include "base/rng.h"

#include <string.h>

/* y[0 .. ROWS - 1] = s x . b_j: a row's sum is one chain of whole vectors, whatever ROWS is. */
#define DOTS(ROWS, j)                                                                        \
    do {                                                                                     \
        vec sum[ROWS];                                                                       \
        for (int r = 0; r < ROWS; r++)                                                       \
            sum[r] = v_zero();                                                               \
        VECTORS(n, vec value = GET(x); for (int r = 0; r < ROWS; r++) sum[r] =               \
                                           v_fma(value, GET(b + ((j) + r) * ldb), sum[r]););  \
        for (int r = 0; r < ROWS; r++)                                                       \
            y[(j) + r] = s * v_sum(sum[r]);                                                  \
    } while (0)

void NAME(dots)(int m, int n, float s, const float *x, const float *b, ptrdiff_t ldb, float *y)
{
    int j = 0;
    for (; j + 4 <= m; j += 4)
        DOTS(4, j);
    for (; j < m; j++)
        DOTS(1, j);
}

/* VECS vectors of y from column c on stay in registers while the rows pass by. */
#define MIX(VECS, c)                                                                         \
    do {                                                                                     \
        vec sum[VECS];                                                                       \
        for (int k = 0; k < VECS; k++)                                                       \
            sum[k] = v_zero();                                                               \
        for (int j = 0; j < m; j++) {                                                        \
            const vec by = v_set(w[j * sw]);                                                 \
            for (int k = 0; k < VECS; k++)                                                   \
                sum[k] = v_fma(by, v_load(b + j * ldb + (c) + k * LANES), sum[k]);           \
        }                                                                                    \
        for (int k = 0; k < VECS; k++)                                                       \
            v_store(y + (c) + k * LANES, v_fma(factor, sum[k], v_load(y + (c) + k * LANES))); \
    } while (0)

void NAME(mix)(int m, int n, float s, const float *w, ptrdiff_t sw, const float *b, ptrdiff_t ldb, float *y)
{
    const vec factor = v_set(s);
    int c = 0;
    for (; c + 4 * LANES <= n; c += 4 * LANES)
        MIX(4, c);
    for (; c + LANES <= n; c += LANES)
        MIX(1, c);
    if (c < n) {
        const vpart part = v_part(n - c);
        vec sum = v_zero();
        for (int j = 0; j < m; j++)
            sum = v_fma(v_set(w[j * sw]), v_load_part(b + j * ldb + c, part), sum);
        v_store_part(y + c, part, v_fma(factor, sum, v_load_part(y + c, part)));
    }
}

float NAME(log_sum_exp)(int n, const float *x)
{
    float top = NAME(max)(n, x);
    if (top == -INFINITY)
        return top;
    const vec shift = v_set(top);
    vec sums = v_zero();
    VECTORS(n, sums = v_add(sums, ONLY(v_exp(v_sub(GET(x), shift)), v_zero())););
    return top + logf(v_sum(sums));
}

void NAME(cross_entropy_grad)(int n, const float *x, float log_sum, float s, float even, float *gx)
{
    const vec shift = v_set(log_sum);
    const vec factor = v_set(s);
    const vec rest = v_set(even);
    VECTORS(n, PUT(gx, v_fma(factor, v_sub(v_exp(v_sub(GET(x), shift)), rest), GET(gx))););
}

void NAME(layer_norm_grad)(int n, const float *x, const float *gamma, float mean, float rstd, const float *gy,
                           float *gx, float *ggamma, float *gbeta)
{
    const vec shift = v_set(mean);
    const vec by = v_set(rstd);
    vec sum = v_zero(), product = v_zero();
    VECTORS(n, vec slope = GET(gy); vec norm = v_mul(v_sub(GET(x), shift), by); vec g = v_mul(slope, GET(gamma));
            PUT(ggamma, v_fma(slope, norm, GET(ggamma))); PUT(gbeta, v_add(slope, GET(gbeta)));
            sum = v_add(sum, g); product = v_fma(g, ONLY(norm, v_zero()), product););
    if (gx == NULL || n == 0)
        return;
    const vec mean_g = v_set(v_sum(sum) / (float)n);
    const vec mean_product = v_set(v_sum(product) / (float)n);
    VECTORS(n, vec norm = v_mul(v_sub(GET(x), shift), by);
            vec g = v_fnma(norm, mean_product, v_fma(GET(gy), GET(gamma), v_sub(v_zero(), mean_g)));
            PUT(gx, v_fma(by, g, GET(gx))););
}

/* Plain C that the compiler turns into vectors: the numbers of a block, then their 16-bit parts. */
void NAME(dropout_mask)(int n, uint64_t key, uint64_t counter, uint32_t threshold, float keep, float *y)
{
    enum { NUMBERS = 64 };
    uint64_t numbers[NUMBERS];
    uint16_t parts[4 * NUMBERS];
    for (int first = 0; first < n; first += 4 * NUMBERS, counter += NUMBERS) {
        int count = n - first < 4 * NUMBERS ? n - first : 4 * NUMBERS;
        for (int i = 0; i < NUMBERS; i++)
            numbers[i] = ting_rng_at(key, counter + (uint64_t)i);
        memcpy(parts, numbers, sizeof parts); /* x86 and ARM: the low bits come first */
        for (int i = 0; i < count; i++)
            y[first + i] = parts[i] < threshold ? 0 : keep;
    }
}
