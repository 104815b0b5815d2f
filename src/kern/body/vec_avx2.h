/* SPDX-License-Identifier: Apache-2.0 */
/* vec_avx2.h - the vector words of the bodies (see docs/KERNELS.md) for AVX2 and FMA: 8 floats. */
#if !defined(__AVX2__) || !defined(__FMA__)
#error "compile this file with the flags of its name: see the Makefile"
#endif
#include <immintrin.h>
#include <math.h>
#include <stdint.h>

enum { LANES = 8 };

typedef __m256 vec;
typedef __m256 vmask;  /* a truth value per lane: all bits or none */
typedef __m256i vpart; /* the first so many lanes: all bits or none */

static inline vpart v_part(int count)
{
    static const int32_t steps[2 * LANES] = {-1, -1, -1, -1, -1, -1, -1, -1};
    int from = count >= LANES ? 0 : count <= 0 ? LANES : LANES - count;
    return _mm256_loadu_si256((const __m256i *)(const void *)(steps + from));
}

static inline vec v_load(const float *p)
{
    return _mm256_loadu_ps(p);
}

static inline void v_store(float *p, vec x)
{
    _mm256_storeu_ps(p, x);
}

static inline vec v_load_part(const float *p, vpart part)
{
    return _mm256_maskload_ps(p, part);
}

static inline void v_store_part(float *p, vpart part, vec x)
{
    _mm256_maskstore_ps(p, part, x);
}

static inline vec v_fill_part(vec x, vpart part, vec rest)
{
    return _mm256_blendv_ps(rest, x, _mm256_castsi256_ps(part));
}

static inline vec v_set(float x)
{
    return _mm256_set1_ps(x);
}

static inline vec v_zero(void)
{
    return _mm256_setzero_ps();
}

static inline vec v_add(vec a, vec b)
{
    return _mm256_add_ps(a, b);
}

static inline vec v_sub(vec a, vec b)
{
    return _mm256_sub_ps(a, b);
}

static inline vec v_mul(vec a, vec b)
{
    return _mm256_mul_ps(a, b);
}

static inline vec v_div(vec a, vec b)
{
    return _mm256_div_ps(a, b);
}

static inline vec v_sqrt(vec a)
{
    return _mm256_sqrt_ps(a);
}

static inline vec v_fma(vec a, vec b, vec c)
{
    return _mm256_fmadd_ps(a, b, c);
}

static inline vec v_fnma(vec a, vec b, vec c)
{
    return _mm256_fnmadd_ps(a, b, c);
}

static inline vec v_min(vec a, vec b)
{
    return _mm256_min_ps(a, b);
}

static inline vec v_max(vec a, vec b)
{
    return _mm256_max_ps(a, b);
}

static inline vec v_abs(vec a)
{
    return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), a);
}

static inline vec v_copysign(vec magnitude, vec sign)
{
    return _mm256_or_ps(v_abs(magnitude), _mm256_and_ps(_mm256_set1_ps(-0.0f), sign));
}

static inline vmask v_less(vec a, vec b)
{
    return _mm256_cmp_ps(a, b, _CMP_LT_OQ);
}

static inline vmask v_is_nan(vec a)
{
    return _mm256_cmp_ps(a, a, _CMP_UNORD_Q);
}

static inline vmask v_either(vmask a, vmask b)
{
    return _mm256_or_ps(a, b);
}

static inline int v_any(vmask a)
{
    return _mm256_movemask_ps(a) != 0;
}

static inline vmask v_never(void)
{
    return _mm256_setzero_ps();
}

static inline vec v_select(vmask mask, vec yes, vec no)
{
    return _mm256_blendv_ps(no, yes, mask);
}

static inline vec v_round(vec a)
{
    return _mm256_round_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}

static inline vec v_pow2(vec n)
{
    __m256i bits = _mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127));
    return _mm256_castsi256_ps(_mm256_slli_epi32(bits, 23));
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
    __m128 half = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    half = _mm_add_ps(half, _mm_movehl_ps(half, half));
    return _mm_cvtss_f32(_mm_add_ss(half, _mm_shuffle_ps(half, half, 1)));
}

static inline float v_top(vec a)
{
    __m128 half = _mm_max_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    half = _mm_max_ps(half, _mm_movehl_ps(half, half));
    return _mm_cvtss_f32(_mm_max_ss(half, _mm_shuffle_ps(half, half, 1)));
}

/* ---- bf16 in the upper half of each lane ---- */

static inline vec v_round_bf16(vec a)
{
    __m256i bits = _mm256_castps_si256(a);
    __m256i odd = _mm256_and_si256(_mm256_srli_epi32(bits, 16), _mm256_set1_epi32(1));
    __m256i sum = _mm256_add_epi32(_mm256_add_epi32(bits, _mm256_set1_epi32(0x7FFF)), odd);
    __m256i quiet = _mm256_or_si256(bits, _mm256_set1_epi32(0x400000));
    sum = _mm256_blendv_epi8(sum, quiet, _mm256_castps_si256(v_is_nan(a)));
    return _mm256_castsi256_ps(_mm256_and_si256(sum, _mm256_set1_epi32((int)0xFFFF0000)));
}

static inline vec v_join_bf16(vec low, vec high)
{
    return _mm256_castsi256_ps(_mm256_or_si256(_mm256_srli_epi32(_mm256_castps_si256(low), 16),
                                               _mm256_castps_si256(high)));
}

static inline vec v_low_bf16(vec pair)
{
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_castps_si256(pair), 16));
}

static inline vec v_high_bf16(vec pair)
{
    return _mm256_castsi256_ps(
        _mm256_and_si256(_mm256_castps_si256(pair), _mm256_set1_epi32((int)0xFFFF0000)));
}

static inline void v_transpose(vec r[8])
{
    __m256 t[8];
    for (int i = 0; i < 8; i += 2) {
        t[i] = _mm256_unpacklo_ps(r[i], r[i + 1]);
        t[i + 1] = _mm256_unpackhi_ps(r[i], r[i + 1]);
    }
    for (int i = 0; i < 8; i += 4) {
        r[i] = _mm256_shuffle_ps(t[i], t[i + 2], 0x44);
        r[i + 1] = _mm256_shuffle_ps(t[i], t[i + 2], 0xEE);
        r[i + 2] = _mm256_shuffle_ps(t[i + 1], t[i + 3], 0x44);
        r[i + 3] = _mm256_shuffle_ps(t[i + 1], t[i + 3], 0xEE);
    }
    for (int c = 0; c < 4; c++) {
        __m256 upper = r[c], lower = r[4 + c];
        r[c] = _mm256_permute2f128_ps(upper, lower, 0x20);
        r[4 + c] = _mm256_permute2f128_ps(upper, lower, 0x31);
    }
}
