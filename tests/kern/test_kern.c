/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_kern.c - every kernel of kern.def on every level against the formula in long double: all sizes that
 * matter, at guard pages, in place, and with tiny, huge, denormal, infinite and NaN input.
 *
 * A tolerance is a number of ulps (of ting_real) times a magnitude, which is |result| where the kernel
 * keeps relative precision and the size of the terms where it subtracts them; plus some denormals.
 */
#include "support/support.h"
#include "support/guard.h"

#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

static const double epsilon = sizeof(ting_real) == 4 ? FLT_EPSILON : DBL_EPSILON;
static const double denormal = sizeof(ting_real) == 4 ? 1.5e-45 : 5e-324;
static const double largest = sizeof(ting_real) == 4 ? FLT_MAX : DBL_MAX;
#define INF ((ting_real)INFINITY)

static const int sizes[] = {0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 63, 65, 100, 257, 1000};
enum { SIZES = sizeof sizes / sizeof sizes[0], LONGEST = 1000 };

static const ting_kern *kern; /* the level under test */

static void near(const char *what, int n, int i, ting_real got, long double want, double ulps,
                 long double magnitude)
{
    if (isnan(want) ? isnan(got) : isinf(want) ? (long double)got == want : 0)
        return;
    if (fabsl(want) > largest && isinf(got)) /* beyond the type */
        return;
    /* a denormal factor carries an error of half its last digit into a product of up to 800 times it */
    long double bound = ulps * epsilon * magnitude + 400 * denormal;
    if (!(fabsl((long double)got - want) <= bound))
        fail_msg("%s, %s, n %d: element %d is %.9g, expected %.9Lg, %.2Lf of the bound", what,
                 ting_cpu_name(kern->level), n, i, (double)got, want,
                 fabsl((long double)got - want) / bound);
}

static void on_every_level(void (*check)(void))
{
    const ting_kern *levels[GUARD_MAX_LEVELS];
    int count = guard_levels(levels);
    for (int i = 0; i < count; i++) {
        kern = levels[i];
        check();
        guard_free_all();
    }
}

/* Values of many sizes: normal numbers, and for `wild` also denormals, huge values and zeros of both signs. */
static void fill(ting_rng *rng, int n, bool wild, ting_real *x)
{
    for (int i = 0; i < n; i++) {
        double value = ting_rng_normal(rng);
        if (wild)
            switch (ting_rng_below(rng, 6)) {
            case 0: value *= 1e-42; break;
            case 1: value *= 1e18; break;
            case 2: value = -0.0; break;
            case 3: value = 0.0; break;
            default: value *= 30; break;
            }
        x[i] = (ting_real)value;
    }
}

/* ---- element by element ---- */

