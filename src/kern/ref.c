/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ref.c - every vector kernel of kern.def in plain C, for ting_real: the meaning of each kernel, the only
 * level of the double build, and what the faster levels are tested against.
 *
 * Written for exactness at the ends of the range (no overflow where the result is finite), not for speed.
 */
#include "kern/levels.h"

#include <math.h>
#include <tgmath.h>

void ting_add_ref(int n, const ting_real *a, const ting_real *b, ting_real *y)
{
    for (int i = 0; i < n; i++)
        y[i] = a[i] + b[i];
}

void ting_mul_ref(int n, const ting_real *a, const ting_real *b, ting_real *y)
{
    for (int i = 0; i < n; i++)
        y[i] = a[i] * b[i];
}

void ting_muladd_ref(int n, const ting_real *a, const ting_real *b, ting_real *y)
{
    for (int i = 0; i < n; i++)
        y[i] += a[i] * b[i];
}

void ting_balance_ref(int n, const ting_real *x, const ting_real *mean, const ting_real *level, const ting_real *tilt, ting_real *g)
{
    for (int i = 0; i < n; i++)
        g[i] += fabs(g[i]) * (level[i] + tilt[i] * (x[i] - mean[i]));
}

void ting_scale_ref(int n, ting_real s, const ting_real *x, ting_real *y)
{
    for (int i = 0; i < n; i++)
        y[i] = s * x[i];
}

void ting_axpy_ref(int n, ting_real s, const ting_real *x, ting_real *y)
{
    for (int i = 0; i < n; i++)
        y[i] += s * x[i];
}

void ting_lerp_ref(int n, const ting_real *a, const ting_real *b, const ting_real *s, ting_real *y)
{
    for (int i = 0; i < n; i++)
        y[i] = a[i] + s[i] * (b[i] - a[i]);
}

/* Reductions sum in double: the yardstick for the levels that sum in float lanes. */
ting_real ting_dot_ref(int n, const ting_real *a, const ting_real *b)
{
    double sum = 0;
    for (int i = 0; i < n; i++)
        sum += (double)a[i] * (double)b[i];
    return (ting_real)sum;
}

ting_real ting_sum_ref(int n, const ting_real *x)
{
    double sum = 0;
    for (int i = 0; i < n; i++)
        sum += (double)x[i];
    return (ting_real)sum;
}

ting_real ting_sum_squares_ref(int n, const ting_real *x)
{
    return ting_dot_ref(n, x, x);
}

ting_real ting_max_ref(int n, const ting_real *x)
{
    ting_real best = -(ting_real)INFINITY;
    for (int i = 0; i < n; i++)
        if (!(x[i] <= best)) {
            best = x[i];
            if (isnan(best))
                break;
        }
    return best;
}

/* 1 / (1 + exp(-x)) without overflow. */
static ting_real sigmoid(ting_real x)
{
    ting_real e = exp(-fabs(x));
    return (x < 0 ? e : (ting_real)1) / (1 + e);
}

/* log(1 + exp(x)) without overflow. */
static ting_real softplus(ting_real x)
{
    return fmax(x, (ting_real)0) + log1p(exp(-fabs(x))); /* fmax drops NaN, the second term keeps it */
}

static const ting_real half_root = (ting_real)0.707106781186547524401;       /* sqrt(1 / 2) */
static const ting_real normal_density_0 = (ting_real)0.398942280401432677940; /* 1 / sqrt(2 pi) */
static const ting_real gelu_linear = (ting_real)1.59576912160573071176;   /* 2 sqrt(2 / pi) */
static const ting_real gelu_cubic = (ting_real)0.0713548162726002487763; /* 0.044715 times that */
static const ting_real swoosh_slope = (ting_real)0.08;
static const ting_real swoosh_l_shift = 4, swoosh_l_offset = (ting_real)0.035;
static const ting_real swoosh_r_shift = 1, swoosh_r_offset = (ting_real)0.313261687;

/* (1 + tanh(u)) / 2 = sigmoid(2 u): the argument of the sigmoid in GELU by tanh. */
static ting_real gelu_argument(ting_real x)
{
    return x * (gelu_linear + gelu_cubic * x * x);
}

