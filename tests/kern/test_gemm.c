/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_gemm.c - matrix products of every level and precision against sums in a wider type, at guard pages,
 * and the promises of kern.h: a row alone is the row in a batch, threads change nothing, an output that
 * is not accumulated into is not read.
 */
#include "support/support.h"
#include "support/guard.h"

#include "kern/gemm_strip.h"
#include "kern/half.h"

#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

static const double real_epsilon = sizeof(ting_real) == 4 ? FLT_EPSILON : DBL_EPSILON;

typedef struct shape {
    int m, n, k;
} shape;

static const shape shapes[] = {
    {1, 1, 1},    {1, 1, 0},    {2, 3, 1},     {1, 17, 5},   {3, 32, 31},   {5, 33, 64},  {7, 16, 65},
    {8, 15, 100}, {13, 65, 33}, {14, 64, 96},  {15, 31, 2},  {16, 80, 32},  {17, 47, 257}, {29, 100, 300},
    {31, 7, 19},  {64, 48, 40}, {33, 129, 63}, {15, 33, 512}, {6, 40, 1100}, {150, 35, 70},
};
enum { SHAPES = sizeof shapes / sizeof shapes[0] };

static ting_gemm_run run_of(const ting_kern *kern, ting_pool *pool, ting_arena *arena)
{
    return (ting_gemm_run){.kern = kern, .pool = pool, .arena = arena};
}

/* The values as the product sees them, in a type for exact products; lives until guard_free_all. */
static guard_wide *as_seen(ting_precision precision, int count, const ting_real *x)
{
    guard_wide *wide = guard_block((size_t)count, sizeof *wide);
    for (int i = 0; i < count; i++)
        wide[i] = precision == TING_PRECISION_BF16
                      ? (guard_wide)ting_float_of_bf16(ting_bf16_of_float((float)x[i]))
                      : (guard_wide)x[i];
    return wide;
}

/* Error bound of a sum of k products in any order: (k + 4) eps sum |a b|, plus one denormal a term. */
static void check(const char *what, const ting_kern *kern, shape s, int i, int j, double got, double want,
                  double magnitude)
{
    double bound = (s.k + 4) * real_epsilon * magnitude + (s.k + 1) * 2e-45;
    if (!(fabs(got - want) <= bound))
        fail_msg("%s, %s, m %d n %d k %d: element (%d, %d) is %.9g, expected %.9g within %.3g", what,
                 ting_cpu_name(kern->level), s.m, s.n, s.k, i, j, got, want, bound);
}

/* The same product at a desk and, where it can, from a packed operand: the same bits, the same elements written. */
struct again {
    shape s;
    ting_real alpha;
    ting_strided a, b;
    int accumulate;
    ting_real *c;
    int ldc;
};

static void at_desk(void *arg, const ting_gemm_desk *desk, int index)
{
    const struct again *g = arg;
    (void)index;
    ting_gemm_at(desk, g->s.m, g->s.n, g->s.k, g->alpha, g->a, g->b, g->accumulate, g->c, g->ldc);
}

/* By strips, with an operand that is put together from strips of its rows and pieces of its columns. */
static void by_strips(const ting_gemm_run *run, ting_precision precision, const struct again *g)
{
    ting_packed *b = ting_gemm_room(run, precision, g->s.n, g->s.k);
    const int most = ting_gemm_strip_rows(b);
    unsigned char *strip = ting_arena_take(run->arena, ting_gemm_strip_bytes(b, g->s.k));
    for (int p = 0; p < g->s.k; p += most)
        for (int n0 = 0; n0 < g->s.n; n0 += TING_GEMM_PIECE)
            ting_gemm_put(b, p, g->s.k - p < most ? g->s.k - p : most, n0,
                          g->s.n - n0 < TING_GEMM_PIECE ? g->s.n - n0 : TING_GEMM_PIECE, g->b.data + p * g->b.rs + n0, (int)g->b.rs);
    ting_gemm_begin(b);
    for (int i = 0; i < g->s.m; i += most) {
        const int rows = g->s.m - i < most ? g->s.m - i : most;
        ting_gemm_strip_pack(b, rows, g->s.k, g->a.data + i * g->a.rs, (int)g->a.rs, strip);
        for (int n0 = 0; n0 < g->s.n; n0 += 32)
            ting_gemm_strip(b, &(ting_gemm_part){.k = g->s.k, .n0 = n0, .n = g->s.n - n0 < 32 ? g->s.n - n0 : 32}, rows, strip, NULL,
                            g->accumulate, g->c + i * g->ldc + n0, g->ldc);
    }
    ting_gemm_end(b);
}

