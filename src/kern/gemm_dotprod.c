/* SPDX-License-Identifier: Apache-2.0 */
/* gemm_dotprod.c - int8 products by the dot product instruction: signed, four at a time. */
#include "kern/body/vec_neon.h"

#define LEVEL        dotprod
#define VECTOR_LEVEL neon
#define LEVEL_TEXT   "12x8 dotprod"
#define MR           12
#define GROUP        4
#define BIAS         0
#define TILE_CASES(x) \
    TILE_CASE(x, 1) TILE_CASE(x, 2) TILE_CASE(x, 3) TILE_CASE(x, 4) \
    TILE_CASE(x, 5) TILE_CASE(x, 6) TILE_CASE(x, 7) TILE_CASE(x, 8) \
    TILE_CASE(x, 9) TILE_CASE(x, 10) TILE_CASE(x, 11) TILE_CASE(x, 12)

typedef int32x4_t ivec;

static inline ivec i_load(const int32_t *p)
{
    return vld1q_s32(p);
}

static inline ivec i_weights(const int8_t *p)
{
    return vreinterpretq_s32_s8(vld1q_s8(p));
}

static inline ivec i_spread(int32_t group)
{
    return vdupq_n_s32(group);
}

static inline ivec i_dot(ivec sum, ivec a, ivec b)
{
    return vdotq_s32(sum, vreinterpretq_s8_s32(a), vreinterpretq_s8_s32(b));
}

static inline vec i_float(ivec a)
{
    return vcvtq_f32_s32(a);
}

static inline void i_put_row(unsigned char *p, vec x)
{
    int16x4_t half = vmovn_s32(vcvtnq_s32_f32(x));
    int8x8_t value = vmovn_s16(vcombine_s16(half, half));
    vst1_lane_s32((int32_t *)(void *)p, vreinterpret_s32_s8(value), 0);
}

#include "kern/body/gemm_int8.h"