static void check_elements(void)
{
    ting_rng rng = ting_rng_new(1, 1);
    for (int s = 0; s < SIZES; s++) {
        int n = sizes[s];
        size_t count = (size_t)n;
        ting_real *a = guard_reals(count), *b = guard_reals(count), *c = guard_reals(count);
        ting_real *y = guard_reals(count), *before = guard_reals(count);
        fill(&rng, n, true, a);
        fill(&rng, n, true, b);
        fill(&rng, n, false, c);
        ting_real factor = (ting_real)-1.7;
        kern->add(n, a, b, y);
        for (int i = 0; i < n; i++)
            near("add", n, i, y[i], (long double)a[i] + b[i], 0.5, fabsl((long double)a[i] + b[i]));
        kern->mul(n, a, b, y);
        for (int i = 0; i < n; i++)
            near("mul", n, i, y[i], (long double)a[i] * b[i], 0.5, fabsl((long double)a[i] * b[i]));
        kern->scale(n, factor, a, y);
        for (int i = 0; i < n; i++)
            near("scale", n, i, y[i], (long double)factor * a[i], 0.5, fabsl((long double)factor * a[i]));
        kern->lerp(n, a, b, c, y);
        for (int i = 0; i < n; i++)
            near("lerp", n, i, y[i], a[i] + c[i] * ((long double)b[i] - a[i]), 2,
                 fabsl(a[i]) + fabsl(c[i]) * (fabsl(a[i]) + fabsl(b[i])));
        fill(&rng, n, true, before);
        memcpy(y, before, count * sizeof *y);
        kern->muladd(n, a, b, y);
        for (int i = 0; i < n; i++)
            near("muladd", n, i, y[i], before[i] + (long double)a[i] * b[i], 1,
                 fabsl(before[i]) + fabsl((long double)a[i] * b[i]));
        memcpy(y, before, count * sizeof *y);
        kern->balance(n, a, b, c, a, y);
        for (int i = 0; i < n; i++)
            near("balance", n, i, y[i], before[i] + fabsl(before[i]) * (c[i] + a[i] * ((long double)a[i] - b[i])), 3,
                 fabsl(before[i]) * (1 + fabsl(c[i]) + fabsl(a[i]) * (fabsl(a[i]) + fabsl(b[i]))));
        memcpy(y, before, count * sizeof *y);
        kern->axpy(n, factor, a, y);
        for (int i = 0; i < n; i++)
            near("axpy", n, i, y[i], before[i] + (long double)factor * a[i], 1,
                 fabsl(before[i]) + fabsl((long double)factor * a[i]));
        memcpy(before, b, count * sizeof *b); /* in place */
        kern->add(n, a, b, b);
        kern->add(n, a, before, y);
        if (n > 0)
            assert_memory_equal(b, y, count * sizeof *y);
        guard_free_all();
    }
}

static void elements(void **state)
{
    (void)state;
    on_every_level(check_elements);
}

/* ---- reductions ---- */

static void check_reductions(void)
{
    static ting_real many[20000];
    ting_rng rng = ting_rng_new(2, 1);
    for (int s = 0; s <= SIZES; s++) {
        int n = s < SIZES ? sizes[s] : 20000;
        ting_real *a = s < SIZES ? guard_reals((size_t)n) : many, *b = guard_reals((size_t)n);
        guard_normal(&rng, n, 3, a);
        guard_normal(&rng, n, 1, b);
        long double dot = 0, sum = 0, squares = 0, dot_size = 0, sum_size = 0;
        ting_real top = -INF;
        for (int i = 0; i < n; i++) {
            dot += (long double)a[i] * b[i], dot_size += fabsl((long double)a[i] * b[i]);
            sum += a[i], sum_size += fabsl(a[i]);
            squares += (long double)a[i] * a[i];
            top = a[i] > top ? a[i] : top;
        }
        /* A lane sums at most 4096 / 16 terms before it is added in double, but rounding errors of random
         * sign grow with the root: 20 ulps of the sum of magnitudes is far beyond what a right sum shows. */
        near("dot", n, 0, kern->dot(n, a, b), dot, 20, dot_size);
        near("sum", n, 0, kern->sum(n, a), sum, 20, sum_size);
        near("sum_squares", n, 0, kern->sum_squares(n, a), squares, 20, squares);
        assert_true(kern->max(n, a) == top);
        for (int i = 0; i < n && i < 70; i++) { /* one NaN anywhere shows; -inf alone does not hide */
            ting_real saved = a[i];
            a[i] = (ting_real)NAN;
            assert_true(isnan(kern->max(n, a)));
            a[i] = INF;
            assert_true(kern->max(n, a) == INF);
            a[i] = saved;
        }
        for (int i = 0; i < n; i++)
            a[i] = -INF;
        assert_true(kern->max(n, a) == -INF);
        guard_free_all();
    }
}

static void reductions(void **state)
{
    (void)state;
    on_every_level(check_reductions);
}

/* ---- activations ---- */

static long double sigmoid(long double x)
{
    return 1 / (1 + expl(-x));
}

static long double normal(long double x)
{
    return 0.5L * erfcl(-x * sqrtl(0.5L));
}

static long double softplus(long double x)
{
    return x > 0 ? x + log1pl(expl(-x)) : log1pl(expl(x));
}