/* The transpose of the product, added: the same bits in the other order. */
static void check_transposed(const ting_gemm_run *run, ting_precision precision, const struct again *g, const ting_real *expected)
{
    const int ld = g->s.m + 2;
    const size_t count = (size_t)(g->s.n - 1) * (size_t)ld + (size_t)g->s.m;
    const ting_packed *b = ting_gemm_pack(run, precision, g->s.n, g->s.k, g->b);
    ting_real *y = guard_reals(count);
    for (int i = 0; i < g->s.m; i++)
        for (int j = 0; j < g->s.n; j++)
            y[j * ld + i] = g->c[i * g->ldc + j];
    ting_gemm_add(run, g->s.m, g->s.k, g->a, b, 1, y, ld);
    for (int i = 0; i < g->s.m; i++)
        for (int j = 0; j < g->s.n; j++)
            assert_memory_equal(&y[j * ld + i], &expected[i * g->ldc + j], sizeof *y);
    for (int j = 0; j + 1 < g->s.n; j++)
        assert_true(isnan(y[j * ld + g->s.m]) && isnan(y[j * ld + g->s.m + 1]));
}

static void check_again(const ting_gemm_run *run, ting_precision precision, const struct again *of, const ting_real *expected)
{
    enum { UNCUT = 1024 }; /* longest sum that ting_gemm leaves in one piece */
    const size_t count = (size_t)(of->s.m - 1) * (size_t)of->ldc + (size_t)of->s.n;
    if (of->accumulate && of->alpha == 1 && of->s.k <= UNCUT)
        check_transposed(run, precision, of, expected);
    for (int way = 0; way < 3; way++) {
        if (way > 0 && (of->alpha != 1 || of->s.k > UNCUT))
            continue;
        struct again g = *of;
        g.c = guard_reals(count);
        for (int i = 0; g.accumulate && i < g.s.m; i++)
            memcpy(g.c + i * g.ldc, of->c + i * g.ldc, (size_t)g.s.n * sizeof *g.c);
        if (way == 0) {
            ting_gemm_desks(run, precision, g.s.n, g.s.k, 0, 1, at_desk, &g);
        } else if (way == 2 && g.a.cs == 1 && g.b.cs == 1) {
            by_strips(run, precision, &g);
        } else if (way == 1 && g.a.cs == 1) {
            const ting_packed *b = ting_gemm_pack(run, precision, g.s.n, g.s.k, g.b);
            ting_gemm_packed(run, g.s.m, g.a.data, (int)g.a.rs, b, NULL, TING_ACT_NONE, g.accumulate, g.c, g.ldc);
        } else {
            continue;
        }
        for (int i = 0; i < g.s.m; i++)
            assert_memory_equal(g.c + i * g.ldc, expected + i * g.ldc, (size_t)g.s.n * sizeof *g.c);
        for (int i = 0; i + 1 < g.s.m; i++)
            for (int j = g.s.n; j < g.ldc; j++)
                assert_true(isnan(g.c[i * g.ldc + j]));
    }
}

