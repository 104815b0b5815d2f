/* SPDX-License-Identifier: Apache-2.0 */
/* gemm_avx512.c - f32 and bf16 products, tiles of 14 x 32: 28 of 32 registers hold sums. */
#include "kern/body/vec_avx512.h"

#define LEVEL      avx512
#define VECTOR_LEVEL avx512
#define LEVEL_TEXT "14x32 avx512"
#define MR         14
#define TILE_CASES(bf16)                                                                       \
    TILE_CASE(bf16, 1) TILE_CASE(bf16, 2) TILE_CASE(bf16, 3) TILE_CASE(bf16, 4)                \
    TILE_CASE(bf16, 5) TILE_CASE(bf16, 6) TILE_CASE(bf16, 7) TILE_CASE(bf16, 8)                \
    TILE_CASE(bf16, 9) TILE_CASE(bf16, 10) TILE_CASE(bf16, 11) TILE_CASE(bf16, 12)             \
    TILE_CASE(bf16, 13) TILE_CASE(bf16, 14)
#include "kern/body/gemm_float.h"
