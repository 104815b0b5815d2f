/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gemm_amx.h - bf16 and int8 matrix micro-kernels of 32 x 32 on AMX tiles: a body included after
 * vec_avx512.h, the definitions that gemm_common.h wants, and the few tile instructions as
 *
 *     T_ZERO(t)  T_LOAD(t, p)  T_STORE(t, p, stride)  T_BF16(c, a, b)  T_INT8(c, a, b)  t_enter()  t_leave()
 *
 * gemm_amx.c gives the instructions; tests/kern/test_amx.c gives the same in C, so that layout, edges
 * and arithmetic are tested on machines that have none.
 *
 *     tiles 0 1     sums of rows 0..15   x columns 0..15, 16..31
 *           2 3             rows 16..31
 *           4 5     A: rows 0..15, 16..31, 64 bytes of k         6 7   B: columns 0..15, 16..31
 *
 *     packed A: [blocks of k][2][16 rows][64 bytes]
 *     packed B: [blocks of k][2][64 bytes of k / 4][16 columns][4 bytes]: 2 bf16 or 4 int8 of neighbouring k
 *
 * A block is 32 bf16 or 64 int8. Everything a tile load touches is a contiguous KiB. Rows, columns and
 * k beyond the matrix are zero. int8 operands begin with float scale[32].
 */
#define UNROLL_ROWS
#include "kern/body/gemm_common.h"
#include "kern/body/quantise.h"

#include <string.h>

enum { SIDE = 16, TILE_BYTES = 1024, BLOCK_BYTES = 2 * TILE_BYTES, SCALE_BYTES = 32 * 4 };
enum { BF16_BLOCK = 32, INT8_BLOCK = 64 };

static size_t blocks_of(int k, int block)
{
    return ((size_t)k + (size_t)block - 1) / (size_t)block;
}

static size_t bf16_bytes(int k)
{
    return blocks_of(k, BF16_BLOCK) * BLOCK_BYTES;
}

static size_t int8_bytes(int k)
{
    return SCALE_BYTES + blocks_of(k, INT8_BLOCK) * BLOCK_BYTES;
}

/* bf16 of elements 2 q in the lower halves and 2 q + 1 in the upper, from vectors of 16 floats in order. */
INLINE vec neighbours(vec first, vec second)
{
    return _mm512_castsi512_ps((__m512i)_mm512_cvtne2ps_pbh(second, first));
}

/* Bf16 of two vectors, side by side in the lower and upper half of each lane. */
INLINE vec pairs(vec low, vec high)
{
    static const uint16_t order[32] = {0, 16, 1, 17, 2,  18, 3,  19, 4,  20, 5,  21, 6,  22, 7,  23,
                                       8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31};
    return _mm512_castsi512_ps(_mm512_permutexvar_epi16(_mm512_loadu_si512(order), _mm512_castps_si512(neighbours(low, high))));
}

/* 16 lines of 32 values that lie along a stride of 1 in k: line i, pairs of k in lanes. */
INLINE void gather_along(int lines, int count, const float *x, ptrdiff_t line, vec block[SIDE])
{
    if (lines == SIDE && count >= BF16_BLOCK) {
        UNROLL for (int i = 0; i < SIDE; i++)
            block[i] = neighbours(v_load(x + i * line), v_load(x + i * line + LANES));
        return;
    }
    const vpart first = v_part(count), second = v_part(count > LANES ? count - LANES : 0);
    for (int i = 0; i < SIDE; i++)
        block[i] = i < lines ? neighbours(v_load_part(x + i * line, first),
                                          count > LANES ? v_load_part(x + i * line + LANES, second) : v_zero())
                             : v_zero();
}

/* The same 16 lines where the lines are neighbours in memory: pair q of k, lines in lanes. */
INLINE void gather_across(int lines, int count, const float *x, ptrdiff_t step, vec block[SIDE])
{
    if (lines == SIDE && count >= BF16_BLOCK) {
        UNROLL for (int q = 0; q < SIDE; q++)
            block[q] = pairs(v_load(x + 2 * q * step), v_load(x + (2 * q + 1) * step));
        return;
    }
    const vpart part = v_part(lines);
    for (int q = 0; q < SIDE; q++) {
        vec low = 2 * q < count ? v_load_part(x + 2 * q * step, part) : v_zero();
        vec high = 2 * q + 1 < count ? v_load_part(x + (2 * q + 1) * step, part) : v_zero();
        block[q] = pairs(low, high);
    }
}

/* Any other strides. */
static void gather_any(int lines, int count, const float *x, ptrdiff_t line, ptrdiff_t step,
                       vec block[SIDE])
{
    float copy[SIDE][BF16_BLOCK] = {{0}};
    for (int i = 0; i < lines; i++)
        for (int p = 0; p < count; p++)
            copy[i][p] = x[i * line + p * step];
    gather_along(lines, count, copy[0], BF16_BLOCK, block);
}

INLINE void put_block(const vec block[SIDE], unsigned char *out)
{
    UNROLL for (int q = 0; q < SIDE; q++)
        v_store((float *)(void *)(out + q * 64), block[q]);
}

