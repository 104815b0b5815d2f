/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ref_gemm.c - the matrix micro-kernels in plain C: ting_real, bf16 and int8 operands.
 *
 * Packed A is rows x k row-major, packed B is [k, NR]; columns beyond the matrix are zero. The inner
 * loops run over NR, so any compiler vectorises them for the base instruction set.
 */
#include "kern/half.h"
#include "kern/levels.h"

#include <math.h>

enum { MR = 4, NR = 16 };

/* t = act(alpha sum + bias), y = t or y += t, for a tile of finished sums [rows, NR]. */
static void store(int rows, int cols, ting_real (*sum)[NR], const ting_gemm_out *out)
{
    for (int i = 0; out->transposed && i < rows; i++)
        for (int j = 0; j < cols; j++)
            out->y[j * out->ldy + i] += sum[i][j];
    if (out->transposed)
        return;
    for (int i = 0; i < rows; i++) {
        ting_real *y = out->y + i * out->ldy;
        for (int j = 0; j < cols; j++) {
            sum[i][j] *= out->alpha;
            if (out->bias != NULL)
                sum[i][j] += out->bias[j];
        }
        if (out->act != TING_ACT_NONE)
            ting_act_ref(out->act, cols, sum[i], sum[i]);
        for (int j = 0; j < cols; j++)
            y[j] = out->accumulate ? y[j] + sum[i][j] : sum[i][j];
    }
}

/* ---- ting_real ---- */

static size_t real_a_bytes(int k)
{
    return ting_gemm_round_up((size_t)k * MR * sizeof(ting_real));
}

static size_t real_b_bytes(int k)
{
    return ting_gemm_round_up((size_t)k * NR * sizeof(ting_real));
}

static void real_pack_a(int rows, int k, const ting_real *a, ptrdiff_t rs, ptrdiff_t cs, void *packed)
{
    ting_real *out = packed;
    for (int i = 0; i < rows; i++)
        for (int p = 0; p < k; p++)
            *out++ = a[i * rs + p * cs];
}

static void real_pack_b(int cols, int k, const ting_real *b, ptrdiff_t rs, ptrdiff_t cs, void *packed)
{
    ting_real *out = packed;
    for (int p = 0; p < k; p++)
        for (int j = 0; j < NR; j++)
            *out++ = j < cols ? b[p * rs + j * cs] : 0;
}

static void real_tile(int rows, int cols, int k, const void *packed_a, const void *packed_b,
                      const ting_gemm_out *out)
{
    const ting_real *a = packed_a, *b = packed_b;
    ting_real sum[MR][NR] = {{0}};
    for (int i = 0; i < rows; i++) {
        const ting_real *row = a + (ptrdiff_t)i * k;
        for (int p = 0; p < k; p++)
            for (int j = 0; j < NR; j++)
                sum[i][j] += row[p] * b[(ptrdiff_t)p * NR + j];
    }
    store(rows, cols, sum, out);
}

const ting_gemm_kern ting_gemm_real_ref = {
    .name = "real 4x16 ref",
    .mr = MR,
    .nr = NR,
    .a_bytes = real_a_bytes,
    .b_bytes = real_b_bytes,
    .pack_a = real_pack_a,
    .pack_b = real_pack_b,
    .tile = real_tile,
};

/* ---- bf16: A is rounded but kept as ting_real, B is stored in 16 bits ---- */

static ting_real rounded(ting_real value)
{
    return (ting_real)ting_float_of_bf16(ting_bf16_of_float((float)value));
}

static size_t bf16_b_bytes(int k)
{
    return ting_gemm_round_up((size_t)k * NR * sizeof(uint16_t));
}

static void bf16_pack_a(int rows, int k, const ting_real *a, ptrdiff_t rs, ptrdiff_t cs, void *packed)
{
    ting_real *out = packed;
    for (int i = 0; i < rows; i++)
        for (int p = 0; p < k; p++)
            *out++ = rounded(a[i * rs + p * cs]);
}

static void bf16_pack_b(int cols, int k, const ting_real *b, ptrdiff_t rs, ptrdiff_t cs, void *packed)
{
    uint16_t *out = packed;
    for (int p = 0; p < k; p++)
        for (int j = 0; j < NR; j++)
            *out++ = j < cols ? ting_bf16_of_float((float)b[p * rs + j * cs]) : 0;
}

