/* SPDX-License-Identifier: Apache-2.0 */
/*
 * levels.h - the names of the kernels of each instruction set: internal to kern/.
 *
 * Kernel `name` of kern.def is ting_<name>_<level>; which levels a build has is decided here alone.
 */
#ifndef TING_KERN_LEVELS_H
#define TING_KERN_LEVELS_H

#include "kern/gemm_kern.h"
#include "kern/kern.h"

#if defined(TING_DOUBLE) || defined(TING_SCALAR_ONLY)
#define TING_HAVE_X86 0
#define TING_HAVE_ARM 0
#else
#if defined(__x86_64__)
#define TING_HAVE_X86 1
#else
#define TING_HAVE_X86 0
#endif
#if defined(__aarch64__)
#define TING_HAVE_ARM 1
#else
#define TING_HAVE_ARM 0
#endif
#endif

#define TING_KERN(result, name, arguments) result ting_##name##_ref arguments;
#include "kern/kern.def"
#undef TING_KERN
extern const ting_gemm_kern ting_gemm_real_ref, ting_gemm_bf16_ref, ting_gemm_int8_ref;

/* y = f(y) on rows of n at a distance of ld: what the products of a level call on a finished tile. */
#define TING_ACT_ROWS(level) \
    void ting_act_rows_##level(ting_act kind, int rows, int n, ting_real *y, ptrdiff_t ld);

#if TING_HAVE_X86
TING_ACT_ROWS(avx2)
TING_ACT_ROWS(avx512)
#define TING_KERN(result, name, arguments)  \
    result ting_##name##_avx2 arguments;    \
    result ting_##name##_avx512 arguments;
#include "kern/kern.def"
#undef TING_KERN
extern const ting_gemm_kern ting_gemm_f32_avx2, ting_gemm_bf16_avx2, ting_gemm_int8_avx2;
extern const ting_gemm_kern ting_gemm_f32_avx512, ting_gemm_bf16_avx512, ting_gemm_int8_avx512;
extern const ting_gemm_kern ting_gemm_int8_vnni;
extern const ting_gemm_kern ting_gemm_bf16_amx, ting_gemm_int8_amx;
#endif

#if TING_HAVE_ARM
TING_ACT_ROWS(neon)
#define TING_KERN(result, name, arguments) result ting_##name##_neon arguments;
#include "kern/kern.def"
#undef TING_KERN
extern const ting_gemm_kern ting_gemm_f32_neon, ting_gemm_bf16_neon, ting_gemm_int8_neon;
extern const ting_gemm_kern ting_gemm_int8_dotprod;
#endif

#endif