/* f(x); infinities follow the limits where the formula has one. */
static ting_real value(ting_act kind, ting_real x)
{
    switch (kind) {
    case TING_ACT_RELU: return x <= 0 ? 0 : x;
    case TING_ACT_SIGMOID: return sigmoid(x);
    case TING_ACT_TANH: return tanh(x);
    case TING_ACT_SILU: return x * sigmoid(x);
    case TING_ACT_GELU: return x * (ting_real)0.5 * erfc(-x * half_root);
    case TING_ACT_ELU: return x > 0 ? x : expm1(x);
    case TING_ACT_SWOOSH_L:
        return softplus(x - swoosh_l_shift) - swoosh_slope * x - swoosh_l_offset;
    case TING_ACT_SWOOSH_R:
        return softplus(x - swoosh_r_shift) - swoosh_slope * x - swoosh_r_offset;
    case TING_ACT_EXP: return exp(x);
    case TING_ACT_GELU_TANH: return x * sigmoid(gelu_argument(x));
    case TING_ACT_NONE:
    case TING_ACT_COUNT: break;
    }
    return x;
}

static ting_real derivative(ting_act kind, ting_real x)
{
    const ting_real bent = kind == TING_ACT_GELU_TANH ? gelu_argument(x) : 0;
    switch (kind) {
    case TING_ACT_RELU: return x > 0 ? 1 : x <= 0 ? 0 : x;
    case TING_ACT_SIGMOID: return sigmoid(x) * sigmoid(-x);
    case TING_ACT_TANH: return 4 * sigmoid(2 * x) * sigmoid(-2 * x);
    case TING_ACT_SILU: return sigmoid(x) * (1 + x * sigmoid(-x));
    case TING_ACT_GELU:
        return (ting_real)0.5 * erfc(-x * half_root) +
               x * normal_density_0 * exp(x * x * (ting_real)-0.5);
    case TING_ACT_ELU: return x > 0 ? 1 : exp(x);
    case TING_ACT_SWOOSH_L: return sigmoid(x - swoosh_l_shift) - swoosh_slope;
    case TING_ACT_SWOOSH_R: return sigmoid(x - swoosh_r_shift) - swoosh_slope;
    case TING_ACT_EXP: return exp(x);
    case TING_ACT_GELU_TANH:
        return sigmoid(bent) * (1 + x * (gelu_linear + 3 * gelu_cubic * x * x) * sigmoid(-bent));
    case TING_ACT_NONE:
    case TING_ACT_COUNT: break;
    }
    return 1;
}

void ting_act_ref(ting_act kind, int n, const ting_real *x, ting_real *y)
{
    for (int i = 0; i < n; i++)
        y[i] = value(kind, x[i]);
}

void ting_act_grad_ref(ting_act kind, int n, const ting_real *x, const ting_real *gy, ting_real *gx)
{
    for (int i = 0; i < n; i++)
        gx[i] += derivative(kind, x[i]) * gy[i];
}

void ting_act_chain_ref(ting_act kind, int n, const ting_real *x, const ting_real *gy, ting_real *y)
{
    for (int i = 0; i < n; i++)
        y[i] = derivative(kind, x[i]) * gy[i];
}

void ting_act_both_ref(ting_act kind, int n, const ting_real *x, const ting_real *gy, ting_real *y, ting_real *gx)
{
    ting_act_chain_ref(kind, n, x, gy, gx);
    ting_act_ref(kind, n, x, y);
}

void ting_mul_act_ref(ting_act kind, int n, const ting_real *a, const ting_real *b, ting_real *y)
{
    for (int i = 0; i < n; i++)
        y[i] = a[i] * value(kind, b[i]);
}

void ting_softmax_ref(int n, const ting_real *x, ting_real *y)
{
    ting_real top = ting_max_ref(n, x);
    if (top == -(ting_real)INFINITY)
        top = 0; /* nothing may be chosen: exp(-inf) gives the zeros */
    double sum = 0;
    for (int i = 0; i < n; i++) {
        y[i] = exp(x[i] - top);
        sum += (double)y[i];
    }
    ting_real factor = sum == 0 ? 0 : (ting_real)(1 / sum);
    for (int i = 0; i < n; i++)
        y[i] *= factor;
}

void ting_softmax_grad_ref(int n, const ting_real *y, const ting_real *gy, ting_real *gx)
{
    ting_real mean = ting_dot_ref(n, y, gy);
    for (int i = 0; i < n; i++)
        gx[i] += y[i] * (gy[i] - mean);
}

