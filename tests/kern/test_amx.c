/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_amx.c - the AMX micro-kernels: their body over the tile instructions written in C, on any machine
 * with AVX-512 BF16, and the instructions themselves where the processor has them. Compared with the
 * kernels of the AVX-512 level, which round bf16 operands alike, and bit by bit for int8.
 */
#include "support/support.h"
#include "support/guard.h"

#include "kern/gemm.h"
#include "kern/levels.h"

#include <float.h>
#include <math.h>
#include <string.h>

#if TING_HAVE_X86

#include "kern/body/vec_avx512.h"
#include "kern/half.h"

#define LEVEL        amx_in_c
#define VECTOR_LEVEL avx512
#define LEVEL_TEXT   "32x32 amx in C"
#define MR           32

static union tile {
    unsigned char bytes[16][64];
    uint16_t bf16[16][32];
    int8_t int8[16][64];
    float f32[16][16];
    int32_t i32[16][16];
} tiles[8];

static void T_ZERO(int t)
{
    memset(&tiles[t], 0, sizeof tiles[t]);
}

static void T_LOAD(int t, const void *p)
{
    memcpy(&tiles[t], p, sizeof tiles[t]);
}

static void T_STORE(int t, void *p, size_t stride)
{
    for (size_t i = 0; i < 16; i++)
        memcpy((unsigned char *)p + i * stride, tiles[t].bytes[i], 64);
}

static void T_BF16(int c, int a, int b)
{
    for (int i = 0; i < 16; i++)
        for (int k = 0; k < 16; k++)
            for (int j = 0; j < 16; j++)
                for (int e = 0; e < 2; e++)
                    tiles[c].f32[i][j] += ting_float_of_bf16(tiles[a].bf16[i][2 * k + e]) *
                                          ting_float_of_bf16(tiles[b].bf16[k][2 * j + e]);
}

static void T_INT8(int c, int a, int b)
{
    for (int i = 0; i < 16; i++)
        for (int k = 0; k < 16; k++)
            for (int j = 0; j < 16; j++)
                for (int e = 0; e < 4; e++)
                    tiles[c].i32[i][j] += tiles[a].int8[i][4 * k + e] * tiles[b].int8[k][4 * j + e];
}

static void t_enter(void)
{
    T_ZERO(0);
}

static void t_leave(void)
{
    memset(tiles, 0xFF, sizeof tiles); /* nothing may rest on what the last product left */
}

extern const ting_gemm_kern ting_gemm_bf16_amx_in_c, ting_gemm_int8_amx_in_c;
#include "kern/body/gemm_amx.h"

static const int shapes[][3] = {{1, 1, 1},    {1, 33, 5},   {16, 16, 32}, {17, 32, 33}, {32, 32, 64},
                                {33, 31, 65}, {48, 70, 96}, {65, 17, 31}, {15, 80, 200}, {94, 64, 129}};
enum { SHAPES = sizeof shapes / sizeof shapes[0] };

/* Stored as it is, with a bias, with a factor, added to what is there: the end of a tile has a way for each. */
static void multiply_bf16(const ting_gemm_run *run, int m, int n, int k, int form, ting_strided a, ting_strided b,
                          const ting_real *bias, ting_real *y)
{
    if (form == 2 || form == 3)
        ting_gemm_bias(run, TING_PRECISION_BF16, m, n, k, a, b, bias, y, n);
    else
        ting_gemm(run, TING_PRECISION_BF16, m, n, k, form % 3 == 1 ? 0.5f : 1, a, b, form >> 2 & 1, y, n);
}

