/* SPDX-License-Identifier: Apache-2.0 */
/* vec_avx512.h - the vector words of the bodies (see docs/KERNELS.md) for AVX-512 F, BW, DQ, VL: 16 floats. */
#ifndef __AVX512F__
#error "compile this file with the flags of its name: see the Makefile"
#endif
#include <immintrin.h>
#include <math.h>
#include <stdint.h>

enum { LANES = 16 };

typedef __m512 vec;
typedef __mmask16 vmask; /* a truth value per lane */
typedef __mmask16 vpart; /* the first so many lanes */

static inline vpart v_part(int count)
{
    return count >= LANES ? (vpart)0xFFFF : count <= 0 ? (vpart)0 : (vpart)((1u << count) - 1);
}

static inline vec v_load(const float *p)
{
    return _mm512_loadu_ps(p);
}

static inline void v_store(float *p, vec x)
{
    _mm512_storeu_ps(p, x);
}

static inline vec v_load_part(const float *p, vpart part)
{
    return _mm512_maskz_loadu_ps(part, p);
}

static inline void v_store_part(float *p, vpart part, vec x)
{
    _mm512_mask_storeu_ps(p, part, x);
}

static inline vec v_fill_part(vec x, vpart part, vec rest)
{
    return _mm512_mask_mov_ps(rest, part, x);
}

static inline vec v_set(float x)
{
    return _mm512_set1_ps(x);
}

static inline vec v_zero(void)
{
    return _mm512_setzero_ps();
}

static inline vec v_add(vec a, vec b)
{
    return _mm512_add_ps(a, b);
}

static inline vec v_sub(vec a, vec b)
{
    return _mm512_sub_ps(a, b);
}

static inline vec v_mul(vec a, vec b)
{
    return _mm512_mul_ps(a, b);
}

static inline vec v_div(vec a, vec b)
{
    return _mm512_div_ps(a, b);
}

static inline vec v_sqrt(vec a)
{
    return _mm512_sqrt_ps(a);
}

static inline vec v_fma(vec a, vec b, vec c)
{
    return _mm512_fmadd_ps(a, b, c);
}

static inline vec v_fnma(vec a, vec b, vec c)
{
    return _mm512_fnmadd_ps(a, b, c);
}

static inline vec v_min(vec a, vec b)
{
    return _mm512_min_ps(a, b);
}

static inline vec v_max(vec a, vec b)
{
    return _mm512_max_ps(a, b);
}

static inline vec v_abs(vec a)
{
    return _mm512_abs_ps(a);
}

static inline vec v_copysign(vec magnitude, vec sign)
{
    const __m512i bit = _mm512_set1_epi32(INT32_MIN); /* where set: sign; else: magnitude */
    return _mm512_castsi512_ps(_mm512_ternarylogic_epi32(bit, _mm512_castps_si512(sign),
                                                         _mm512_castps_si512(magnitude), 0xCA));
}

static inline vmask v_less(vec a, vec b)
{
    return _mm512_cmp_ps_mask(a, b, _CMP_LT_OQ);
}

static inline vmask v_is_nan(vec a)
{
    return _mm512_cmp_ps_mask(a, a, _CMP_UNORD_Q);
}

static inline vmask v_either(vmask a, vmask b)
{
    return a | b;
}

static inline int v_any(vmask a)
{
    return a != 0;
}

static inline vmask v_never(void)
{
    return 0;
}

static inline vec v_select(vmask mask, vec yes, vec no)
{
    return _mm512_mask_mov_ps(no, mask, yes);
}

static inline vec v_round(vec a)
{
    return _mm512_roundscale_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}

static inline vec v_pow2(vec n)
{
    __m512i bits = _mm512_add_epi32(_mm512_cvtps_epi32(n), _mm512_set1_epi32(127));
    return _mm512_castsi512_ps(_mm512_slli_epi32(bits, 23));
}

/* x 2^n for whole n, rounded once, denormals and infinity included. */
static inline vec v_times_pow2(vec x, vec n)
{
    return _mm512_scalef_ps(x, n);
}

