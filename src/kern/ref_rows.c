/* SPDX-License-Identifier: Apache-2.0 */
/* ref_rows.c - ref.c continued: one row with many rows, and kernels of training. */
#include "base/rng.h"
#include "kern/levels.h"

#include <math.h>
#include <tgmath.h>

void ting_dots_ref(int m, int n, ting_real s, const ting_real *x, const ting_real *b, ptrdiff_t ldb,
                   ting_real *y)
{
    for (int j = 0; j < m; j++)
        y[j] = s * ting_dot_ref(n, x, b + j * ldb);
}

void ting_mix_ref(int m, int n, ting_real s, const ting_real *w, ptrdiff_t sw, const ting_real *b,
                  ptrdiff_t ldb, ting_real *y)
{
    for (int c = 0; c < n; c++) {
        double sum = 0;
        for (int j = 0; j < m; j++)
            sum += (double)w[j * sw] * (double)b[j * ldb + c];
        y[c] += s * (ting_real)sum;
    }
}

ting_real ting_log_sum_exp_ref(int n, const ting_real *x)
{
    ting_real top = ting_max_ref(n, x);
    if (top == -(ting_real)INFINITY)
        return top;
    double sum = 0;
    for (int i = 0; i < n; i++)
        sum += (double)exp(x[i] - top);
    return top + (ting_real)log(sum);
}

void ting_cross_entropy_grad_ref(int n, const ting_real *x, ting_real log_sum, ting_real s, ting_real even,
                                 ting_real *gx)
{
    for (int i = 0; i < n; i++)
        gx[i] += s * (exp(x[i] - log_sum) - even);
}

void ting_layer_norm_grad_ref(int n, const ting_real *x, const ting_real *gamma, ting_real mean, ting_real rstd,
                              const ting_real *gy, ting_real *gx, ting_real *ggamma, ting_real *gbeta)
{
    double sum = 0, product = 0;
    for (int i = 0; i < n; i++) {
        ting_real norm = (x[i] - mean) * rstd;
        sum += (double)(gy[i] * gamma[i]);
        product += (double)(gy[i] * gamma[i]) * (double)norm;
        ggamma[i] += gy[i] * norm;
        gbeta[i] += gy[i];
    }
    for (int i = 0; gx != NULL && i < n; i++) {
        ting_real norm = (x[i] - mean) * rstd;
        gx[i] += rstd * (gy[i] * gamma[i] - (ting_real)(sum / n) - norm * (ting_real)(product / n));
    }
}

void ting_dropout_mask_ref(int n, uint64_t key, uint64_t counter, uint32_t threshold, ting_real keep, ting_real *y)
{
    for (int i = 0; i < n; i++) {
        uint64_t number = ting_rng_at(key, counter + (uint64_t)(i / 4));
        y[i] = (uint32_t)(number >> (16 * (i % 4)) & 0xFFFF) < threshold ? 0 : keep;
    }
}