/* c (+)= alpha a b with operands in all four stride orders, every array at a guard page. */
static void check_strided(const ting_kern *kern, ting_precision precision, shape s, int form, double scale)
{
    ting_rng rng = ting_rng_new(11, (uint64_t)form);
    ting_arena *arena = ting_arena_new(1 << 16);
    bool a_by_column = form & 1, b_by_column = form & 2;
    int accumulate = form >> 2 & 1;
    ting_real alpha = (ting_real)(form & 8 ? -0.75 : 1);
    int ldc = s.n + (form & 1 ? 3 : 0);
    ting_real *a = guard_reals((size_t)s.m * (size_t)s.k), *b = guard_reals((size_t)s.k * (size_t)s.n);
    ting_real *c = guard_reals((size_t)(s.m - 1) * (size_t)ldc + (size_t)s.n);
    guard_normal(&rng, s.m * s.k, scale, a);
    guard_normal(&rng, s.k * s.n, scale, b);
    ting_strided A = {a, a_by_column ? 1 : s.k, a_by_column ? s.m : 1};
    ting_strided B = {b, b_by_column ? 1 : s.n, b_by_column ? s.k : 1};
    double before = 0.5 * scale * scale;
    for (int i = 0; accumulate && i < s.m; i++)
        for (int j = 0; j < s.n; j++)
            c[i * ldc + j] = (ting_real)before;
    ting_gemm_run run = run_of(kern, NULL, arena);
    ting_real *old = guard_reals((size_t)(s.m - 1) * (size_t)ldc + (size_t)s.n);
    for (int i = 0; i < s.m; i++)
        memcpy(old + i * ldc, c + i * ldc, (size_t)s.n * sizeof *c);
    ting_gemm(&run, precision, s.m, s.n, s.k, alpha, A, B, accumulate, c, ldc);
    check_again(&run, precision, &(struct again){s, alpha, A, B, accumulate, old, ldc}, c);
    const guard_wide *wide_a = as_seen(precision, s.m * s.k, a), *wide_b = as_seen(precision, s.k * s.n, b);
    for (int i = 0; i < s.m; i++)
        for (int j = 0; j < s.n; j++) {
            guard_wide sum = 0, magnitude = 0;
            for (int p = 0; p < s.k; p++) {
                guard_wide product = wide_a[i * A.rs + p * A.cs] * wide_b[p * B.rs + j * B.cs];
                sum += product;
                magnitude += product < 0 ? -product : product;
            }
            sum = sum * alpha + (accumulate ? (guard_wide)(ting_real)before : 0);
            magnitude += accumulate ? (guard_wide)before : 0;
            check(precision == TING_PRECISION_BF16 ? "bf16" : "real", kern, s, i, j, (double)c[i * ldc + j],
                  (double)sum, (double)magnitude);
        }
    for (int i = 0; i + 1 < s.m; i++)
        for (int j = s.n; j < ldc; j++)
            assert_true(isnan(c[i * ldc + j])); /* the gap between rows is not written */
    ting_arena_free(arena);
    guard_free_all();
}

/* Small shapes take every form; of the large ones, whose sums take long to check, each takes every third, another one from
 * shape to shape. */
static int form_step(shape s)
{
    return (long)s.m * s.n * s.k < 50000 ? 1 : 3;
}

static void strided_products(void **state)
{
    (void)state;
    const ting_kern *levels[GUARD_MAX_LEVELS];
    int count = guard_levels(levels);
    for (int l = 0; l < count; l++)
        for (int i = 0; i < SHAPES; i++)
            for (int form = i % form_step(shapes[i]); form < 16; form += form_step(shapes[i])) {
                check_strided(levels[l], TING_PRECISION_F32, shapes[i], form, 1);
                check_strided(levels[l], TING_PRECISION_BF16, shapes[i], form, 1);
            }
    for (int l = 0; l < count; l++)
        for (int form = 0; form < 8; form++) {
            shape tall = {5, 9, 5000}; /* k is cut into blocks */
            check_strided(levels[l], TING_PRECISION_F32, tall, form, 1);
            check_strided(levels[l], TING_PRECISION_F32, shapes[9], form, 1e-18); /* products near denormals */
            check_strided(levels[l], TING_PRECISION_F32, shapes[9], form, 1e18);
            check_strided(levels[l], TING_PRECISION_BF16, tall, form, 1);
        }
}

