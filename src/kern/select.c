/* SPDX-License-Identifier: Apache-2.0 */
/* select.c - one constant table per level, and the choice among them; see kern.h. */
#include "kern/levels.h"

static const ting_kern scalar_table = {
    .level = TING_CPU_SCALAR,
#define TING_KERN(result, name, arguments) .name = ting_##name##_ref,
#include "kern/kern.def"
#undef TING_KERN
    .gemm_real = &ting_gemm_real_ref,
    .gemm_bf16 = &ting_gemm_bf16_ref,
    .gemm_int8 = &ting_gemm_int8_ref,
};

#if TING_HAVE_X86
static const ting_kern avx2_table = {
    .level = TING_CPU_AVX2,
#define TING_KERN(result, name, arguments) .name = ting_##name##_avx2,
#include "kern/kern.def"
#undef TING_KERN
    .gemm_real = &ting_gemm_f32_avx2,
    .gemm_bf16 = &ting_gemm_bf16_avx2,
    .gemm_int8 = &ting_gemm_int8_avx2,
};

static const ting_kern avx512_table = {
    .level = TING_CPU_AVX512,
#define TING_KERN(result, name, arguments) .name = ting_##name##_avx512,
#include "kern/kern.def"
#undef TING_KERN
    .gemm_real = &ting_gemm_f32_avx512,
    .gemm_bf16 = &ting_gemm_bf16_avx512,
    .gemm_int8 = &ting_gemm_int8_avx512,
};

static const ting_kern vnni_table = {
    .level = TING_CPU_VNNI,
#define TING_KERN(result, name, arguments) .name = ting_##name##_avx512,
#include "kern/kern.def"
#undef TING_KERN
    .gemm_real = &ting_gemm_f32_avx512,
    .gemm_bf16 = &ting_gemm_bf16_avx512,
    .gemm_int8 = &ting_gemm_int8_vnni,
};

static const ting_kern amx_table = {
    .level = TING_CPU_AMX,
#define TING_KERN(result, name, arguments) .name = ting_##name##_avx512,
#include "kern/kern.def"
#undef TING_KERN
    .gemm_real = &ting_gemm_f32_avx512,
    .gemm_bf16 = &ting_gemm_bf16_amx,
    .gemm_int8 = &ting_gemm_int8_amx,
};
#endif

#if TING_HAVE_ARM
static const ting_kern neon_table = {
    .level = TING_CPU_NEON,
#define TING_KERN(result, name, arguments) .name = ting_##name##_neon,
#include "kern/kern.def"
#undef TING_KERN
    .gemm_real = &ting_gemm_f32_neon,
    .gemm_bf16 = &ting_gemm_bf16_neon,
    .gemm_int8 = &ting_gemm_int8_neon,
};

static const ting_kern dotprod_table = {
    .level = TING_CPU_DOTPROD,
#define TING_KERN(result, name, arguments) .name = ting_##name##_neon,
#include "kern/kern.def"
#undef TING_KERN
    .gemm_real = &ting_gemm_f32_neon,
    .gemm_bf16 = &ting_gemm_bf16_neon,
    .gemm_int8 = &ting_gemm_int8_dotprod,
};
#endif

/* Ascending, as the levels of cpu.h. */
static const ting_kern *const tables[] = {
    &scalar_table,
#if TING_HAVE_X86
    &avx2_table,
    &avx512_table,
    &vnni_table,
    &amx_table,
#endif
#if TING_HAVE_ARM
    &neon_table,
    &dotprod_table,
#endif
};

const ting_kern *ting_kern_select(ting_cpu_level level)
{
    int best = (int)ting_cpu_detect();
    if (best > (int)level)
        best = (int)level;
    int top = (int)(sizeof tables / sizeof tables[0]) - 1;
    if (best > top)
        best = top;
    return tables[best < 0 ? 0 : best];
}