/* f(x), f'(x) and the magnitudes their errors scale with. */
static void want_act(ting_act kind, long double x, long double *f, long double *f_size, long double *d,
                     long double *d_size)
{
    long double s = sigmoid(x), bell = expl(-x * x / 2) * 0.398942280401432677940L;
    *f_size = *d_size = -1; /* the result itself */
    switch (kind) {
    case TING_ACT_RELU: *f = x > 0 ? x : 0, *d = x > 0; break;
    case TING_ACT_SIGMOID: *f = s, *d = s * sigmoid(-x); break;
    case TING_ACT_TANH: *f = tanhl(x), *d = 4 * sigmoid(2 * x) * sigmoid(-2 * x); break;
    case TING_ACT_SILU: *f = x * s, *d = s * (1 + x * sigmoid(-x)), *d_size = s * (1 + fabsl(x)); break;
    case TING_ACT_GELU: *f = x * normal(x), *d = normal(x) + x * bell, *f_size = fabsl(x), *d_size = 1; break;
    case TING_ACT_ELU: *f = x > 0 ? x : expm1l(x), *d = x > 0 ? 1 : expl(x); break;
    case TING_ACT_SWOOSH_L:
        *f = softplus(x - 4) - 0.08L * x - 0.035L, *f_size = softplus(x - 4) + fabsl(x) + 0.035L;
        *d = sigmoid(x - 4) - 0.08L, *d_size = 1;
        break;
    case TING_ACT_SWOOSH_R:
        *f = softplus(x - 1) - 0.08L * x - 0.313261687L, *f_size = softplus(x - 1) + fabsl(x) + 0.32L;
        *d = sigmoid(x - 1) - 0.08L, *d_size = 1;
        break;
    case TING_ACT_EXP: *f = *d = expl(x); break;
    case TING_ACT_GELU_TANH:
        s = sigmoid(x * (1.59576912160573071176L + 0.0713548162726002487763L * x * x)), *f = x * s, *f_size = fabsl(x);
        *d = s + x * s * (1 - s) * (1.59576912160573071176L + 0.214064448817800746329L * x * x), *d_size = 1;
        break;
    case TING_ACT_NONE:
    case TING_ACT_COUNT: *f = x, *d = 1; break;
    }
    *f_size = *f_size < 0 ? fabsl(*f) : *f_size;
    *d_size = *d_size < 0 ? fabsl(*d) : *d_size;
}

static const char *const act_names[TING_ACT_COUNT] = {"none", "relu", "sigmoid",  "tanh",     "silu",
                                                      "gelu", "elu",  "swoosh_l", "swoosh_r", "exp",  "gelu_tanh"};