/* y (+)= act(x W^T + bias) through packed weights. */
static void check_packed(const ting_kern *kern, ting_precision precision, shape s, ting_act act, int form)
{
    ting_rng rng = ting_rng_new(5, (uint64_t)s.k);
    ting_arena *arena = ting_arena_new(1 << 16);
    int ldx = s.k + (form & 1), ldy = s.n + (form & 2), accumulate = form >> 2 & 1;
    ting_real *x = guard_reals((size_t)(s.m - 1) * (size_t)ldx + (size_t)s.k);
    ting_real *w = guard_reals((size_t)s.n * (size_t)s.k), *bias = guard_reals((size_t)s.n);
    ting_real *y = guard_reals((size_t)(s.m - 1) * (size_t)ldy + (size_t)s.n);
    guard_normal(&rng, s.n * s.k, 1, w);
    guard_normal(&rng, s.n, 1, bias);
    for (int i = 0; i < s.m; i++) {
        guard_normal(&rng, s.k, 1, x + i * ldx);
        for (int j = 0; accumulate && j < s.n; j++)
            y[i * ldy + j] = (ting_real)0.25;
    }
    ting_weight weight = {.n = s.n, .k = s.k, .real = w};
    ting_packed *packed = ting_pack(kern, precision, &weight);
    assert_non_null(packed);
    bool with_bias = !(form & 8);
    ting_gemm_run run = run_of(kern, NULL, arena);
    ting_gemm_packed(&run, s.m, x, ldx, packed, with_bias ? bias : NULL, act, accumulate, y, ldy);
    const guard_wide *wide_x = as_seen(precision, (s.m - 1) * ldx + s.k, x);
    const guard_wide *wide_w = as_seen(precision, s.n * s.k, w);
    for (int i = 0; i < s.m; i++)
        for (int j = 0; j < s.n; j++) {
            guard_wide sum = with_bias ? (guard_wide)bias[j] : 0, magnitude = (sum < 0 ? -sum : sum) + 1;
            for (int p = 0; p < s.k; p++) {
                guard_wide product = wide_x[i * ldx + p] * wide_w[j * s.k + p];
                sum += product;
                magnitude += product < 0 ? -product : product;
            }
            if (act == TING_ACT_SIGMOID)
                sum = 1 / (1 + exp(-sum)); /* slope at most 1/4: the error bound of the sum still holds */
            else if (act == TING_ACT_RELU)
                sum = sum > 0 ? sum : 0;
            check("packed", kern, s, i, j, (double)y[i * ldy + j],
                  (double)(sum + (accumulate ? 0.25 : 0)), (double)magnitude);
        }
    ting_packed_free(packed);
    ting_arena_free(arena);
    guard_free_all();
}

static void packed_products(void **state)
{
    (void)state;
    static const ting_act acts[] = {TING_ACT_NONE, TING_ACT_RELU, TING_ACT_SIGMOID};
    const ting_kern *levels[GUARD_MAX_LEVELS];
    int count = guard_levels(levels);
    for (int l = 0; l < count; l++)
        for (int i = 0; i < SHAPES; i++)
            for (int form = i % form_step(shapes[i]); form < 16; form += form < 8 ? form_step(shapes[i]) : 3) {
                ting_act act = acts[(i + form) % 3];
                check_packed(levels[l], TING_PRECISION_F32, shapes[i], act, form);
                check_packed(levels[l], TING_PRECISION_BF16, shapes[i], act, form);
            }
}

/* The int8 product as gemm.h defines it, one element at a time. */
static void int8_want(shape s, const ting_real *x, const int8_t *w, const float *scale,
                      const ting_real *bias, ting_real *y)
{
    for (int i = 0; i < s.m; i++) {
        float top = 0;
        for (int p = 0; p < s.k; p++)
            top = fmaxf(top, fabsf((float)x[i * s.k + p]));
        float inverse = top == 0 ? 0 : 127.0f / top;
        for (int j = 0; j < s.n; j++) {
            int64_t sum = 0;
            for (int p = 0; p < s.k; p++)
                sum += (int64_t)lrintf((float)x[i * s.k + p] * inverse) * w[j * s.k + p];
            ting_real value = (ting_real)((float)sum * (top / 127.0f * scale[j]));
            value += bias[j];
            y[i * s.n + j] = value > 0 ? value : 0;
        }
    }
}

