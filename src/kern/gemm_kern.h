/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gemm_kern.h - a matrix micro-kernel together with its packing: internal to kern/. docs/KERNELS.md is
 * the written contract.
 *
 * The micro-kernel, the functions that lay out its operands and the tile size stand in one struct, so
 * that a layout and the code that reads it cannot disagree. The driver (gemm.c) cuts
 *
 *     y[m, n] = A[m, k] B[k, n]      rows into tiles of at most mr, columns into panels of nr
 *
 * packs each operand once, and calls `tile` for every pair (row tile, column panel). k is never padded
 * by the driver; a kernel that reads k in steps pads inside its own packing.
 */
#ifndef TING_KERN_GEMM_KERN_H
#define TING_KERN_GEMM_KERN_H

#include "kern/gemm.h"

#include <stddef.h>
#include <stdint.h>

enum {
    TING_GEMM_ALIGN = 64,  /* of packed operands and their sizes */
    TING_GEMM_MAX_NR = 64, /* no kernel has wider panels */
    TING_GEMM_LINE = 4     /* panels of `line` */
};

/* What happens to a finished sum: t = act(alpha sum + bias), then y = t or y += t. */
typedef struct ting_gemm_out {
    ting_real *y; /* of the tile's first element; never read unless accumulate */
    ptrdiff_t ldy;
    ting_real alpha;
    const ting_real *bias; /* of the tile's first column, or NULL */
    ting_act act;
    int accumulate;
    int transposed; /* element (i, j) is added to y[j * ldy + i]: alpha 1, no bias, no act */
} ting_gemm_out;

typedef struct ting_gemm_kern {
    const char *name; /* "f32 14x32 avx512" */
    int mr, nr;
    int row_step; /* tiles begin at multiples of it; 0: anywhere */
    /* Bytes of a packed row tile (any rows <= mr) and of a packed column panel, for k >= 0; multiples of 64. In a panel of
     * floats or bf16 of any length, row k begins at b_bytes(k) if k is a multiple of mr or of 32. */
    size_t (*a_bytes)(int k);
    size_t (*b_bytes)(int k);
    /* rows <= mr rows of A: element (i, p) at a[i * rs + p * cs]. `packed` is aligned to 64. An int8
     * kernel's rows are contiguous: cs is 1. Columns p0 .. p0 + c - 1, p0 and c multiples of k_step (if that is not 0), may be
     * packed by themselves to a_bytes(p0) of a tile of any length: where lines of memory run across k, all tiles take the
     * same lines together. */
    int k_step;
    void (*pack_a)(int rows, int k, const ting_real *a, ptrdiff_t rs, ptrdiff_t cs, void *packed);
    /* cols <= nr columns of B: element (p, j) at b[p * rs + j * cs]; writes all of b_bytes(k). By rows as A by columns. */
    void (*pack_b)(int cols, int k, const ting_real *b, ptrdiff_t rs, ptrdiff_t cs, void *packed);
    /* The same from int8 weights w[j * k + p] with a scale per column; NULL unless the operands are int8. */
    void (*pack_b_int8)(int cols, int k, const int8_t *w, const float *scale, void *packed);
    /* One tile: writes rows x cols elements of out->y and nothing else. */
    void (*tile)(int rows, int cols, int k, const void *a, const void *b, const ting_gemm_out *out);
    /* One row times `panels` <= TING_GEMM_LINE neighbouring panels that lie panel_bytes apart, `cols` columns in
     * all: more chains at a time than one panel gives. The same sums as `tile`. NULL: `tile` serves. */
    void (*line)(int panels, int cols, int k, const void *a, const void *b, size_t panel_bytes,
                 const ting_gemm_out *out);
    /* Called by a thread before its first tile and after its last one; NULL when there is nothing to do. */
    void (*enter)(void);
    void (*leave)(void);
} ting_gemm_kern;

struct ting_packed {
    const ting_gemm_kern *kern;
    int n, k;
    size_t panel_bytes;
    size_t bytes;
    unsigned char *data; /* [panels, panel_bytes] */
};

const ting_gemm_kern *ting_gemm_kern_of(const ting_kern *kern, ting_precision precision);

/* Rounds a size up to TING_GEMM_ALIGN. */
static inline size_t ting_gemm_round_up(size_t bytes)
{
    return (bytes + TING_GEMM_ALIGN - 1) / TING_GEMM_ALIGN * TING_GEMM_ALIGN;
}

/* ---- shared by the int8 kernels, so that all of them give the same bits ---- */

/* Symmetric quantisation of `count` values to -127..127: returns the scale max|x| / 127; values become
 * rint(x / scale), ties to even. All zero: scale 0. A value that is not finite makes the scale NaN and
 * the values 0, so that the whole row comes out NaN. */
float ting_quantise_ref(int count, const ting_real *x, ptrdiff_t stride, int8_t *out);

#endif
