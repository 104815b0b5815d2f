/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gemm.h - matrix products.
 *
 * Two entries. ting_gemm_packed multiplies rows by a weight that was packed once at load: inference.
 * ting_gemm takes any strides for all operands and packs on the fly: training and attention.
 *
 *     y[m, n] (+)= act( x[m, k] W^T + bias[n] )         W is [n, k], Linear layout: a row per output
 *     c[m, n] (+)= alpha a[m, k] b[k, n]                element (i, j) of a at a[i * a_rs + j * a_cs]
 *
 * The sum over k of one output element runs in one fixed order (see kern.h), so results do not depend on
 * m, on tiling or on threads. When not accumulating, the output is never read: it may hold NaN.
 * Work is split over the pool; scratch comes from the arena and is given back before return; when the
 * arena fails the output is left alone and the arena's sticky flag tells.
 */
#ifndef TING_KERN_GEMM_H
#define TING_KERN_GEMM_H

#include "base/arena.h"
#include "base/pool.h"
#include "kern/kern.h"
#include "tingxie.h" /* ting_precision */

#include <stddef.h>
#include <stdint.h>

typedef struct ting_packed ting_packed; /* a weight in the layout of one gemm kernel */

/* A weight as it stands in a file or in memory, [n, k] row-major. Exactly one of real, f16, bf16, int8. */
typedef struct ting_weight {
    int n, k;
    const ting_real *real; /* leading dimension k */
    const uint16_t *f16, *bf16;
    const int8_t *int8;
    const float *scale; /* [n], with int8: value = int8 * scale */
} ting_weight;

/* Returns an owned packed weight, free with ting_packed_free; NULL when out of memory. Int8 weights in
 * an int8 packing keep their bytes; other pairs convert (int8 from real: symmetric per output, rounded
 * to nearest). */
ting_packed *ting_pack(const ting_kern *kern, ting_precision precision, const ting_weight *weight);
void ting_packed_free(ting_packed *packed);
size_t ting_packed_bytes(const ting_packed *packed);

typedef struct ting_gemm_run { /* where a product runs */
    const ting_kern *kern;
    ting_pool *pool;
    ting_arena *arena;
} ting_gemm_run;

void ting_gemm_packed(const ting_gemm_run *run, int m, const ting_real *x, int ldx,
                      const ting_packed *w, const ting_real *bias /* or NULL */, ting_act act,
                      int accumulate, ting_real *y, int ldy);

typedef struct ting_strided { /* an operand: element (i, j) at data[i * rs + j * cs] */
    const ting_real *data;
    ptrdiff_t rs, cs;
} ting_strided;

/* Operands are taken in `precision` F32 or BF16 (rounded on packing). */
void ting_gemm(const ting_gemm_run *run, ting_precision precision, int m, int n, int k,
               ting_real alpha, ting_strided a, ting_strided b, int accumulate, ting_real *c, int ldc);

/* b [k, n] in the layout of a packed weight, for several products with it: in the arena, where it dies with the caller's
 * rewind. NULL when the arena fails. */
const ting_packed *ting_gemm_pack(const ting_gemm_run *run, ting_precision precision, int n, int k, ting_strided b);

/* Rows 0 .. k - 1 of b stand in it: y [m, n] += a b, or y [n, m] += the transpose of a b. */
void ting_gemm_add(const ting_gemm_run *run, int m, int k, ting_strided a, const ting_packed *b, int transposed,
                   ting_real *y, int ldy);

/* c = a b + bias[n]; bias may be NULL. */
void ting_gemm_bias(const ting_gemm_run *run, ting_precision precision, int m, int n, int k, ting_strided a,
                    ting_strided b, const ting_real *bias, ting_real *c, int ldc);

/* ---- work on one thread each ---- */

/* Calls task(arg, room, index) for each index below count, over the pool; room: `bytes` bytes that the task has alone. */
void ting_gemm_tasks(const ting_gemm_run *run, size_t bytes, int count,
                     void (*task)(void *arg, unsigned char *room, int index), void *arg);

/* ---- many small products ---- */

typedef struct ting_gemm_desk { /* where a thread works */
    const struct ting_gemm_kern *kern;
    unsigned char *scratch;
    ting_real *room;
} ting_gemm_desk;

/* Calls task(arg, desk, index) for each index below count, over the pool, with a desk for products of up to n columns
 * and k summands, and room for `room` numbers. */
void ting_gemm_desks(const ting_gemm_run *run, ting_precision precision, int n, int k, size_t room, int count,
                     void (*task)(void *arg, const ting_gemm_desk *desk, int index), void *arg);

/* c (+)= alpha a b as ting_gemm, at a desk. */
void ting_gemm_at(const ting_gemm_desk *desk, int m, int n, int k, ting_real alpha, ting_strided a, ting_strided b,
                  int accumulate, ting_real *c, int ldc);

#endif