/* 4 ulps for values; 6 for slopes, which multiply two of them. */
static void check_activations(void)
{
    ting_rng rng = ting_rng_new(3, 1);
    for (int kind = 0; kind < TING_ACT_COUNT; kind++)
        for (int s = 0; s < SIZES; s++) {
            int n = sizes[s];
            size_t count = (size_t)n;
            ting_real *x = guard_reals(count), *y = guard_reals(count), *g = guard_reals(count);
            ting_real *gx = guard_reals(count), *z = guard_reals(count);
            for (int i = 0; i < n; i++) {
                double size = pow(10, 3.2 * ting_rng_uniform(&rng) - 1); /* 0.1 to 160 */
                x[i] = (ting_real)(size * ting_rng_normal(&rng));
                if (i % 5 == 0)
                    x[i] *= (ting_real)1e-6;
                if (i % 7 == 6)
                    x[i] = (ting_real)(-87.5 + 15 * (ting_rng_uniform(&rng) - 0.8)); /* denormal exp */
                g[i] = (ting_real)1;
                gx[i] = 0;
            }
            kern->act((ting_act)kind, n, x, y);
            kern->act_grad((ting_act)kind, n, x, g, gx);
            for (int i = 0; i < n; i++) {
                long double f, f_size, d, d_size;
                want_act((ting_act)kind, x[i], &f, &f_size, &d, &d_size);
                near(act_names[kind], n, i, y[i], f, 4, f_size);
                near(act_names[kind], n, i, gx[i], d, 6, d_size);
            }
            guard_normal(&rng, n, 1, g);
            kern->mul_act((ting_act)kind, n, g, x, z);
            for (int i = 0; i < n; i++)
                near("mul_act", n, i, z[i], (long double)g[i] * y[i], 1, fabsl((long double)g[i] * y[i]));
            memcpy(z, gx, count * sizeof *z); /* accumulates, and times gy */
            kern->act_grad((ting_act)kind, n, x, g, z);
            for (int i = 0; i < n; i++)
                near("act_grad", n, i, z[i], gx[i] + (long double)gx[i] * g[i], 2,
                     fabsl(gx[i]) * (1 + fabsl(g[i])));
            memcpy(z, g, count * sizeof *z);
            kern->act_chain((ting_act)kind, n, x, z, z); /* in place */
            for (int i = 0; i < n; i++)
                near("act_chain", n, i, z[i], (long double)gx[i] * g[i], 2, fabsl((long double)gx[i] * g[i]));
            ting_real *both = guard_reals(count), *chained = guard_reals(count);
            memcpy(chained, g, count * sizeof *g);
            kern->act_both((ting_act)kind, n, x, chained, both, chained); /* in place */
            if (n > 0) {
                assert_memory_equal(both, y, count * sizeof *y);
                assert_memory_equal(chained, z, count * sizeof *z);
            }
            kern->act((ting_act)kind, n, x, x); /* in place */
            if (n > 0)
                assert_memory_equal(x, y, count * sizeof *x);
            guard_free_all();
        }
}

static void activations(void **state)
{
    (void)state;
    on_every_level(check_activations);
}

/* A value's result must not depend on where in the array it stands. */
static void check_position(void)
{
    enum { N = 67 };
    ting_rng rng = ting_rng_new(4, 1);
    ting_real *x = guard_reals(N), *y = guard_reals(N), *one = guard_reals(1);
    guard_normal(&rng, N, 4, x);
    for (int kind = 0; kind < TING_ACT_COUNT; kind++) {
        kern->act((ting_act)kind, N, x, y);
        for (int i = 0; i < N; i++) {
            kern->act((ting_act)kind, 1, x + i, one);
            assert_memory_equal(one, y + i, sizeof *one);
        }
    }
}

static void position_changes_no_bit(void **state)
{
    (void)state;
    on_every_level(check_position);
}

static void check_special_values(void)
{
    static const struct {
        ting_act kind;
        double x, f, d;
    } cases[] = {
        {TING_ACT_NONE, -INFINITY, -INFINITY, 1}, {TING_ACT_RELU, INFINITY, INFINITY, 1},
        {TING_ACT_RELU, -INFINITY, 0, 0},         {TING_ACT_RELU, 0, 0, 0},
        {TING_ACT_SIGMOID, INFINITY, 1, 0},       {TING_ACT_SIGMOID, -INFINITY, 0, 0},
        {TING_ACT_SIGMOID, 0, 0.5, 0.25},         {TING_ACT_TANH, INFINITY, 1, 0},
        {TING_ACT_TANH, -INFINITY, -1, 0},        {TING_ACT_TANH, 0, 0, 1},
        {TING_ACT_ELU, INFINITY, INFINITY, 1},    {TING_ACT_ELU, -INFINITY, -1, 0},
        {TING_ACT_EXP, INFINITY, INFINITY, INFINITY}, {TING_ACT_EXP, -INFINITY, 0, 0},
        {TING_ACT_EXP, 0, 1, 1},                  {TING_ACT_GELU, 0, 0, 0.5},
        {TING_ACT_GELU, 1e10, 1e10, 1},           {TING_ACT_GELU, -1e10, 0, 0},
        {TING_ACT_SILU, -1e10, 0, 0},             {TING_ACT_SILU, 1e10, 1e10, 1},
        {TING_ACT_GELU_TANH, -1e10, 0, 0},        {TING_ACT_GELU_TANH, 1e10, 1e10, 1},
        {TING_ACT_GELU_TANH, 0, 0, 0.5},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ting_real x = (ting_real)cases[i].x, one = 1, y, d = 0;
        kern->act(cases[i].kind, 1, &x, &y);
        kern->act_grad(cases[i].kind, 1, &x, &one, &d);
        near("special value", (int)i, 0, y, (ting_real)cases[i].f, 0, 1);
        near("special slope", (int)i, 0, d, (ting_real)cases[i].d, 0, 1);
    }
    for (int kind = 0; kind < TING_ACT_COUNT; kind++) {
        ting_real x = (ting_real)NAN, one = 1, y = 0, d = 0;
        kern->act((ting_act)kind, 1, &x, &y);
        kern->act_grad((ting_act)kind, 1, &x, &one, &d);
        assert_true(isnan(y));
        assert_true(kind == TING_ACT_NONE || isnan(d));
    }
}