static void check_int8(const ting_kern *kern, shape s)
{
    ting_rng rng = ting_rng_new(8, (uint64_t)s.n);
    ting_arena *arena = ting_arena_new(1 << 16);
    size_t rows = (size_t)s.m, columns = (size_t)s.n, depth = (size_t)s.k;
    ting_real *x = guard_reals(rows * depth), *bias = guard_reals(columns);
    ting_real *y = guard_reals(rows * columns), *want = guard_reals(rows * columns);
    int8_t *w = guard_block(columns * depth, 1);
    float *scale = guard_block(columns, sizeof *scale);
    for (size_t i = 0; i < columns * depth; i++) /* extremes are frequent: sums reach 127 * 128 k */
        w[i] = (int8_t)(ting_rng_below(&rng, 4) == 0 ? -128 : (int)ting_rng_below(&rng, 256) - 128);
    for (int j = 0; j < s.n; j++)
        scale[j] = (float)(0.001 + 0.01 * ting_rng_uniform(&rng));
    guard_normal(&rng, s.m * s.k, 3, x);
    for (int p = 0; p < s.k; p++)
        x[p] = p % 3 == 0 ? -5 : 5; /* row 0 quantises to +-127 everywhere */
    if (s.m > 1)
        for (int p = 0; p < s.k; p++)
            x[s.k + p] = 0;
    guard_normal(&rng, s.n, 1, bias);
    ting_weight weight = {.n = s.n, .k = s.k, .int8 = w, .scale = scale};
    ting_packed *packed = ting_pack(kern, TING_PRECISION_INT8, &weight);
    assert_non_null(packed);
    ting_gemm_run run = run_of(kern, NULL, arena);
    ting_gemm_packed(&run, s.m, x, s.k, packed, bias, TING_ACT_RELU, 0, y, s.n);
    int8_want(s, x, w, scale, bias, want);
    for (int i = 0; i < s.m * s.n; i++)
        if (!(y[i] == want[i]))
            fail_msg("int8, %s, m %d n %d k %d: element %d is %.9g, expected exactly %.9g",
                     ting_cpu_name(kern->level), s.m, s.n, s.k, i, (double)y[i], (double)want[i]);
    if (s.m > 2 && s.k > 0) { /* a value that is not finite spoils its row and no other */
        x[2 * s.k] = (ting_real)INFINITY;
        ting_gemm_packed(&run, s.m, x, s.k, packed, NULL, TING_ACT_NONE, 0, y, s.n);
        for (int i = 0; i < s.m * s.n; i++)
            assert_true(isnan(y[i]) == (i / s.n == 2));
    }
    ting_packed_free(packed);
    ting_arena_free(arena);
    guard_free_all();
}

static void int8_products_are_exact_on_every_level(void **state)
{
    (void)state;
    const ting_kern *levels[GUARD_MAX_LEVELS];
    int count = guard_levels(levels);
    for (int l = 0; l < count; l++)
        for (int i = 0; i < SHAPES; i++)
            check_int8(levels[l], shapes[i]);
}