/* 1 / x within an ulp or so, for 1 <= x <= 2^100: the instruction's 14 bits, doubled by a Newton step. */
static inline vec v_reciprocal(vec x)
{
    vec y = _mm512_rcp14_ps(x);
    return v_fma(y, v_fnma(x, y, v_set(1.0f)), y);
}

static inline float v_sum(vec a)
{
    __m256 half = _mm256_add_ps(_mm512_castps512_ps256(a), _mm512_extractf32x8_ps(a, 1));
    __m128 quarter = _mm_add_ps(_mm256_castps256_ps128(half), _mm256_extractf128_ps(half, 1));
    quarter = _mm_add_ps(quarter, _mm_movehl_ps(quarter, quarter));
    return _mm_cvtss_f32(_mm_add_ss(quarter, _mm_shuffle_ps(quarter, quarter, 1)));
}

static inline float v_top(vec a)
{
    return _mm512_reduce_max_ps(a);
}

/* ---- bf16 in the upper half of each lane ---- */

static inline vec v_round_bf16(vec a)
{
    __m512i bits = _mm512_castps_si512(a);
    __m512i odd = _mm512_and_si512(_mm512_srli_epi32(bits, 16), _mm512_set1_epi32(1));
    __m512i sum = _mm512_add_epi32(_mm512_add_epi32(bits, _mm512_set1_epi32(0x7FFF)), odd);
    sum = _mm512_mask_or_epi32(sum, v_is_nan(a), bits, _mm512_set1_epi32(0x400000));
    return _mm512_castsi512_ps(_mm512_and_si512(sum, _mm512_set1_epi32((int)0xFFFF0000)));
}

static inline vec v_join_bf16(vec low, vec high)
{
    return _mm512_castsi512_ps(_mm512_or_si512(_mm512_srli_epi32(_mm512_castps_si512(low), 16),
                                               _mm512_castps_si512(high)));
}

static inline vec v_low_bf16(vec pair)
{
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_castps_si512(pair), 16));
}

static inline vec v_high_bf16(vec pair)
{
    return _mm512_castsi512_ps(
        _mm512_and_si512(_mm512_castps_si512(pair), _mm512_set1_epi32((int)0xFFFF0000)));
}

static inline void v_transpose(vec r[16])
{
    __m512 t[16];
    for (int i = 0; i < 16; i += 2) {
        t[i] = _mm512_unpacklo_ps(r[i], r[i + 1]);
        t[i + 1] = _mm512_unpackhi_ps(r[i], r[i + 1]);
    }
    for (int i = 0; i < 16; i += 4) {
        r[i] = _mm512_shuffle_ps(t[i], t[i + 2], 0x44);
        r[i + 1] = _mm512_shuffle_ps(t[i], t[i + 2], 0xEE);
        r[i + 2] = _mm512_shuffle_ps(t[i + 1], t[i + 3], 0x44);
        r[i + 3] = _mm512_shuffle_ps(t[i + 1], t[i + 3], 0xEE);
    }
    /* r[4 q + c] holds, in 128-bit block b, elements 4 q .. 4 q + 3 of column 4 b + c: move the blocks. */
    for (int c = 0; c < 4; c++) {
        t[c] = _mm512_shuffle_f32x4(r[c], r[4 + c], 0x88);
        t[4 + c] = _mm512_shuffle_f32x4(r[c], r[4 + c], 0xDD);
        t[8 + c] = _mm512_shuffle_f32x4(r[8 + c], r[12 + c], 0x88);
        t[12 + c] = _mm512_shuffle_f32x4(r[8 + c], r[12 + c], 0xDD);
    }
    for (int c = 0; c < 4; c++) {
        r[c] = _mm512_shuffle_f32x4(t[c], t[8 + c], 0x88);
        r[8 + c] = _mm512_shuffle_f32x4(t[c], t[8 + c], 0xDD);
        r[4 + c] = _mm512_shuffle_f32x4(t[4 + c], t[12 + c], 0x88);
        r[12 + c] = _mm512_shuffle_f32x4(t[4 + c], t[12 + c], 0xDD);
    }
}