static void special_values(void **state)
{
    (void)state;
    on_every_level(check_special_values);
}

/* ---- rows ---- */

static void check_softmax(void)
{
    ting_rng rng = ting_rng_new(5, 1);
    for (int s = 0; s < SIZES; s++) {
        int n = sizes[s];
        size_t count = (size_t)n;
        ting_real *x = guard_reals(count), *y = guard_reals(count), *l = guard_reals(count);
        ting_real *g = guard_reals(count), *gx = guard_reals(count);
        guard_normal(&rng, n, 8, x);
        for (int i = 0; i < n; i += 3)
            x[i] = -INF; /* masked */
        if (n > 1)
            x[1] = (ting_real)500;
        kern->softmax(n, x, y);
        kern->log_softmax(n, x, l);
        long double sum = 0, top = n > 1 ? 500 : 0;
        for (int i = 0; i < n; i++)
            sum += expl(x[i] - top);
        for (int i = 0; i < n && n > 1; i++) {
            long double want = expl(x[i] - top) / sum;
            /* the difference rounds by half an ulp of itself, which exp turns into that many ulps of 1 */
            long double below = isinf(x[i]) ? 0 : top - x[i];
            near("softmax", n, i, y[i], want, 8 + (double)below / 2, want);
            near("log_softmax", n, i, l[i], x[i] - top - logl(sum), 4, below + 1);
        }
        guard_normal(&rng, n, 1, g);
        memset(gx, 0, count * sizeof *gx);
        kern->softmax(n, x, x); /* in place */
        if (n > 0)
            assert_memory_equal(x, y, count * sizeof *x);
        guard_normal(&rng, n, 1, y);
        kern->softmax_grad(n, y, g, gx);
        long double dot = 0, dot_size = 0;
        for (int i = 0; i < n; i++)
            dot += (long double)y[i] * g[i], dot_size += fabsl((long double)y[i] * g[i]);
        for (int i = 0; i < n; i++)
            near("softmax_grad", n, i, gx[i], y[i] * (g[i] - dot), 20, fabsl(y[i]) * (1 + dot_size));
        for (int i = 0; i < n; i++)
            x[i] = -INF;
        kern->softmax(n, x, y);
        kern->log_softmax(n, x, l);
        for (int i = 0; i < n; i++)
            assert_true(y[i] == 0 && l[i] == -INF);
        if (n > 0) {
            x[n - 1] = (ting_real)NAN;
            kern->softmax(n, x, y);
            assert_true(isnan(y[0]) && isnan(y[n - 1]));
        }
        guard_free_all();
    }
}

static void softmax_rows(void **state)
{
    (void)state;
    on_every_level(check_softmax);
}

