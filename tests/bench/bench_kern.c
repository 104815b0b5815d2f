/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_kern.c - speed of the kernels on one thread, every level the machine has (TING_CPU steps down).
 *
 * A TSV line a case: name, level, shape, microseconds a call, rate, its unit, how many times faster than
 * the plain C reference. GFLOP/s (GOP/s for int8) count two for a multiplication with its addition; GB/s
 * count what is read and written. Times are processor time of the thread, the best of several rounds,
 * so that a busy machine spoils them little.
 */
#define _GNU_SOURCE /* CLOCK_THREAD_CPUTIME_ID */
#include "base/arena.h"
#include "base/mem.h"
#include "base/rng.h"
#include "kern/gemm.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

enum { ROUNDS = 7, MOST = 4 << 20 };

static struct {
    ting_arena *arena;
    ting_real *a, *b, *c, *y; /* [MOST] */
    ting_packed *packed;
    const ting_kern *kern;
} bench;

typedef struct shape {
    int m, n, k;
} shape;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Seconds of one call: the best round of a few milliseconds. */
static double seconds_of(void (*call)(shape), shape s, double round)
{
    call(s);
    double start = now();
    call(s);
    double once = now() - start, best = once;
    int times = once <= 0 ? 1000 : (int)(round / once) + 1;
    for (int r = 0; r < ROUNDS; r++) {
        start = now();
        for (int i = 0; i < times; i++)
            call(s);
        double each = (now() - start) / times;
        best = each < best ? each : best;
    }
    return best;
}

static void measure(const char *name, void (*call)(shape), shape s, double work, const char *unit,
                    double *reference)
{
    double seconds = seconds_of(call, s, bench.kern->level == TING_CPU_SCALAR ? 1e-3 : 3e-3);
    if (bench.kern->level == TING_CPU_SCALAR)
        *reference = seconds;
    printf("%s\t%s\t%dx%dx%d\t%.2f\t%.1f\t%s\t%.1f\n", name, ting_cpu_name(bench.kern->level), s.m, s.n, s.k,
           seconds * 1e6, work / seconds * 1e-9, unit, *reference == 0 ? 0.0 : *reference / seconds);
}

/* ---- products ---- */

static ting_gemm_run here(void)
{
    return (ting_gemm_run){.kern = bench.kern, .pool = NULL, .arena = bench.arena};
}

static void packed(shape s)
{
    ting_gemm_run run = here();
    ting_gemm_packed(&run, s.m, bench.a, s.k, bench.packed, bench.c, TING_ACT_NONE, 0, bench.y, s.n);
}

static void packed_swoosh(shape s)
{
    ting_gemm_run run = here();
    ting_gemm_packed(&run, s.m, bench.a, s.k, bench.packed, bench.c, TING_ACT_SWOOSH_L, 0, bench.y, s.n);
}

/* The three products of a linear layer in training: y = x W^T, dx = dy W, dW += dy^T x. */
static void forward(shape s)
{
    ting_gemm_run run = here();
    ting_gemm(&run, TING_PRECISION_F32, s.m, s.n, s.k, 1, (ting_strided){bench.a, s.k, 1},
              (ting_strided){bench.b, 1, s.k}, 0, bench.y, s.n);
}

static void input_gradient(shape s)
{
    ting_gemm_run run = here();
    ting_gemm(&run, TING_PRECISION_F32, s.m, s.n, s.k, 1, (ting_strided){bench.a, s.k, 1},
              (ting_strided){bench.b, s.n, 1}, 0, bench.y, s.n);
}

static void weight_gradient(shape s)
{
    ting_gemm_run run = here();
    ting_gemm(&run, TING_PRECISION_F32, s.m, s.n, s.k, 1, (ting_strided){bench.a, 1, s.m},
              (ting_strided){bench.b, s.n, 1}, 1, bench.y, s.n);
}

static void products(double reference[])
{
    static const shape packed_shapes[] = {{1, 512, 512},   {8, 192, 192},   {16, 512, 192}, {32, 384, 384},
                                          {256, 256, 256}, {512, 1536, 512}, {512, 512, 1536}};
    static const char *const names[] = {"packed f32", "packed bf16", "packed int8"};
    int at = 0;
    for (int precision = TING_PRECISION_F32; precision <= TING_PRECISION_INT8; precision++)
        for (size_t i = 0; i < sizeof packed_shapes / sizeof packed_shapes[0]; i++) {
            shape s = packed_shapes[i];
            ting_weight weight = {.n = s.n, .k = s.k, .real = bench.b};
            bench.packed = ting_pack(bench.kern, (ting_precision)precision, &weight);
            if (bench.packed == NULL)
                return;
            double work = 2.0 * s.m * s.n * s.k;
            measure(names[precision], packed, s, work, precision == TING_PRECISION_INT8 ? "GOP/s" : "GFLOP/s",
                    &reference[at++]);
            if (precision == TING_PRECISION_F32)
                measure("packed f32 swoosh_l", packed_swoosh, s, work, "GFLOP/s", &reference[at++]);
            ting_packed_free(bench.packed);
        }
    static const shape shapes[] = {{16, 80, 32}, {64, 64, 32}, {512, 256, 256}, {1024, 1024, 256}, {256, 512, 4000}};
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        double work = 2.0 * shapes[i].m * shapes[i].n * shapes[i].k;
        measure("gemm x W^T", forward, shapes[i], work, "GFLOP/s", &reference[at++]);
        measure("gemm dy W", input_gradient, shapes[i], work, "GFLOP/s", &reference[at++]);
        measure("gemm += dy^T x", weight_gradient, shapes[i], work, "GFLOP/s", &reference[at++]);
    }
}

/* ---- vectors: m rows of n, k as each kernel needs it ---- */