void ting_log_softmax_ref(int n, const ting_real *x, ting_real *y)
{
    ting_real top = ting_max_ref(n, x);
    if (top == -(ting_real)INFINITY)
        top = 0;
    double sum = 0;
    for (int i = 0; i < n; i++)
        sum += (double)exp(x[i] - top);
    ting_real log_sum = sum == 0 ? 0 : (ting_real)log(sum);
    for (int i = 0; i < n; i++)
        y[i] = (x[i] - top) - log_sum;
}

void ting_layer_norm_ref(int n, const ting_real *x, const ting_real *gamma, const ting_real *beta,
                         ting_real eps, ting_real *y, ting_real *mean, ting_real *rstd)
{
    ting_real average = n > 0 ? ting_sum_ref(n, x) / n : 0;
    double squares = 0;
    for (int i = 0; i < n; i++)
        squares += (double)(x[i] - average) * (double)(x[i] - average);
    ting_real factor = (ting_real)(1 / sqrt(squares / (n > 0 ? n : 1) + (double)eps));
    for (int i = 0; i < n; i++)
        y[i] = (x[i] - average) * factor * gamma[i] + beta[i];
    if (mean != NULL)
        *mean = average;
    if (rstd != NULL)
        *rstd = factor;
}

void ting_bias_norm_ref(int n, const ting_real *x, const ting_real *bias, ting_real scale, ting_real *y,
                        ting_real *rrms)
{
    double squares = 0;
    for (int i = 0; i < n; i++)
        squares += (double)(x[i] - bias[i]) * (double)(x[i] - bias[i]);
    ting_real factor = (ting_real)(1 / sqrt(squares / (n > 0 ? n : 1)));
    if (rrms != NULL)
        *rrms = factor;
    ting_scale_ref(n, factor * scale, x, y);
}

void ting_depthwise_ref(int frames, int channels, int taps, const ting_real *x, int ldx,
                        const ting_real *w, const ting_real *bias, ting_real *y, int ldy)
{
    for (int t = 0; t < frames; t++)
        for (int c = 0; c < channels; c++) {
            ting_real sum = bias == NULL ? 0 : bias[c];
            for (int j = 0; j < taps; j++)
                sum += w[(ptrdiff_t)j * channels + c] * x[(ptrdiff_t)(t + j) * ldx + c];
            y[(ptrdiff_t)t * ldy + c] = sum;
        }
}

void ting_depthwise2d_ref(int freq, int pad, int channels, int kt, int kf, const ting_real *const *rows,
                          const ting_real *w, const ting_real *bias, ting_real *y)
{
    for (int f = 0; f < freq + 2 * pad - kf + 1; f++)
        for (int c = 0; c < channels; c++) {
            ting_real sum = bias[c];
            for (int i = 0; i < kt; i++)
                for (int j = 0; j < kf; j++) {
                    int from = f + j - pad;
                    if (rows[i] != NULL && from >= 0 && from < freq)
                        sum += w[((ptrdiff_t)i * kf + j) * channels + c] *
                               rows[i][(ptrdiff_t)from * channels + c];
                }
            y[(ptrdiff_t)f * channels + c] = sum;
        }
}

void ting_adamw_ref(int n, ting_real *w, const ting_real *g, ting_real *m, ting_real *v, ting_real beta1,
                    ting_real beta2, ting_real step_size, ting_real root, ting_real eps,
                    ting_real decay)
{
    for (int i = 0; i < n; i++) {
        m[i] = beta1 * m[i] + (1 - beta1) * g[i];
        v[i] = beta2 * v[i] + (1 - beta2) * g[i] * g[i];
        w[i] = w[i] * (1 - decay) - step_size * m[i] / (sqrt(v[i]) * root + eps);
    }
}

void ting_scaled_adam_ref(int n, ting_real *w, const ting_real *g, ting_real *m, ting_real *v, ting_real clip, ting_real beta1,
                          ting_real beta2, ting_real step, ting_real root, ting_real eps, ting_real scale)
{
    for (int i = 0; i < n; i++) {
        const ting_real clipped = clip * g[i];
        v[i] = beta2 * v[i] + (1 - beta2) * clipped * clipped;
        m[i] = beta1 * m[i] + (1 - beta1) * (scale * w[i] - step * clipped / (sqrt(v[i]) * root + eps));
        w[i] += m[i];
    }
}
