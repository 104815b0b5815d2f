/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gemm_strip.h - products of a few rows, for ops that take rows through several products without leaving the cache.
 *
 * A strip is at most ting_gemm_strip_rows packed rows. What an op does between two products happens on a piece of the
 * first one's result that the first-level cache holds; then it is packed as a strip of the second:
 *
 *     on each thread:  ting_gemm_begin                                          (ting_gemm_tasks, kern/gemm.h)
 *                      for each piece of columns, for each strip:
 *                          ting_gemm_strip(w1, .., piece)  ..  ting_gemm_strip_pack(piece)  ..  ting_gemm_strip(w2, ..)
 *                      ting_gemm_end
 *
 * and rows that a product sums over (gradients of weights) are put into an operand, strip after strip: ting_gemm_room and
 * ting_gemm_put, then ting_gemm_add. Sums have the order of ting_gemm. Int8: only whole strips of k with whole weights.
 */
#ifndef TING_KERN_GEMM_STRIP_H
#define TING_KERN_GEMM_STRIP_H

#include "kern/gemm.h"

enum { TING_GEMM_PIECE = 256 }; /* columns: a multiple of the panels of every kernel */

/* The most rows of a strip for products with w; bytes of one of k columns. */
int ting_gemm_strip_rows(const ting_packed *w);
size_t ting_gemm_strip_bytes(const ting_packed *w, int k);

/* Rows x [rows, k] as a strip for products with w. */
void ting_gemm_strip_pack(const ting_packed *w, int rows, int k, const ting_real *x, int ldx, unsigned char *strip);

/* Before the first product of a thread and after its last. */
void ting_gemm_begin(const ting_packed *w);
void ting_gemm_end(const ting_packed *w);

typedef struct ting_gemm_part { /* of a packed operand [k, n] */
    int k0, k;                  /* rows k0 .. k0 + k - 1, k0 a multiple of TING_GEMM_PIECE */
    int n0, n;                  /* columns n0 .. n0 + n - 1, n0 a multiple of 32, n too or up to the last column */
} ting_gemm_part;

/* y [rows, n] (+)= strip part + bias[n]; bias may be NULL. */
void ting_gemm_strip(const ting_packed *w, const ting_gemm_part *part, int rows, const unsigned char *strip,
                     const ting_real *bias, int accumulate, ting_real *y, int ldy);

/* Room for an operand b [k, n], not set: in the arena, where it dies with the caller's rewind. NULL when the arena fails. */
ting_packed *ting_gemm_room(const ting_gemm_run *run, ting_precision precision, int n, int k);

/* Rows k0 .. k0 + rows - 1 of b, columns n0 .. n0 + cols - 1, are x [rows, cols]. k0 is a multiple of the strip's rows, n0
 * of 32, cols too or up to the last column. Different rows may be put at a time. */
void ting_gemm_put(ting_packed *b, int k0, int rows, int n0, int cols, const ting_real *x, int ldx);

#endif
