/* SPDX-License-Identifier: Apache-2.0 */
/* gemm_int8_avx2.c - int8 products by AVX2: values widened to 16 bits, two at a time. */
#include "kern/body/vec_avx2.h"

#define LEVEL        avx2
#define VECTOR_LEVEL avx2
#define LEVEL_TEXT   "5x16 avx2"
#define MR           5
#define GROUP        2
#define BIAS         0
#define TILE_CASES(x) \
    TILE_CASE(x, 1) TILE_CASE(x, 2) TILE_CASE(x, 3) TILE_CASE(x, 4) \
    TILE_CASE(x, 5)

typedef __m256i ivec;

static inline ivec i_load(const int32_t *p)
{
    return _mm256_loadu_si256((const __m256i *)(const void *)p);
}

static inline ivec i_weights(const int8_t *p)
{
    return _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)(const void *)p));
}

static inline ivec i_spread(int32_t group)
{
    return _mm256_set1_epi32(group);
}

static inline ivec i_dot(ivec sum, ivec a, ivec b)
{
    return _mm256_add_epi32(sum, _mm256_madd_epi16(a, b));
}

static inline vec i_float(ivec a)
{
    return _mm256_cvtepi32_ps(a);
}

static inline void i_put_row(unsigned char *p, vec x)
{
    __m256i value = _mm256_cvtps_epi32(x);
    __m256i narrow = _mm256_packs_epi32(value, value); /* quarters 0 0 1 1 of 64 bits */
    narrow = _mm256_permute4x64_epi64(narrow, 0x08);
    _mm_storeu_si128((__m128i *)(void *)p, _mm256_castsi256_si128(narrow));
}

#include "kern/body/gemm_int8.h"