/* A tile of at most 16 lines and 32 of k. across: it holds a pair of k per row. */
INLINE void pack_tile(const int across, int lines, int count, const float *x, ptrdiff_t line, ptrdiff_t step,
                      unsigned char *out)
{
    vec block[SIDE];
    if (step == 1) {
        gather_along(lines, count, x, line, block);
        if (across)
            v_transpose(block);
    } else if (line == 1) {
        gather_across(lines, count, x, step, block);
        if (!across)
            v_transpose(block);
    } else {
        gather_any(lines, count, x, line, step, block);
        if (across)
            v_transpose(block);
    }
    put_block(block, out);
}

/* Packs 32 lines (rows of A, or columns of B) of k values. */
INLINE void bf16_pack(const int across, int lines, int k, const float *x, ptrdiff_t line, ptrdiff_t step,
                      void *packed)
{
    unsigned char *out = packed;
    for (int p = 0; p < k; p += BF16_BLOCK)
        for (int half = 0; half < 2; half++, out += TILE_BYTES) {
            const int here = lines - half * SIDE;
            if (here > 0)
                pack_tile(across, here < SIDE ? here : SIDE, k - p < BF16_BLOCK ? k - p : BF16_BLOCK,
                          x + half * SIDE * line + p * step, line, step, out);
            else if (across) /* rows that do not exist are not read, columns are */
                memset(out, 0, TILE_BYTES);
        }
}

static void bf16_pack_a(int rows, int k, const float *a, ptrdiff_t rs, ptrdiff_t cs, void *packed)
{
    bf16_pack(0, rows, k, a, rs, cs, packed);
}

static void bf16_pack_b(int cols, int k, const float *b, ptrdiff_t rs, ptrdiff_t cs, void *packed)
{
    bf16_pack(1, cols, k, b, cs, rs, packed);
}

static void int8_pack_a(int rows, int k, const float *a, ptrdiff_t rs, ptrdiff_t cs, void *packed)
{
    (void)cs; /* 1: see gemm_kern.h */
    float *scale = packed;
    unsigned char *out = (unsigned char *)packed + SCALE_BYTES;
    int padded = (int)blocks_of(k, INT8_BLOCK) * INT8_BLOCK;
    for (int i = 0; i < (rows + SIDE - 1) / SIDE * SIDE; i++) {
        float inverse = 0;
        scale[i] = i < rows ? row_scale(k, a + i * rs, &inverse) : 0;
        for (int p = 0; p < padded; p += LANES) {
            vec x = p < k && inverse != 0 ? v_load_part(a + i * rs + p, v_part(k - p)) : v_zero();
            __m512i value = _mm512_cvtps_epi32(v_mul(x, v_set(inverse)));
            unsigned char *row = out + (ptrdiff_t)(p / INT8_BLOCK) * BLOCK_BYTES + i * 64;
            _mm_storeu_si128((__m128i *)(void *)(row + p % INT8_BLOCK), _mm512_cvtepi32_epi8(value));
        }
    }
}

static void int8_pack_b(int cols, int k, const int8_t *w, const float *scale, void *packed)
{
    float *out_scale = packed;
    int8_t *out = (int8_t *)packed + SCALE_BYTES;
    memset(packed, 0, int8_bytes(k));
    for (int j = 0; j < cols; j++) {
        out_scale[j] = scale[j];
        for (int p = 0; p < k; p++) {
            ptrdiff_t tile = (ptrdiff_t)(p / INT8_BLOCK) * BLOCK_BYTES + j / SIDE * TILE_BYTES;
            out[tile + p % INT8_BLOCK / 4 * 64 + j % SIDE * 4 + p % 4] = w[(ptrdiff_t)j * k + p];
        }
    }
}

/* All blocks of k into tiles 0 to 3; the lower two rows of tiles only when there are more than 16 rows. */
#define SUM_BLOCKS(MULTIPLY, blocks, a, b, rows)                                                  \
    do {                                                                                          \
        T_ZERO(0);                                                                                \
        T_ZERO(1);                                                                                \
        if ((rows) > SIDE) {                                                                      \
            T_ZERO(2);                                                                            \
            T_ZERO(3);                                                                            \
        }                                                                                         \
        for (size_t block = 0; block < (blocks); block++) {                                       \
            T_LOAD(6, (b) + block * BLOCK_BYTES);                                                 \
            T_LOAD(7, (b) + block * BLOCK_BYTES + TILE_BYTES);                                    \
            T_LOAD(4, (a) + block * BLOCK_BYTES);                                                 \
            MULTIPLY(0, 4, 6);                                                                    \
            MULTIPLY(1, 4, 7);                                                                    \
            if ((rows) > SIDE) {                                                                  \
                T_LOAD(5, (a) + block * BLOCK_BYTES + TILE_BYTES);                                \
                MULTIPLY(2, 5, 6);                                                                \
                MULTIPLY(3, 5, 7);                                                                \
            }                                                                                     \
        }                                                                                         \
    } while (0)
