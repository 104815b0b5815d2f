/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gemm_int8.h - the int8 matrix micro-kernel of an instruction set: a body included once per set, after the
 * definitions that gemm_common.h wants and these of the set's multiply-and-add:
 *
 *     GROUP                     products of neighbouring k that it sums into one 32-bit lane: 4 or 2
 *     BIAS                      added to the rows' values where it wants them unsigned: 128 or 0
 *     ivec, i_load, i_dot(sum, a, b), i_spread(a), i_float
 *     i_weights(p)              LANES groups of weights
 *     i_put_row(p, x)           stores LANES rounded values as row elements
 *
 *     packed A: float scale[MR] (64 bytes), then for each chunk of CHUNK_GROUPS groups [MR, ROW_GROUPS] groups of 32 bits
 *     packed B: float scale[NR], int32 start[NR], then [groups, NR, GROUP] int8
 *
 * Sums are exact, so every set gives the same bits as the reference: the rest is one multiplication of two
 * scales, one by the sum, one addition of the bias, in this order and never fused. With unsigned rows
 * (x + 128) the sum is too large by 128 times the sum of the weights: `start` takes it off.
 */
#include "kern/body/gemm_common.h"
#include "kern/body/quantise.h"

enum {
    CHUNK_GROUPS = 256,
    ROW_GROUPS = CHUNK_GROUPS + 16, /* the distance of rows: no multiple of 4096 bytes */
    ROW_ELEMENT = 4 / GROUP,        /* bytes of a row value */
    A_HEADER = 16,                  /* in groups */
    B_HEADER = NR * 8               /* in bytes */
};

static int groups_of(int k)
{
    return (k + GROUP - 1) / GROUP;
}

static size_t a_bytes(int k)
{
    size_t chunks = ((size_t)groups_of(k) + CHUNK_GROUPS - 1) / CHUNK_GROUPS;
    return ting_gemm_round_up((A_HEADER + chunks * MR * ROW_GROUPS) * 4);
}

static size_t b_bytes(int k)
{
    return ting_gemm_round_up(B_HEADER + (size_t)groups_of(k) * NR * GROUP);
}

static void pack_a(int rows, int k, const float *a, ptrdiff_t rs, ptrdiff_t cs, void *packed)
{
    (void)cs; /* 1: see gemm_kern.h */
    float *scale = packed;
    int32_t *group = (int32_t *)packed + A_HEADER;
    int padded = groups_of(k) * GROUP;
    for (int i = 0; i < rows; i++) {
        float inverse;
        scale[i] = row_scale(k, a + i * rs, &inverse);
        const vec factor = v_set(inverse);
        for (int p = 0; p < padded; p += LANES) {
            int chunk = p / GROUP / CHUNK_GROUPS;
            unsigned char *to = (unsigned char *)(group + ((ptrdiff_t)chunk * MR + i) * ROW_GROUPS);
            vec x = v_load_part(a + i * rs + p, v_part(k - p));
            if (inverse == 0)
                x = v_zero(); /* 0 times infinity is no number */
            i_put_row(to + (ptrdiff_t)(p - chunk * CHUNK_GROUPS * GROUP) * ROW_ELEMENT, v_mul(x, factor));
        }
    }
}

static void pack_b_int8(int cols, int k, const int8_t *w, const float *scale, void *packed)
{
    float *out_scale = packed;
    int32_t *start = (int32_t *)packed + NR;
    int8_t *out = (int8_t *)packed + B_HEADER;
    for (int j = 0; j < NR; j++) {
        int32_t sum = 0;
        out_scale[j] = j < cols ? scale[j] : 0;
        for (int p = 0; p < groups_of(k) * GROUP; p++) {
            int8_t value = j < cols && p < k ? w[(ptrdiff_t)j * k + p] : 0;
            out[((ptrdiff_t)(p / GROUP) * NR + j) * GROUP + p % GROUP] = value;
            sum += value;
        }
        start[j] = -BIAS * sum;
    }
}

INLINE void tile(const int rows, int cols, int k, const void *packed_a, const void *packed_b,
                 const ting_gemm_out *out)
{
    const float *a_scale = packed_a, *b_scale = packed_b;
    const int32_t *a = (const int32_t *)packed_a + A_HEADER, *start = (const int32_t *)packed_b + NR;
    const int8_t *b = (const int8_t *)packed_b + B_HEADER;
    ivec sum[MR][NV];
    UNROLL for (int i = 0; i < rows; i++)
    {
        sum[i][0] = i_load(start);
        sum[i][1] = i_load(start + LANES);
    }
    int groups = groups_of(k);
    for (int first = 0; first < groups; first += CHUNK_GROUPS) {
        int count = groups - first < CHUNK_GROUPS ? groups - first : CHUNK_GROUPS;
        for (int p = 0; p < count; p++) {
            ivec low = i_weights(b), high = i_weights(b + LANES * GROUP);
            b += NR * GROUP;
            UNROLL for (int i = 0; i < rows; i++)
            {
                ivec x = i_spread(a[i * ROW_GROUPS + p]);
                sum[i][0] = i_dot(sum[i][0], x, low);
                sum[i][1] = i_dot(sum[i][1], x, high);
            }
        }
        a += MR * ROW_GROUPS;
    }
    vec value[MR][NV];
    UNROLL for (int i = 0; i < rows; i++)
    {
        for (int v = 0; v < NV; v++)
            value[i][v] = v_mul(i_float(sum[i][v]), v_mul(v_set(a_scale[i]), v_load(b_scale + v * LANES)));
    }
    finish_tile(rows, cols, value, out);
}

#define TILE_CASE(unused, count) \
    case count: tile(count, cols, k, a, b, out); break;

static void any_tile(int rows, int cols, int k, const void *a, const void *b, const ting_gemm_out *out)
{
    switch (rows) {
        TILE_CASES(0)
    }
}

const ting_gemm_kern NAME(gemm_int8) = {
    .name = "int8 " LEVEL_TEXT,
    .mr = MR,
    .nr = NR,
    .a_bytes = a_bytes,
    .b_bytes = b_bytes,
    .pack_a = pack_a,
    .pack_b_int8 = pack_b_int8,
    .tile = any_tile,
};