static void check_norms(void)
{
    ting_rng rng = ting_rng_new(6, 1);
    for (int s = 1; s < SIZES; s++) {
        int n = sizes[s];
        size_t count = (size_t)n;
        ting_real *x = guard_reals(count), *gamma = guard_reals(count), *beta = guard_reals(count);
        ting_real *y = guard_reals(count), mean, rstd;
        guard_normal(&rng, n, 2, x);
        for (int i = 0; i < n; i++)
            x[i] += 5;
        guard_normal(&rng, n, 1, gamma);
        guard_normal(&rng, n, 1, beta);
        const ting_real eps = (ting_real)1e-3;
        kern->layer_norm(n, x, gamma, beta, eps, y, &mean, &rstd);
        long double sum = 0, squares = 0, apart = 0;
        for (int i = 0; i < n; i++)
            sum += x[i];
        for (int i = 0; i < n; i++)
            squares += (x[i] - sum / n) * (x[i] - sum / n);
        long double want_rstd = 1 / sqrtl(squares / n + eps);
        near("layer_norm mean", n, 0, mean, sum / n, 8, 12);
        near("layer_norm rstd", n, 0, rstd, want_rstd, 20, want_rstd * (1 + 12 * want_rstd));
        for (int i = 0; i < n; i++) /* the mean's rounding is magnified by rstd */
            near("layer_norm", n, i, y[i], (x[i] - sum / n) * want_rstd * gamma[i] + beta[i], 12,
                 12 * (want_rstd + 1) * fabsl(gamma[i]) + fabsl(beta[i]));
        kern->layer_norm(n, x, gamma, beta, eps, y, NULL, NULL);
        ting_real rrms;
        kern->bias_norm(n, x, beta, (ting_real)1.5, y, &rrms);
        for (int i = 0; i < n; i++)
            apart += ((long double)x[i] - beta[i]) * ((long double)x[i] - beta[i]);
        long double want_rrms = 1 / sqrtl(apart / n);
        near("bias_norm rrms", n, 0, rrms, want_rrms, 20, want_rrms);
        for (int i = 0; i < n; i++)
            near("bias_norm", n, i, y[i], x[i] * 1.5L * want_rrms, 20, fabsl(x[i] * 1.5L * want_rrms));
        kern->bias_norm(n, x, beta, (ting_real)1.5, x, NULL); /* in place */
        assert_memory_equal(x, y, count * sizeof *x);
        guard_free_all();
    }
}

static void norms(void **state)
{
    (void)state;
    on_every_level(check_norms);
}

/* ---- depthwise, AdamW ---- */

static void check_depthwise(void)
{
    static const int shapes[][3] = {{1, 1, 1}, {5, 7, 3}, {8, 16, 15}, {11, 33, 31}, {20, 64, 2}, {0, 5, 3}, {3, 19, 1}};
    ting_rng rng = ting_rng_new(7, 1);
    for (size_t s = 0; s < sizeof shapes / sizeof shapes[0]; s++)
        for (int wide = 0; wide < 2; wide++) {
            int frames = shapes[s][0], channels = shapes[s][1], taps = shapes[s][2];
            int ldx = channels + 3 * wide, ldy = channels + 5 * wide;
            int rows = frames + taps - 1;
            ting_real *x = guard_reals((size_t)((rows - 1) * ldx + channels) * (frames > 0));
            ting_real *w = guard_reals((size_t)(taps * channels)), *bias = guard_reals((size_t)channels);
            ting_real *y = guard_reals((size_t)((frames - 1) * ldy + channels) * (frames > 0));
            for (int r = 0; frames > 0 && r < rows; r++)
                guard_normal(&rng, channels, 1, x + r * ldx);
            guard_normal(&rng, taps * channels, 1, w);
            guard_normal(&rng, channels, 1, bias);
            kern->depthwise(frames, channels, taps, x, ldx, w, wide ? NULL : bias, y, ldy);
            for (int t = 0; t < frames; t++)
                for (int c = 0; c < channels; c++) {
                    long double sum = wide ? 0 : (long double)bias[c], size = fabsl(sum);
                    for (int j = 0; j < taps; j++) {
                        sum += (long double)w[j * channels + c] * x[(t + j) * ldx + c];
                        size += fabsl((long double)w[j * channels + c] * x[(t + j) * ldx + c]);
                    }
                    near("depthwise", frames, t * channels + c, y[t * ldy + c], sum, taps + 1, size);
                }
            ting_real *one = guard_reals((size_t)channels);
            for (int t = 0; t < frames; t++) { /* a frame alone is the frame among others */
                kern->depthwise(1, channels, taps, x + t * ldx, ldx, w, wide ? NULL : bias, one, ldy);
                assert_memory_equal(one, y + t * ldy, (size_t)channels * sizeof *one);
            }
            guard_free_all();
        }
}