#define STORE_SUMS(sum, rows)                        \
    do {                                             \
        T_STORE(0, (sum)[0], 128);                   \
        T_STORE(1, (sum)[0] + SIDE, 128);            \
        if ((rows) > SIDE) {                         \
            T_STORE(2, (sum)[SIDE], 128);            \
            T_STORE(3, (sum)[SIDE] + SIDE, 128);     \
        }                                            \
    } while (0)

/* The sums of rows that are all there, 16 of 32 columns, into y: alpha 1, no activation. */
INLINE void store_plain(const int half, const ting_gemm_out *out, float *y)
{
    if (!out->accumulate && out->bias == NULL) {
        if (half == 0) {
            T_STORE(0, y, out->ldy * 4);
            T_STORE(1, y + SIDE, out->ldy * 4);
        } else {
            T_STORE(2, y, out->ldy * 4);
            T_STORE(3, y + SIDE, out->ldy * 4);
        }
        return;
    }
    _Alignas(64) float sum[SIDE][NR];
    if (half == 0) {
        T_STORE(0, sum[0], 128);
        T_STORE(1, sum[0] + SIDE, 128);
    } else {
        T_STORE(2, sum[0], 128);
        T_STORE(3, sum[0] + SIDE, 128);
    }
    const vec none = v_zero();
    const vec bias0 = out->bias != NULL ? v_load(out->bias) : none, bias1 = out->bias != NULL ? v_load(out->bias + LANES) : none;
    if (!out->accumulate) {
        UNROLL for (int i = 0; i < SIDE; i++)
        {
            v_store(y + i * out->ldy, v_add(v_load(sum[i]), bias0));
            v_store(y + i * out->ldy + LANES, v_add(v_load(sum[i] + LANES), bias1));
        }
        return;
    }
    UNROLL for (int i = 0; i < SIDE; i++)
    {
        v_store(y + i * out->ldy, v_add(v_load(y + i * out->ldy), v_add(v_load(sum[i]), bias0)));
        v_store(y + i * out->ldy + LANES, v_add(v_load(y + i * out->ldy + LANES), v_add(v_load(sum[i] + LANES), bias1)));
    }
}

static void bf16_tile(int rows, int cols, int k, const void *packed_a, const void *packed_b,
                      const ting_gemm_out *out)
{
    const unsigned char *a = packed_a, *b = packed_b;
    const size_t blocks = blocks_of(k, BF16_BLOCK);
    const int whole = cols == NR && rows % SIDE == 0 && out->alpha == 1 && out->act == TING_ACT_NONE && !out->transposed;
    if (whole)
        for (int i = 0; i < rows; i++) {
            __builtin_prefetch(out->y + i * out->ldy, 1);
            __builtin_prefetch(out->y + i * out->ldy + LANES, 1);
        }
    SUM_BLOCKS(T_BF16, blocks, a, b, rows);
    if (whole) {
        store_plain(0, out, out->y);
        if (rows > SIDE)
            store_plain(1, out, out->y + SIDE * out->ldy);
        return;
    }
    _Alignas(64) float sum[MR][NR];
    STORE_SUMS(sum, rows);
    finish_tile(rows, cols, (vec(*)[NV])(void *)sum, out);
}

static void int8_tile(int rows, int cols, int k, const void *packed_a, const void *packed_b,
                      const ting_gemm_out *out)
{
    const float *a_scale = packed_a, *b_scale = packed_b;
    const unsigned char *a = (const unsigned char *)packed_a + SCALE_BYTES;
    const unsigned char *b = (const unsigned char *)packed_b + SCALE_BYTES;
    _Alignas(64) int32_t sum[MR][NR];
    size_t blocks = blocks_of(k, INT8_BLOCK);
    SUM_BLOCKS(T_INT8, blocks, a, b, rows);
    STORE_SUMS(sum, rows);
    vec value[MR][NV];
    for (int i = 0; i < rows; i++)
        for (int v = 0; v < NV; v++)
            value[i][v] = v_mul(_mm512_cvtepi32_ps(_mm512_load_si512(sum[i] + v * LANES)),
                                v_mul(v_set(a_scale[i]), v_load(b_scale + v * LANES)));
    finish_tile(rows, cols, value, out);
}

const ting_gemm_kern NAME(gemm_bf16) = {
    .name = "bf16 " LEVEL_TEXT,
    .mr = MR,
    .nr = NR,
    .row_step = SIDE,
    .k_step = 2 * BF16_BLOCK,
    .a_bytes = bf16_bytes,
    .b_bytes = bf16_bytes,
    .pack_a = bf16_pack_a,
    .pack_b = bf16_pack_b,
    .tile = bf16_tile,
    .enter = t_enter,
    .leave = t_leave,
};

const ting_gemm_kern NAME(gemm_int8) = {
    .name = "int8 " LEVEL_TEXT,
    .mr = MR,
    .nr = NR,
    .row_step = SIDE,
    .a_bytes = int8_bytes,
    .b_bytes = int8_bytes,
    .pack_a = int8_pack_a,
    .pack_b_int8 = int8_pack_b,
    .tile = int8_tile,
    .enter = t_enter,
    .leave = t_leave,
};