static void check_bf16(const ting_kern *amx, int m, int n, int k, int form)
{
    const ting_kern *other = ting_kern_select(TING_CPU_AVX512);
    ting_rng rng = ting_rng_new(31, (uint64_t)form);
    ting_arena *arena = ting_arena_new(1 << 16);
    size_t a_count = (size_t)m * (size_t)k, b_count = (size_t)k * (size_t)n, count = (size_t)m * (size_t)n;
    /* forms: row-major, column-major, and rows with a gap in both directions */
    int gap = form == 8 ? 2 : 1;
    ting_real *a = guard_reals(a_count * (size_t)gap), *b = guard_reals(b_count * (size_t)gap);
    ting_real *y = guard_reals(count), *want = guard_reals(count), *size = guard_reals(count);
    guard_normal(&rng, m * k * gap, 1, a);
    guard_normal(&rng, k * n * gap, 1, b);
    ting_strided A = {a, form & 1 ? 1 : k * gap, form & 1 ? m : gap};
    ting_strided B = {b, form & 2 ? 1 : n * gap, form & 2 ? k : gap};
    int accumulate = form >> 2 & 1;
    for (size_t i = 0; accumulate && i < count; i++)
        y[i] = want[i] = 1;
    ting_gemm_run run = {amx, NULL, arena}, check = {other, NULL, arena};
    ting_real *bias = guard_reals((size_t)n);
    guard_normal(&rng, n, 1, bias);
    multiply_bf16(&run, m, n, k, form, A, B, bias, y);
    multiply_bf16(&check, m, n, k, form, A, B, bias, want);
    ting_real *row = guard_reals((size_t)n);
    for (int i = 0; i < m; i += 7) { /* a row alone */
        ting_strided one = {a + i * A.rs, A.rs, A.cs};
        for (int j = 0; accumulate && j < n; j++)
            row[j] = 1;
        multiply_bf16(&run, 1, n, k, form, one, B, bias, row);
        assert_memory_equal(row, y + i * n, (size_t)n * sizeof *row);
    }
    for (int i = 0; i < m * k * gap; i++)
        a[i] = fabsf(a[i]);
    for (int i = 0; i < k * n * gap; i++)
        b[i] = fabsf(b[i]);
    ting_gemm(&check, TING_PRECISION_BF16, m, n, k, 1, A, B, 0, size, n);
    for (size_t i = 0; i < count; i++) {
        float bound = 2 * (float)(k + 4) * FLT_EPSILON * (size[i] + 1);
        if (!(fabsf(y[i] - want[i]) <= bound))
            fail_msg("bf16 m %d n %d k %d form %d: element %zu is %.9g, expected %.9g", m, n, k, form, i,
                     (double)y[i], (double)want[i]);
    }
    ting_arena_free(arena);
    guard_free_all();
}

static void check_int8(const ting_kern *amx, int m, int n, int k)
{
    ting_rng rng = ting_rng_new(32, 1);
    ting_arena *arena = ting_arena_new(1 << 16);
    size_t count = (size_t)m * (size_t)n;
    ting_real *x = guard_reals((size_t)m * (size_t)k), *w = guard_reals((size_t)n * (size_t)k);
    ting_real *bias = guard_reals((size_t)n), *y = guard_reals(count), *want = guard_reals(count);
    guard_normal(&rng, m * k, 1, x);
    guard_normal(&rng, n * k, 1, w);
    guard_normal(&rng, n, 1, bias);
    ting_weight weight = {.n = n, .k = k, .real = w};
    const ting_kern *levels[2] = {amx, ting_kern_select(TING_CPU_SCALAR)};
    for (int l = 0; l < 2; l++) {
        ting_packed *packed = ting_pack(levels[l], TING_PRECISION_INT8, &weight);
        assert_non_null(packed);
        ting_gemm_run run = {levels[l], NULL, arena};
        ting_gemm_packed(&run, m, x, k, packed, bias, TING_ACT_RELU, 0, l == 0 ? y : want, n);
        ting_packed_free(packed);
    }
    assert_memory_equal(y, want, count * sizeof *y);
    ting_arena_free(arena);
    guard_free_all();
}

static void check_all(const ting_kern *amx)
{
    for (int s = 0; s < SHAPES; s++) {
        for (int form = 0; form < 9; form++)
            check_bf16(amx, shapes[s][0], shapes[s][1], shapes[s][2], form);
        check_int8(amx, shapes[s][0], shapes[s][1], shapes[s][2]);
    }
}

static void tiles_in_c(void **state)
{
    (void)state;
    if (ting_cpu_detect() < TING_CPU_AVX512 || !__builtin_cpu_supports("avx512bf16"))
        skip_because("the AMX kernels' test in C needs a processor with AVX-512 BF16");
    ting_kern kern = *ting_kern_select(TING_CPU_AVX512);
    kern.gemm_bf16 = &ting_gemm_bf16_amx_in_c;
    kern.gemm_int8 = &ting_gemm_int8_amx_in_c;
    check_all(&kern);
}

static void tiles_of_the_processor(void **state)
{
    (void)state;
    if (ting_cpu_detect() < TING_CPU_AMX)
        skip_because("this processor (or TING_CPU) has no AMX");
    check_all(ting_kern_select(TING_CPU_AMX));
}

#else

static void tiles_in_c(void **state)
{
    (void)state;
    skip_because("this build has no AMX kernels");
}

#define tiles_of_the_processor tiles_in_c

#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tiles_in_c),
        cmocka_unit_test(tiles_of_the_processor),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
