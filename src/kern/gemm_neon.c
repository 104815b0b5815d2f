/* SPDX-License-Identifier: Apache-2.0 */
/* gemm_neon.c - f32 and bf16 products, tiles of 12 x 8: 24 of 32 registers hold sums. */
#include "kern/body/vec_neon.h"

#define LEVEL        neon
#define VECTOR_LEVEL neon
#define LEVEL_TEXT   "12x8 neon"
#define MR           12
#define TILE_CASES(x) \
    TILE_CASE(x, 1) TILE_CASE(x, 2) TILE_CASE(x, 3) TILE_CASE(x, 4) \
    TILE_CASE(x, 5) TILE_CASE(x, 6) TILE_CASE(x, 7) TILE_CASE(x, 8) \
    TILE_CASE(x, 9) TILE_CASE(x, 10) TILE_CASE(x, 11) TILE_CASE(x, 12)
#include "kern/body/gemm_float.h"