/* Every source type in every packing, against the weight's own values through the real packing. */
static void weights_of_every_type(void **state)
{
    (void)state;
    enum { N = 37, K = 50, M = 3 };
    static ting_real real[N * K], x[M * K], y[M * N], want[M * N];
    static uint16_t f16[N * K], bf16[N * K];
    static int8_t int8[N * K];
    static float scale[N];
    ting_rng rng = ting_rng_new(3, 1);
    guard_normal(&rng, M * K, 1, x);
    for (int i = 0; i < N * K; i++) {
        int8[i] = (int8_t)((int)ting_rng_below(&rng, 255) - 127);
        int8[i] = i % K == 0 ? 127 : int8[i]; /* so that quantising again finds the same scale */
        real[i] = int8[i];                    /* exact in f16 (11 bits) and bf16 (8 bits) */
        bf16[i] = ting_bf16_of_float((float)int8[i]);
        int magnitude = int8[i] < 0 ? -int8[i] : int8[i];
        int exponent = 0;
        while (magnitude >> exponent > 1)
            exponent++;
        f16[i] = (uint16_t)(int8[i] == 0 ? 0
                                         : (int8[i] < 0 ? 0x8000 : 0) | (exponent + 15) << 10 |
                                               ((magnitude << (10 - exponent)) & 0x3FF));
        assert_true(ting_float_of_f16(f16[i]) == (float)int8[i]);
    }
    for (int j = 0; j < N; j++)
        scale[j] = 1;
    const ting_weight sources[] = {{.n = N, .k = K, .real = real},
                                   {.n = N, .k = K, .f16 = f16},
                                   {.n = N, .k = K, .bf16 = bf16},
                                   {.n = N, .k = K, .int8 = int8, .scale = scale}};
    const ting_kern *levels[GUARD_MAX_LEVELS];
    int count = guard_levels(levels);
    ting_arena *arena = ting_arena_new(1 << 16);
    for (int l = 0; l < count; l++)
        for (int precision = TING_PRECISION_F32; precision <= TING_PRECISION_INT8; precision++)
            for (int source = 0; source < 4; source++) {
                ting_packed *packed = ting_pack(levels[l], (ting_precision)precision, &sources[source]);
                assert_non_null(packed);
                assert_true(ting_packed_bytes(packed) >= (size_t)N * K);
                ting_gemm_run run = run_of(levels[l], NULL, arena);
                ting_gemm_packed(&run, M, x, K, packed, NULL, TING_ACT_NONE, 0, y, N);
                ting_packed_free(packed);
                if (source == 0)
                    memcpy(want, y, sizeof y);
                assert_memory_equal(y, want, sizeof y);
            }
    ting_arena_free(arena);
}

/* [rows, cols] turned; lives until guard_free_all. */
static ting_real *turned(int rows, int cols, const ting_real *x)
{
    ting_real *out = guard_reals((size_t)rows * (size_t)cols);
    for (int r = 0; r < rows; r++)
        for (int c = 0; c < cols; c++)
            out[c * rows + r] = x[r * cols + c];
    return out;
}

/* ting_gemm: whole, row by row, with threads, and operands that lie across memory: the same bits. */
static void check_same_bits_unpacked(ting_gemm_run run, ting_precision precision, shape s, const ting_real *x, const ting_real *w)
{
    const size_t columns = (size_t)s.n, bytes = (size_t)s.m * columns * sizeof *x;
    ting_real *want = guard_reals((size_t)s.m * columns), *y = guard_reals((size_t)s.m * columns);
    const ting_strided a = {x, s.k, 1}, b = {w, 1, s.k};
    const ting_strided a_across = {turned(s.m, s.k, x), 1, s.m}, b_across = {turned(s.n, s.k, w), s.n, 1};
    ting_pool *pool = ting_pool_new(3);
    ting_gemm(&run, precision, s.m, s.n, s.k, 1, a, b, 0, want, s.n);
    for (int i = 0; i < s.m; i += 5) {
        ting_strided row = {x + i * s.k, s.k, 1};
        ting_gemm(&run, precision, 1, s.n, s.k, 1, row, b, 0, y, s.n);
        assert_memory_equal(y, want + i * s.n, columns * sizeof *y);
    }
    ting_gemm(&run, precision, s.m, s.n, s.k, 1, a_across, b_across, 0, y, s.n);
    assert_memory_equal(y, want, bytes);
    run.pool = pool;
    ting_gemm(&run, precision, s.m, s.n, s.k, 1, a, b, 0, y, s.n);
    assert_memory_equal(y, want, bytes);
    ting_gemm(&run, precision, s.m, s.n, s.k, 1, a_across, b_across, 0, y, s.n);
    assert_memory_equal(y, want, bytes);
    ting_pool_free(pool);
}

