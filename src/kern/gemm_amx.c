/* SPDX-License-Identifier: Apache-2.0 */
/* gemm_amx.c - bf16 and int8 products by AMX: the tile instructions for body/gemm_amx.h. */
#include "kern/body/vec_avx512.h"

#if !defined(__AMX_TILE__) && !defined(__AMXTILE__) /* gcc and new clang; old clang */
#error "compile this file with the flags of its name: see the Makefile"
#endif

#define LEVEL        amx
#define VECTOR_LEVEL avx512
#define LEVEL_TEXT   "32x32 amx"
#define MR           32

#define T_ZERO(t)             _tile_zero(t)
#define T_LOAD(t, p)          _tile_loadd(t, p, 64)
#define T_STORE(t, p, stride) _tile_stored(t, p, stride)
#define T_BF16(c, a, b)       _tile_dpbf16ps(c, a, b)
#define T_INT8(c, a, b)       _tile_dpbssd(c, a, b)

/* All eight tiles 16 rows of 64 bytes (Intel SDM, TILECFG). */
static void t_enter(void)
{
    static const struct {
        uint8_t palette, start_row, reserved[14];
        uint16_t bytes_of_row[16];
        uint8_t rows[16];
    } shape = {.palette = 1,
               .bytes_of_row = {64, 64, 64, 64, 64, 64, 64, 64},
               .rows = {16, 16, 16, 16, 16, 16, 16, 16}};
    _tile_loadconfig(&shape);
}

static void t_leave(void)
{
    _tile_release();
}

#include "kern/body/gemm_amx.h"
