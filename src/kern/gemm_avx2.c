/* SPDX-License-Identifier: Apache-2.0 */
/* gemm_avx2.c - f32 and bf16 products, tiles of 6 x 16: 12 of 16 registers hold sums. */
#include "kern/body/vec_avx2.h"

#define LEVEL        avx2
#define VECTOR_LEVEL avx2
#define LEVEL_TEXT   "6x16 avx2"
#define MR           6
#define TILE_CASES(x) \
    TILE_CASE(x, 1) TILE_CASE(x, 2) TILE_CASE(x, 3) TILE_CASE(x, 4) \
    TILE_CASE(x, 5) TILE_CASE(x, 6)
#include "kern/body/gemm_float.h"
