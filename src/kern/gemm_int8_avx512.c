/* SPDX-License-Identifier: Apache-2.0 */
/* gemm_int8_avx512.c - int8 products without VNNI: values widened to 16 bits, two at a time. */
#include "kern/body/vec_avx512.h"

#define LEVEL        avx512
#define VECTOR_LEVEL avx512
#define LEVEL_TEXT   "12x32 avx512"
#define MR           12
#define GROUP        2
#define BIAS         0
#define TILE_CASES(x) \
    TILE_CASE(x, 1) TILE_CASE(x, 2) TILE_CASE(x, 3) TILE_CASE(x, 4) \
    TILE_CASE(x, 5) TILE_CASE(x, 6) TILE_CASE(x, 7) TILE_CASE(x, 8) \
    TILE_CASE(x, 9) TILE_CASE(x, 10) TILE_CASE(x, 11) TILE_CASE(x, 12)

typedef __m512i ivec;

static inline ivec i_load(const int32_t *p)
{
    return _mm512_loadu_si512(p);
}

static inline ivec i_weights(const int8_t *p)
{
    return _mm512_cvtepi8_epi16(_mm256_loadu_si256((const __m256i *)(const void *)p));
}

static inline ivec i_spread(int32_t group)
{
    return _mm512_set1_epi32(group);
}

static inline ivec i_dot(ivec sum, ivec a, ivec b)
{
    return _mm512_add_epi32(sum, _mm512_madd_epi16(a, b));
}

static inline vec i_float(ivec a)
{
    return _mm512_cvtepi32_ps(a);
}

static inline void i_put_row(unsigned char *p, vec x)
{
    _mm256_storeu_si256((__m256i *)(void *)p, _mm512_cvtepi32_epi16(_mm512_cvtps_epi32(x)));
}

#include "kern/body/gemm_int8.h"