static void depthwise(void **state)
{
    (void)state;
    on_every_level(check_depthwise);
}

static void check_depthwise2d(void)
{
    /* freq, pad, channels, kt, kf */
    static const int shapes[][5] = {{1, 0, 1, 1, 1},  {19, 3, 128, 7, 7}, {5, 1, 17, 3, 3},
                                    {30, 2, 33, 2, 5}, {8, 0, 16, 3, 1},  {9, 3, 5, 1, 4}};
    ting_rng rng = ting_rng_new(9, 1);
    for (size_t s = 0; s < sizeof shapes / sizeof shapes[0]; s++) {
        int freq = shapes[s][0], pad = shapes[s][1], c = shapes[s][2], kt = shapes[s][3], kf = shapes[s][4];
        int out = freq + 2 * pad - kf + 1;
        const ting_real *rows[7] = {NULL};
        for (int i = 0; i < kt; i++) {
            ting_real *row = guard_reals((size_t)(freq * c));
            guard_normal(&rng, freq * c, 1, row);
            rows[i] = kt > 1 && i == 1 ? NULL : row;
        }
        ting_real *w = guard_reals((size_t)(kt * kf * c)), *bias = guard_reals((size_t)c);
        ting_real *y = guard_reals((size_t)(out * c));
        guard_normal(&rng, kt * kf * c, 1, w);
        guard_normal(&rng, c, 1, bias);
        kern->depthwise2d(freq, pad, c, kt, kf, rows, w, bias, y);
        for (int f = 0; f < out; f++)
            for (int k = 0; k < c; k++) {
                long double sum = (long double)bias[k], size = fabsl(sum);
                for (int i = 0; i < kt; i++)
                    for (int j = 0; j < kf; j++) {
                        int from = f + j - pad;
                        if (rows[i] == NULL || from < 0 || from >= freq)
                            continue;
                        long double term = (long double)w[(i * kf + j) * c + k] * rows[i][from * c + k];
                        sum += term;
                        size += fabsl(term);
                    }
                near("depthwise2d", freq, f * c + k, y[f * c + k], sum, kt * kf + 1, size);
            }
        guard_free_all();
    }
}

static void depthwise2d(void **state)
{
    (void)state;
    on_every_level(check_depthwise2d);
}

static void check_adamw(void)
{
    ting_rng rng = ting_rng_new(8, 1);
    const ting_real beta1 = (ting_real)0.9, beta2 = (ting_real)0.98, rate = (ting_real)0.01,
                    root = (ting_real)2, eps = (ting_real)1e-8, decay = (ting_real)1e-3;
    for (int s = 0; s < SIZES; s++) {
        int n = sizes[s];
        size_t count = (size_t)n;
        ting_real *w = guard_reals(count), *g = guard_reals(count), *m = guard_reals(count);
        ting_real *v = guard_reals(count);
        static ting_real w0[LONGEST], m0[LONGEST], v0[LONGEST];
        guard_normal(&rng, n, 1, w);
        guard_normal(&rng, n, 0.1, g);
        guard_normal(&rng, n, 0.1, m);
        for (int i = 0; i < n; i++) {
            v[i] = (ting_real)(i % 4 == 0 ? 0 : 0.01 * ting_rng_uniform(&rng));
            g[i] = i % 8 == 0 ? 0 : g[i];
            w0[i] = w[i], m0[i] = m[i], v0[i] = v[i];
        }
        kern->adamw(n, w, g, m, v, beta1, beta2, rate, root, eps, decay);
        for (int i = 0; i < n; i++) {
            long double first = (long double)beta1 * m0[i] + (1 - (long double)beta1) * g[i];
            long double second = (long double)beta2 * v0[i] + (1 - (long double)beta2) * g[i] * g[i];
            /* 1 - beta is exact from beta, but first may cancel: its error is that of its terms */
            near("adamw m", n, i, m[i], first, 2, fabsl(m0[i]) + fabsl(g[i]));
            near("adamw v", n, i, v[i], second, 4, second);
            long double step = rate * (long double)m[i] / (sqrtl(v[i]) * root + eps);
            near("adamw w", n, i, w[i], w0[i] * (1 - (long double)decay) - step, 4, fabsl(w0[i]) + fabsl(step));
        }
        guard_free_all();
    }
}