/* Rows one by one, and 1, 2, 3, 8 threads: the same bits. */
static void check_same_bits(const ting_kern *kern, ting_precision precision, shape s, ting_act act)
{
    ting_rng rng = ting_rng_new(21, 4);
    ting_arena *arena = ting_arena_new(1 << 16);
    size_t rows = (size_t)s.m, columns = (size_t)s.n, depth = (size_t)s.k;
    ting_real *x = guard_reals(rows * depth), *w = guard_reals(columns * depth);
    ting_real *bias = guard_reals(columns), *want = guard_reals(rows * columns);
    ting_real *y = guard_reals(rows * columns);
    guard_normal(&rng, s.m * s.k, 1, x);
    guard_normal(&rng, s.n * s.k, 1, w);
    guard_normal(&rng, s.n, 1, bias);
    ting_weight weight = {.n = s.n, .k = s.k, .real = w};
    ting_packed *packed = ting_pack(kern, precision, &weight);
    assert_non_null(packed);
    ting_gemm_run run = run_of(kern, NULL, arena);
    ting_gemm_packed(&run, s.m, x, s.k, packed, bias, act, 0, want, s.n);
    for (int i = 0; i < s.m; i++) {
        ting_gemm_packed(&run, 1, x + i * s.k, s.k, packed, bias, act, 0, y, s.n);
        assert_memory_equal(y, want + i * s.n, columns * sizeof *y);
    }
    static const int threads[] = {2, 3, 8};
    for (int t = 0; t < 3; t++) {
        ting_pool *pool = ting_pool_new(threads[t]);
        run = run_of(kern, pool, arena);
        ting_gemm_packed(&run, s.m, x, s.k, packed, bias, act, 0, y, s.n);
        assert_memory_equal(y, want, rows * columns * sizeof *y);
        ting_pool_free(pool);
    }
    if (precision != TING_PRECISION_INT8)
        check_same_bits_unpacked(run_of(kern, NULL, arena), precision, s, x, w);
    ting_packed_free(packed);
    ting_arena_free(arena);
    guard_free_all();
}

static void rows_and_threads_change_no_bit(void **state)
{
    (void)state;
    const ting_kern *levels[GUARD_MAX_LEVELS];
    int count = guard_levels(levels);
    for (int l = 0; l < count; l++)
        for (int precision = TING_PRECISION_F32; precision <= TING_PRECISION_INT8; precision++) {
            shape small = {31, 70, 65}, large = {151, 200, 200}; /* large: enough work for the pool */
            check_same_bits(levels[l], (ting_precision)precision, small, TING_ACT_SWOOSH_R);
            check_same_bits(levels[l], (ting_precision)precision, large, TING_ACT_GELU);
        }
}

static void bf16_rounds_to_nearest_even(void **state)
{
    (void)state;
    assert_int_equal(ting_bf16_of_float(1.0f), 0x3F80);
    assert_int_equal(ting_bf16_of_float(1.0f + 0x1p-8f), 0x3F80);           /* tie, to even */
    assert_int_equal(ting_bf16_of_float(1.0f + 0x1p-7f + 0x1p-8f), 0x3F82); /* tie, to even */
    assert_int_equal(ting_bf16_of_float(1.0f + 0x1p-8f + 0x1p-20f), 0x3F81);
    assert_int_equal(ting_bf16_of_float(-FLT_MAX), 0xFF80); /* rounds to -infinity */
    assert_true(isnan(ting_float_of_bf16(ting_bf16_of_float(NAN))));
    assert_true(isnan(ting_float_of_bf16(ting_bf16_of_float(ting_float_of_bits(0x7F800001u)))));
    assert_true(ting_float_of_f16(0x0001) == 0x1p-24f);
    assert_true(ting_float_of_f16(0x83FF) == -1023 * 0x1p-24f);
    assert_true(ting_float_of_f16(0x7BFF) == 65504.0f);
    assert_true(isinf(ting_float_of_f16(0xFC00)) && isnan(ting_float_of_f16(0x7C01)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(strided_products),
        cmocka_unit_test(packed_products),
        cmocka_unit_test(int8_products_are_exact_on_every_level),
        cmocka_unit_test(weights_of_every_type),
        cmocka_unit_test(rows_and_threads_change_no_bit),
        cmocka_unit_test(bf16_rounds_to_nearest_even),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
