/* SPDX-License-Identifier: Apache-2.0 */
/* vec_neon.h - the vector words of the bodies (see docs/KERNELS.md) for aarch64 NEON: 4 floats. */
#ifndef __aarch64__
#error "these kernels are for aarch64"
#endif
#include <arm_neon.h>
#include <math.h>
#include <stdint.h>

enum { LANES = 4 };

typedef float32x4_t vec;
typedef uint32x4_t vmask; /* a truth value per lane: all bits or none */
typedef int vpart;        /* how many of the first lanes, 0 to 4 */

static inline vpart v_part(int count)
{
    return count >= LANES ? LANES : count <= 0 ? 0 : count;
}

static inline vec v_load(const float *p)
{
    return vld1q_f32(p);
}

static inline void v_store(float *p, vec x)
{
    vst1q_f32(p, x);
}

static inline vec v_load_part(const float *p, vpart part)
{
    vec x = vdupq_n_f32(0);
    if (part == LANES)
        return vld1q_f32(p);
    if (part > 0)
        x = vld1q_lane_f32(p, x, 0);
    if (part > 1)
        x = vld1q_lane_f32(p + 1, x, 1);
    if (part > 2)
        x = vld1q_lane_f32(p + 2, x, 2);
    return x;
}

static inline void v_store_part(float *p, vpart part, vec x)
{
    if (part == LANES) {
        vst1q_f32(p, x);
        return;
    }
    if (part > 0)
        vst1q_lane_f32(p, x, 0);
    if (part > 1)
        vst1q_lane_f32(p + 1, x, 1);
    if (part > 2)
        vst1q_lane_f32(p + 2, x, 2);
}

static inline vec v_fill_part(vec x, vpart part, vec rest)
{
    static const uint32_t lane[LANES] = {0, 1, 2, 3};
    return vbslq_f32(vcltq_u32(vld1q_u32(lane), vdupq_n_u32((uint32_t)part)), x, rest);
}

static inline vec v_set(float x)
{
    return vdupq_n_f32(x);
}

static inline vec v_zero(void)
{
    return vdupq_n_f32(0);
}

static inline vec v_add(vec a, vec b)
{
    return vaddq_f32(a, b);
}

static inline vec v_sub(vec a, vec b)
{
    return vsubq_f32(a, b);
}

static inline vec v_mul(vec a, vec b)
{
    return vmulq_f32(a, b);
}

static inline vec v_div(vec a, vec b)
{
    return vdivq_f32(a, b);
}

static inline vec v_sqrt(vec a)
{
    return vsqrtq_f32(a);
}

static inline vec v_fma(vec a, vec b, vec c)
{
    return vfmaq_f32(c, a, b);
}

static inline vec v_fnma(vec a, vec b, vec c)
{
    return vfmsq_f32(c, a, b);
}

static inline vec v_min(vec a, vec b)
{
    return vminq_f32(a, b);
}

static inline vec v_max(vec a, vec b)
{
    return vmaxq_f32(a, b);
}

static inline vec v_abs(vec a)
{
    return vabsq_f32(a);
}

static inline vec v_copysign(vec magnitude, vec sign)
{
    return vbslq_f32(vdupq_n_u32(0x80000000u), sign, magnitude);
}

static inline vmask v_less(vec a, vec b)
{
    return vcltq_f32(a, b);
}

static inline vmask v_is_nan(vec a)
{
    return vmvnq_u32(vceqq_f32(a, a));
}

static inline vmask v_either(vmask a, vmask b)
{
    return vorrq_u32(a, b);
}

static inline int v_any(vmask a)
{
    return vmaxvq_u32(a) != 0;
}

static inline vmask v_never(void)
{
    return vdupq_n_u32(0);
}

static inline vec v_select(vmask mask, vec yes, vec no)
{
    return vbslq_f32(mask, yes, no);
}

static inline vec v_round(vec a)
{
    return vrndnq_f32(a);
}

static inline vec v_pow2(vec n)
{
    int32x4_t bits = vaddq_s32(vcvtnq_s32_f32(n), vdupq_n_s32(127));
    return vreinterpretq_f32_s32(vshlq_n_s32(bits, 23));
}

/* x 2^n for whole n, |n| <= 200, in two factors: denormals and infinity come out right. */
static inline vec v_times_pow2(vec x, vec n)
{
    vec half = v_round(v_mul(n, v_set(0.5f)));
    return v_mul(v_mul(x, v_pow2(half)), v_pow2(v_sub(n, half)));
}

static inline vec v_reciprocal(vec x)
{
    return v_div(v_set(1.0f), x);
}

static inline float v_sum(vec a)
{
    return vaddvq_f32(a);
}

static inline float v_top(vec a)
{
    return vmaxvq_f32(a);
}

/* ---- bf16 in the upper half of each lane ---- */

static inline vec v_round_bf16(vec a)
{
    uint32x4_t bits = vreinterpretq_u32_f32(a);
    uint32x4_t odd = vandq_u32(vshrq_n_u32(bits, 16), vdupq_n_u32(1));
    uint32x4_t sum = vaddq_u32(vaddq_u32(bits, vdupq_n_u32(0x7FFF)), odd);
    sum = vbslq_u32(v_is_nan(a), vorrq_u32(bits, vdupq_n_u32(0x400000)), sum);
    return vreinterpretq_f32_u32(vandq_u32(sum, vdupq_n_u32(0xFFFF0000u)));
}

static inline vec v_join_bf16(vec low, vec high)
{
    return vreinterpretq_f32_u32(
        vorrq_u32(vshrq_n_u32(vreinterpretq_u32_f32(low), 16), vreinterpretq_u32_f32(high)));
}

static inline vec v_low_bf16(vec pair)
{
    return vreinterpretq_f32_u32(vshlq_n_u32(vreinterpretq_u32_f32(pair), 16));
}

static inline vec v_high_bf16(vec pair)
{
    return vreinterpretq_f32_u32(vandq_u32(vreinterpretq_u32_f32(pair), vdupq_n_u32(0xFFFF0000u)));
}

static inline void v_transpose(vec r[4])
{
    float32x4x2_t even = vzipq_f32(r[0], r[2]); /* 00 20 01 21, 02 22 03 23 */
    float32x4x2_t odd = vzipq_f32(r[1], r[3]);
    float32x4x2_t upper = vzipq_f32(even.val[0], odd.val[0]);
    float32x4x2_t lower = vzipq_f32(even.val[1], odd.val[1]);
    r[0] = upper.val[0];
    r[1] = upper.val[1];
    r[2] = lower.val[0];
    r[3] = lower.val[1];
}