static void check_scaled_adam(void)
{
    ting_rng rng = ting_rng_new(9, 1);
    const ting_real clip = (ting_real)0.5, beta1 = (ting_real)0.9, beta2 = (ting_real)0.98, rate = (ting_real)0.01,
                    root = (ting_real)2, eps = (ting_real)1e-8, scale = (ting_real)0.03;
    for (int s = 0; s < SIZES; s++) {
        int n = sizes[s];
        size_t count = (size_t)n;
        ting_real *w = guard_reals(count), *g = guard_reals(count), *m = guard_reals(count), *v = guard_reals(count);
        static ting_real w0[LONGEST], m0[LONGEST], v0[LONGEST];
        guard_normal(&rng, n, 1, w);
        guard_normal(&rng, n, 0.1, g);
        guard_normal(&rng, n, 0.1, m);
        for (int i = 0; i < n; i++) {
            v[i] = (ting_real)(0.01 * ting_rng_uniform(&rng));
            g[i] = i % 8 == 0 ? 0 : g[i];
            w0[i] = w[i], m0[i] = m[i], v0[i] = v[i];
        }
        kern->scaled_adam(n, w, g, m, v, clip, beta1, beta2, rate, root, eps, scale);
        for (int i = 0; i < n; i++) {
            const long double slope = (long double)clip * g[i];
            const long double second = (long double)beta2 * v0[i] + (1 - (long double)beta2) * slope * slope;
            near("scaled_adam v", n, i, v[i], second, 4, second);
            const long double part = rate * slope / (sqrtl(v[i]) * root + eps), own = (long double)scale * w0[i];
            const long double first = (long double)beta1 * m0[i] + (1 - (long double)beta1) * (own - part);
            near("scaled_adam m", n, i, m[i], first, 4, fabsl(m0[i]) + fabsl(own) + fabsl(part));
            near("scaled_adam w", n, i, w[i], (long double)w0[i] + m[i], 2, fabsl(w0[i]) + fabsl(m[i]));
        }
        guard_free_all();
    }
}

static void scaled_adam(void **state)
{
    (void)state;
    on_every_level(check_scaled_adam);
}

static void adamw(void **state)
{
    (void)state;
    on_every_level(check_adamw);
}

/* The choice steps down, never up, and names what it gives. */
static void levels_step_down(void **state)
{
    (void)state;
    assert_int_equal(ting_kern_select(TING_CPU_SCALAR)->level, TING_CPU_SCALAR);
    int highest = (int)ting_cpu_detect();
    for (int level = 0; level < GUARD_MAX_LEVELS; level++) {
        const ting_kern *table = ting_kern_select((ting_cpu_level)level);
        assert_true((int)table->level <= level && (int)table->level <= highest);
#define TING_KERN(result, name, arguments) assert_non_null(table->name);
#include "kern/kern.def"
#undef TING_KERN
        assert_true(table->gemm_real != NULL && table->gemm_bf16 != NULL && table->gemm_int8 != NULL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(levels_step_down), cmocka_unit_test(elements),
        cmocka_unit_test(reductions),       cmocka_unit_test(activations),
        cmocka_unit_test(position_changes_no_bit), cmocka_unit_test(special_values),
        cmocka_unit_test(softmax_rows),     cmocka_unit_test(norms),
        cmocka_unit_test(depthwise),        cmocka_unit_test(depthwise2d),
        cmocka_unit_test(adamw),             cmocka_unit_test(scaled_adam),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
