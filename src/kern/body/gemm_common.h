/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gemm_common.h - what the bodies of all matrix micro-kernels share: names, unrolling, and the end of a
 * tile. Included after vec_<set>.h, with LEVEL (suffix of the kernel's name), VECTOR_LEVEL (suffix of the
 * vector kernels it calls), LEVEL_TEXT, MR (rows of a tile) and TILE_CASES defined.
 */
#include "kern/levels.h"

#define LEVEL_NAME_(name, level) ting_##name##_##level
#define LEVEL_NAME(name, level)  LEVEL_NAME_(name, level)
#define NAME(name)               LEVEL_NAME(name, LEVEL)
#define VECTOR_NAME(name)        LEVEL_NAME(name, VECTOR_LEVEL)

#if defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif
#ifndef UNROLL_ROWS /* empty in bodies whose number of rows is no constant */
#define UNROLL_ROWS UNROLL
#endif
#define INLINE static inline __attribute__((always_inline))

enum { NV = 2, NR = NV * LANES };

/* y = or += alpha sum + bias, or its positive part, for one row of `cols` columns. */
INLINE void finish_row(int cols, const vec *sum, const ting_gemm_out *out, float *y)
{
    vec alpha = v_set(out->alpha);
    UNROLL for (int v = 0; v < NV; v++)
    {
        int first = v * LANES;
        if (first >= cols)
            break;
        vpart part = v_part(cols - first);
        vec t = v_mul(alpha, sum[v]);
        if (out->bias != NULL)
            t = v_add(t, v_load_part(out->bias + first, part));
        if (out->act == TING_ACT_RELU)
            t = v_max(v_zero(), t);
        if (out->accumulate)
            t = v_add(v_load_part(y + first, part), t);
        v_store_part(y + first, part, t);
    }
}

/* y[j, i] += sum[i, j] */
INLINE void add_transposed(int rows, int cols, vec (*sum)[NV], const ting_gemm_out *out)
{
    for (int first = 0; first < rows; first += LANES) {
        const vpart part = v_part(rows - first);
        for (int v = 0; v < NV && v * LANES < cols; v++) {
            vec block[LANES];
            for (int i = 0; i < LANES; i++)
                block[i] = first + i < rows ? sum[first + i][v] : v_zero();
            v_transpose(block);
            float *y = out->y + v * LANES * out->ldy + first;
            for (int j = 0; j < LANES && v * LANES + j < cols; j++, y += out->ldy)
                v_store_part(y, part, v_add(v_load_part(y, part), block[j]));
        }
    }
}

/* The whole tile: y = or += act(alpha sum + bias). */
INLINE void finish_tile(const int rows, int cols, vec (*sum)[NV], const ting_gemm_out *out)
{
    if (out->transposed) {
        add_transposed(rows, cols, sum, out);
        return;
    }
    if (out->act <= TING_ACT_RELU) {
        UNROLL_ROWS for (int i = 0; i < rows; i++) finish_row(cols, sum[i], out, out->y + i * out->ldy);
        return;
    }
    float linear[MR][NR]; /* y += act(..) needs the old y until act is done */
    ting_gemm_out first = *out;
    first.accumulate = 0;
    if (out->accumulate) {
        first.y = linear[0];
        first.ldy = NR;
    }
    UNROLL_ROWS for (int i = 0; i < rows; i++) finish_row(cols, sum[i], &first, first.y + i * first.ldy);
    VECTOR_NAME(act_rows)(out->act, rows, cols, first.y, first.ldy);
    for (int i = 0; out->accumulate && i < rows; i++)
        VECTOR_NAME(add)(cols, linear[i], out->y + i * out->ldy, out->y + i * out->ldy);
}