#define ROWS(statement)                                                            \
    for (int i = 0; i < s.m; i++) {                                                \
        const ting_real *x = bench.a + (ptrdiff_t)i * s.n;                         \
        const ting_real *g = bench.b + (ptrdiff_t)i * s.n;                         \
        ting_real *y = bench.y + (ptrdiff_t)i * s.n;                               \
        (void)g;                                                                   \
        statement;                                                                 \
    }
#define ACT(name, kind)                                         \
    static void name(shape s)                                   \
    {                                                           \
        ROWS(bench.kern->act(kind, s.n, x, y))                  \
    }                                                           \
    static void name##_grad(shape s)                            \
    {                                                           \
        ROWS(bench.kern->act_grad(kind, s.n, x, g, y))          \
    }
ACT(sigmoid, TING_ACT_SIGMOID)
ACT(tanh_, TING_ACT_TANH)
ACT(silu, TING_ACT_SILU)
ACT(gelu, TING_ACT_GELU)
ACT(swoosh_l, TING_ACT_SWOOSH_L)
ACT(swoosh_r, TING_ACT_SWOOSH_R)
static void silu_chain(shape s)
{
    ROWS(bench.kern->act_chain(TING_ACT_SILU, s.n, x, g, y))
}

static void add(shape s)
{
    ROWS(bench.kern->add(s.n, x, g, y))
}

static void dot(shape s)
{
    ROWS(y[0] = bench.kern->dot(s.n, x, g))
}

static void softmax(shape s)
{
    ROWS(bench.kern->softmax(s.n, x, y))
}

static void log_softmax(shape s)
{
    ROWS(bench.kern->log_softmax(s.n, x, y))
}

static void layer_norm(shape s)
{
    ROWS(bench.kern->layer_norm(s.n, x, bench.c, bench.c, (ting_real)1e-5, y, NULL, NULL))
}

static void bias_norm(shape s)
{
    ROWS(bench.kern->bias_norm(s.n, x, bench.c, 1, y, NULL))
}

static void depthwise(shape s)
{
    bench.kern->depthwise(s.m, s.n, s.k, bench.a, s.n, bench.b, bench.c, bench.y, s.n);
}

static void adamw(shape s)
{
    bench.kern->adamw(s.m * s.n, bench.y, bench.a, bench.b, bench.c, (ting_real)0.9, (ting_real)0.98, 0, 1,
                      (ting_real)1e-8, 0);
    memset(bench.c, 0, sizeof *bench.c); /* the second moment stays positive: b is not */
}

static void vectors(double reference[])
{
    static const struct {
        const char *name;
        void (*call)(shape);
        int arrays; /* read and written */
    } cases[] = {
        {"add", add, 3},           {"dot", dot, 2},
        {"sigmoid", sigmoid, 2},   {"tanh", tanh_, 2},
        {"silu", silu, 2},         {"gelu", gelu, 2},
        {"swoosh_l", swoosh_l, 2}, {"swoosh_r", swoosh_r, 2},
        {"sigmoid_grad", sigmoid_grad, 4},   {"tanh_grad", tanh__grad, 4},
        {"silu_grad", silu_grad, 4},         {"silu_chain", silu_chain, 4},
        {"gelu_grad", gelu_grad, 4},
        {"swoosh_l_grad", swoosh_l_grad, 4}, {"swoosh_r_grad", swoosh_r_grad, 4},
        {"softmax", softmax, 2},   {"log_softmax", log_softmax, 2},
        {"layer_norm", layer_norm, 2}, {"bias_norm", bias_norm, 2},
    };
    int at = 0;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        shape s = {16, 512, 1}; /* 32 KiB an array: the first-level cache and a part of the second */
        measure(cases[i].name, cases[i].call, s, (double)sizeof(ting_real) * cases[i].arrays * s.m * s.n, "GB/s",
                &reference[at++]);
    }
    shape zipformer = {64, 384, 31}, weights = {64, 1024, 1};
    measure("depthwise", depthwise, zipformer, 2.0 * zipformer.m * zipformer.n * zipformer.k, "GFLOP/s",
            &reference[at++]);
    measure("adamw", adamw, weights, 7.0 * sizeof(ting_real) * weights.m * weights.n, "GB/s", &reference[at++]);
}

int main(void)
{
    static double product_reference[64], vector_reference[64];
    bench.arena = ting_arena_new(1 << 24);
    bench.a = ting_alloc(MOST, sizeof *bench.a);
    bench.b = ting_alloc(MOST, sizeof *bench.b);
    bench.c = ting_alloc(MOST, sizeof *bench.c);
    bench.y = ting_alloc(MOST, sizeof *bench.y);
    if (bench.arena == NULL || bench.a == NULL || bench.b == NULL || bench.c == NULL || bench.y == NULL) {
        fprintf(stderr, "bench_kern: %s\n", ting_error_message());
        return 1;
    }
    ting_rng rng = ting_rng_new(1, 1);
    for (int i = 0; i < MOST; i++) {
        bench.a[i] = (ting_real)(ting_rng_uniform(&rng) * 2 - 1);
        bench.b[i] = (ting_real)(ting_rng_uniform(&rng) * 2 - 1);
    }
    printf("# name\tlevel\tm x n x k\tus\trate\tunit\ttimes reference\n");
    for (int level = TING_CPU_SCALAR; level <= (int)ting_cpu_detect(); level++) {
        bench.kern = ting_kern_select((ting_cpu_level)level);
        products(product_reference);
        vectors(vector_reference);
    }
    ting_free(bench.y);
    ting_free(bench.c);
    ting_free(bench.b);
    ting_free(bench.a);
    ting_arena_free(bench.arena);
    return 0;
}
