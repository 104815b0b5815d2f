/* SPDX-License-Identifier: Apache-2.0 */
/* gemm_vnni.c - int8 products by AVX-512 VNNI: unsigned rows times signed weights, four at a time. */
#include "kern/body/vec_avx512.h"

#ifndef __AVX512VNNI__
#error "compile this file with the flags of its name: see the Makefile"
#endif

#define LEVEL        vnni
#define VECTOR_LEVEL avx512
#define LEVEL_TEXT   "14x32 vnni"
#define MR           14
#define GROUP        4
#define BIAS         128
#define TILE_CASES(x) \
    TILE_CASE(x, 1) TILE_CASE(x, 2) TILE_CASE(x, 3) TILE_CASE(x, 4) \
    TILE_CASE(x, 5) TILE_CASE(x, 6) TILE_CASE(x, 7) TILE_CASE(x, 8) \
    TILE_CASE(x, 9) TILE_CASE(x, 10) TILE_CASE(x, 11) TILE_CASE(x, 12) \
    TILE_CASE(x, 13) TILE_CASE(x, 14)

typedef __m512i ivec;

static inline ivec i_load(const int32_t *p)
{
    return _mm512_loadu_si512(p);
}

static inline ivec i_weights(const int8_t *p)
{
    return _mm512_loadu_si512(p);
}

static inline ivec i_spread(int32_t group)
{
    return _mm512_set1_epi32(group);
}

static inline ivec i_dot(ivec sum, ivec a, ivec b)
{
    return _mm512_dpbusd_epi32(sum, a, b);
}

static inline vec i_float(ivec a)
{
    return _mm512_cvtepi32_ps(a);
}

static inline void i_put_row(unsigned char *p, vec x)
{
    __m512i value = _mm512_add_epi32(_mm512_cvtps_epi32(x), _mm512_set1_epi32(BIAS));
    _mm_storeu_si128((__m128i *)(void *)p, _mm512_cvtepi32_epi8(value));
}

#include "kern/body/gemm_int8.h"
