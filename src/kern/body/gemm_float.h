/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gemm_float.h - the f32 and bf16 matrix micro-kernels of an instruction set: a body that is included once per
 * set, after vec_<set>.h and with MR (rows of a tile), LEVEL (the set's name) and LEVEL_TEXT defined.
 *
 *     packed A: for each chunk of K_CHUNK products [MR, ROW_STRIDE]     packed B: [k, 2 LANES]
 *
 *     row 0  a(0,0) a(0,1) .. a(0,255) pad        k = 0  b(0, 0 .. LANES-1) b(0, LANES .. 2 LANES-1)
 *     row 1  a(1,0) ..                            k = 1  ..
 *
 * The distance of rows is a constant of the code, so one pointer serves all rows of a tile, and it is no
 * multiple of 4096 bytes, so that the rows do not fight for the same cache lines. Every element of a tile
 * is one chain of fused multiply-adds over k, whatever the number of rows.
 *
 * bf16: A is rounded on packing and stays float. B holds a pair of bf16 per lane, column j in the lower
 * half and column LANES + j in the upper: half the memory to read, one shift and one mask to unpack.
 */
#include "kern/body/gemm_common.h"

enum { K_CHUNK = 256, ROW_STRIDE = K_CHUNK + 16 };

static size_t a_bytes(int k)
{
    size_t chunks = ((size_t)k + K_CHUNK - 1) / K_CHUNK;
    return ting_gemm_round_up(chunks * MR * ROW_STRIDE * sizeof(float));
}

static size_t f32_b_bytes(int k)
{
    return ting_gemm_round_up((size_t)k * NR * sizeof(float));
}

static size_t bf16_b_bytes(int k)
{
    return ting_gemm_round_up((size_t)k * LANES * sizeof(float));
}

/* Where element (i, p) of a packed tile stands; p a multiple of LANES keeps LANES elements together. */
INLINE float *place_a(float *packed, int i, int p)
{
    return packed + ((ptrdiff_t)(p / K_CHUNK) * MR + i) * ROW_STRIDE + p % K_CHUNK;
}

INLINE vec as_stored(const int bf16, vec x)
{
    return bf16 ? v_round_bf16(x) : x;
}

INLINE void pack_a(const int bf16, int rows, int k, const float *a, ptrdiff_t rs, ptrdiff_t cs,
                   float *packed)
{
    for (int p = 0; p < k; p += LANES) {
        int count = k - p < LANES ? k - p : LANES;
        if (cs == 1) {
            for (int i = 0; i < rows; i++)
                v_store(place_a(packed, i, p),
                        as_stored(bf16, v_load_part(a + i * rs + p, v_part(count))));
        } else if (rs == 1) {
            for (int i = 0; i < rows; i += LANES) {
                vec block[LANES];
                for (int q = 0; q < LANES; q++)
                    block[q] = q < count ? v_load_part(a + i + (p + q) * cs, v_part(rows - i)) : v_zero();
                v_transpose(block);
                for (int r = 0; r < LANES && i + r < rows; r++)
                    v_store(place_a(packed, i + r, p), as_stored(bf16, block[r]));
            }
        } else {
            for (int i = 0; i < rows; i++) {
                float row[LANES] = {0};
                for (int q = 0; q < count; q++)
                    row[q] = a[i * rs + (p + q) * cs];
                v_store(place_a(packed, i, p), as_stored(bf16, v_load(row)));
            }
        }
    }
}

/* Columns 0 .. 2 LANES - 1 of row p of the panel. */
INLINE void put_b(const int bf16, float *packed, int p, vec low, vec high)
{
    if (bf16) {
        v_store(packed + (ptrdiff_t)p * LANES, v_join_bf16(v_round_bf16(low), v_round_bf16(high)));
    } else {
        v_store(packed + (ptrdiff_t)p * NR, low);
        v_store(packed + (ptrdiff_t)p * NR + LANES, high);
    }
}

INLINE void pack_b(const int bf16, int cols, int k, const float *b, ptrdiff_t rs, ptrdiff_t cs,
                   float *packed)
{
    const vpart low = v_part(cols), high = v_part(cols - LANES);
    if (cs == 1) {
        for (int p = 0; p < k; p++)
            put_b(bf16, packed, p, v_load_part(b + p * rs, low),
                  cols > LANES ? v_load_part(b + p * rs + LANES, high) : v_zero());
        return;
    }
    for (int p = 0; p < k; p += LANES) {
        int count = k - p < LANES ? k - p : LANES;
        vec block[NV][LANES];
        for (int j = 0; j < NR; j++) {
            vec column = v_zero();
            if (j < cols && rs == 1) {
                column = v_load_part(b + p + j * cs, v_part(count));
            } else if (j < cols) {
                float copy[LANES] = {0};
                for (int q = 0; q < count; q++)
                    copy[q] = b[(p + q) * rs + j * cs];
                column = v_load(copy);
            }
            block[j / LANES][j % LANES] = column;
        }
        v_transpose(block[0]);
        v_transpose(block[1]);
        for (int q = 0; q < count; q++)
            put_b(bf16, packed, p + q, block[0][q], block[1][q]);
    }
}

INLINE void tile(const int bf16, const int rows, int cols, int k, const float *a, const float *b,
                 const ting_gemm_out *out)
{
    vec sum[MR][NV];
    UNROLL for (int i = 0; i < rows; i++)
    {
        sum[i][0] = v_zero();
        sum[i][1] = v_zero();
    }
    for (int first = 0; first < k; first += K_CHUNK) {
        int count = k - first < K_CHUNK ? k - first : K_CHUNK;
        for (int p = 0; p < count; p++) {
            vec low, high;
            if (bf16) {
                vec pair = v_load(b);
                low = v_low_bf16(pair);
                high = v_high_bf16(pair);
                b += LANES;
            } else {
                low = v_load(b);
                high = v_load(b + LANES);
                b += NR;
            }
            UNROLL for (int i = 0; i < rows; i++)
            {
                vec x = v_set(a[i * ROW_STRIDE + p]);
                sum[i][0] = v_fma(x, low, sum[i][0]);
                sum[i][1] = v_fma(x, high, sum[i][1]);
            }
        }
        a += MR * ROW_STRIDE;
    }
    finish_tile(rows, cols, sum, out);
}

INLINE void line(const int bf16, const int panels, int cols, int k, const float *a, const float *b,
                 ptrdiff_t panel, const ting_gemm_out *out)
{
    vec sum[TING_GEMM_LINE][1][NV];
    UNROLL for (int q = 0; q < panels; q++)
    {
        sum[q][0][0] = v_zero();
        sum[q][0][1] = v_zero();
    }
    for (int first = 0; first < k; first += K_CHUNK) {
        int count = k - first < K_CHUNK ? k - first : K_CHUNK;
        for (int p = 0; p < count; p++) {
            vec x = v_set(a[p]);
            UNROLL for (int q = 0; q < panels; q++)
            {
                vec low = v_load(b + q * panel), high;
                if (bf16) {
                    high = v_high_bf16(low);
                    low = v_low_bf16(low);
                } else {
                    high = v_load(b + q * panel + LANES);
                }
                sum[q][0][0] = v_fma(x, low, sum[q][0][0]);
                sum[q][0][1] = v_fma(x, high, sum[q][0][1]);
            }
            b += bf16 ? LANES : NR;
        }
        a += MR * ROW_STRIDE;
    }
    ting_gemm_out part = *out;
    UNROLL for (int q = 0; q < panels; q++)
    {
        part.y = out->y + q * NR;
        part.bias = out->bias == NULL ? NULL : out->bias + q * NR;
        finish_tile(1, cols - q * NR < NR ? cols - q * NR : NR, sum[q], &part);
    }
}

/* A copy of the tile's code for each number of rows. */
#define TILE_CASE(bf16, count) \
    case count: tile(bf16, count, cols, k, a, b, out); break;
#define TILE_FUNCTION(type, bf16)                                                                  \
    static void type##_tile(int rows, int cols, int k, const void *packed_a, const void *packed_b, \
                            const ting_gemm_out *out)                                              \
    {                                                                                              \
        const float *a = packed_a, *b = packed_b;                                                  \
        switch (rows) {                                                                            \
            TILE_CASES(bf16)                                                                       \
        }                                                                                          \
    }                                                                                              \
    static void type##_line(int panels, int cols, int k, const void *a, const void *b,             \
                            size_t panel_bytes, const ting_gemm_out *out)                          \
    {                                                                                              \
        const ptrdiff_t panel = (ptrdiff_t)(panel_bytes / sizeof(float));                          \
        switch (panels) {                                                                          \
        case 1: line(bf16, 1, cols, k, a, b, panel, out); break;                                   \
        case 2: line(bf16, 2, cols, k, a, b, panel, out); break;                                   \
        case 3: line(bf16, 3, cols, k, a, b, panel, out); break;                                   \
        case 4: line(bf16, 4, cols, k, a, b, panel, out); break;                                   \
        }                                                                                          \
    }                                                                                              \
    static void type##_pack_a(int rows, int k, const float *a, ptrdiff_t rs, ptrdiff_t cs,         \
                              void *packed)                                                        \
    {                                                                                              \
        pack_a(bf16, rows, k, a, rs, cs, packed);                                                  \
    }                                                                                              \
    static void type##_pack_b(int cols, int k, const float *b, ptrdiff_t rs, ptrdiff_t cs,         \
                              void *packed)                                                        \
    {                                                                                              \
        pack_b(bf16, cols, k, b, rs, cs, packed);                                                  \
    }                                                                                              \
    const ting_gemm_kern NAME(gemm_##type) = {                                                     \
        .name = #type " " LEVEL_TEXT,                                                              \
        .mr = MR,                                                                                  \
        .nr = NR,                                                                                  \
        .k_step = K_CHUNK,                                                                         \
        .a_bytes = a_bytes,                                                                        \
        .b_bytes = type##_b_bytes,                                                                 \
        .pack_a = type##_pack_a,                                                                   \
        .pack_b = type##_pack_b,                                                                   \
        .tile = type##_tile,                                                                       \
        .line = type##_line,                                                                       \
    };

TILE_FUNCTION(f32, 0)
TILE_FUNCTION(bf16, 1)
