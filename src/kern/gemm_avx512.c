/* SPDX-License-Identifier: Apache-2.0 */
/* gemm_avx512.c - f32 and bf16 products, tiles of 14 x 32: 28 of 32 registers hold sums. */
#include "kern/body/vec_avx512.h"

#define LEVEL        avx512
#define VECTOR_LEVEL avx512
#define LEVEL_TEXT   "14x32 avx512"
#define MR           14
#define TILE_CASES(x) \
    TILE_CASE(x, 1) TILE_CASE(x, 2) TILE_CASE(x, 3) TILE_CASE(x, 4) \
    TILE_CASE(x, 5) TILE_CASE(x, 6) TILE_CASE(x, 7) TILE_CASE(x, 8) \
    TILE_CASE(x, 9) TILE_CASE(x, 10) TILE_CASE(x, 11) TILE_CASE(x, 12) \
    TILE_CASE(x, 13) TILE_CASE(x, 14)
#include "kern/body/gemm_float.h"