static void bf16_tile(int rows, int cols, int k, const void *packed_a, const void *packed_b,
                      const ting_gemm_out *out)
{
    const ting_real *a = packed_a;
    const uint16_t *b = packed_b;
    ting_real sum[MR][NR] = {{0}};
    for (int p = 0; p < k; p++) {
        ting_real value[NR];
        for (int j = 0; j < NR; j++)
            value[j] = (ting_real)ting_float_of_bf16(b[(ptrdiff_t)p * NR + j]);
        for (int i = 0; i < rows; i++)
            for (int j = 0; j < NR; j++)
                sum[i][j] += a[(ptrdiff_t)i * k + p] * value[j];
    }
    store(rows, cols, sum, out);
}

const ting_gemm_kern ting_gemm_bf16_ref = {
    .name = "bf16 4x16 ref",
    .mr = MR,
    .nr = NR,
    .a_bytes = real_a_bytes,
    .b_bytes = bf16_b_bytes,
    .pack_a = bf16_pack_a,
    .pack_b = bf16_pack_b,
    .tile = bf16_tile,
};

/* ---- int8: A is MR scales, then rows x k bytes; B is NR scales, then [k, NR] bytes ---- */

float ting_quantise_ref(int count, const ting_real *x, ptrdiff_t stride, int8_t *out)
{
    uint32_t top = 0; /* of the magnitudes' bits: orders like the magnitudes, NaN above infinity */
    for (int i = 0; i < count; i++) {
        uint32_t bits = ting_bits_of_float((float)x[i * stride]) & 0x7FFFFFFFu;
        top = bits > top ? bits : top;
    }
    float largest = ting_float_of_bits(top);
    float inverse = 127.0f / largest;
    if (top >= 0x7F800000u || largest == 0.0f || isinf(inverse)) {
        for (int i = 0; i < count; i++)
            out[i] = 0;
        return top >= 0x7F800000u ? NAN : 0.0f;
    }
    for (int i = 0; i < count; i++)
        out[i] = (int8_t)lrintf((float)x[i * stride] * inverse);
    return largest / 127.0f;
}

static size_t int8_a_bytes(int k)
{
    return ting_gemm_round_up(MR * sizeof(float) + (size_t)k * MR);
}

static size_t int8_b_bytes(int k)
{
    return ting_gemm_round_up(NR * sizeof(float) + (size_t)k * NR);
}

static void int8_pack_a(int rows, int k, const ting_real *a, ptrdiff_t rs, ptrdiff_t cs, void *packed)
{
    float *scale = packed;
    int8_t *value = (int8_t *)(scale + MR);
    for (int i = 0; i < rows; i++)
        scale[i] = ting_quantise_ref(k, a + i * rs, cs, value + (ptrdiff_t)i * k);
}

static void int8_pack_b_int8(int cols, int k, const int8_t *w, const float *scale, void *packed)
{
    float *out_scale = packed;
    int8_t *out = (int8_t *)(out_scale + NR);
    for (int j = 0; j < NR; j++) {
        out_scale[j] = j < cols ? scale[j] : 0;
        for (int p = 0; p < k; p++)
            out[(ptrdiff_t)p * NR + j] = j < cols ? w[(ptrdiff_t)j * k + p] : 0;
    }
}

static void int8_tile(int rows, int cols, int k, const void *packed_a, const void *packed_b,
                      const ting_gemm_out *out)
{
    const float *a_scale = packed_a, *b_scale = packed_b;
    const int8_t *a = (const int8_t *)(a_scale + MR), *b = (const int8_t *)(b_scale + NR);
    ting_real value[MR][NR] = {{0}};
    for (int i = 0; i < rows; i++) {
        int32_t sum[NR] = {0};
        for (int p = 0; p < k; p++)
            for (int j = 0; j < NR; j++)
                sum[j] += (int32_t)a[(ptrdiff_t)i * k + p] * b[(ptrdiff_t)p * NR + j];
        for (int j = 0; j < NR; j++)
            value[i][j] = (ting_real)((float)sum[j] * (a_scale[i] * b_scale[j]));
    }
    store(rows, cols, value, out);
}

const ting_gemm_kern ting_gemm_int8_ref = {
    .name = "int8 4x16 ref",
    .mr = MR,
    .nr = NR,
    .a_bytes = int8_a_bytes,
    .b_bytes = int8_b_bytes,
    .pack_a = int8_pack_a,
    .pack_b_int8 = int8_pack_b_int8,
    .tile = int8_tile,
};
