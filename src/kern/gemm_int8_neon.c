/* SPDX-License-Identifier: Apache-2.0 */
/* gemm_int8_neon.c - int8 products by NEON: values widened to 16 bits, two at a time. */
#include "kern/body/vec_neon.h"

#define LEVEL        neon
#define VECTOR_LEVEL neon
#define LEVEL_TEXT   "8x8 neon"
#define MR           8
#define GROUP        2
#define BIAS         0
#define TILE_CASES(x) \
    TILE_CASE(x, 1) TILE_CASE(x, 2) TILE_CASE(x, 3) TILE_CASE(x, 4) \
    TILE_CASE(x, 5) TILE_CASE(x, 6) TILE_CASE(x, 7) TILE_CASE(x, 8)

typedef int32x4_t ivec;

static inline ivec i_load(const int32_t *p)
{
    return vld1q_s32(p);
}

static inline ivec i_weights(const int8_t *p)
{
    return vreinterpretq_s32_s16(vmovl_s8(vld1_s8(p)));
}

static inline ivec i_spread(int32_t group)
{
    return vdupq_n_s32(group);
}

static inline ivec i_dot(ivec sum, ivec a, ivec b)
{
    int16x8_t x = vreinterpretq_s16_s32(a), y = vreinterpretq_s16_s32(b);
    int32x4_t low = vmull_s16(vget_low_s16(x), vget_low_s16(y));
    return vaddq_s32(sum, vpaddq_s32(low, vmull_high_s16(x, y)));
}

static inline vec i_float(ivec a)
{
    return vcvtq_f32_s32(a);
}

static inline void i_put_row(unsigned char *p, vec x)
{
    vst1_s16((int16_t *)(void *)p, vmovn_s32(vcvtnq_s32_f32(x)));
}

#include "kern/body/gemm_int8.h"
