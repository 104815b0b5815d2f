/* SPDX-License-Identifier: Apache-2.0 */
/* cpu.c - CPUID, XGETBV and arch_prctl on x86-64; hwcaps on aarch64; see cpu.h. */
#define _GNU_SOURCE /* sched_getaffinity */
#include "base/cpu.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>

#if defined(__x86_64__)

#include <cpuid.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

static const char *const level_names[] = {"scalar", "avx2", "avx512", "vnni", "amx"};
static const char all_names[] = "scalar avx2 avx512 vnni amx";

/* Register state the operating system saves (XCR0). */
static uint64_t saved_state(void)
{
    uint32_t low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (uint64_t)high << 32 | low;
}

static bool request_amx_tiles(void)
{
    enum { ARCH_REQ_XCOMP_PERM = 0x1023, XFEATURE_XTILEDATA = 18 };
    return syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA) == 0;
}

static ting_cpu_level hardware_level(void)
{
    enum { AVX_STATE = 0x6, AVX512_STATE = 0xE6, AMX_STATE = 0x60000 };
    unsigned a, b, c, d;
    if (!__get_cpuid(1, &a, &b, &c, &d))
        return TING_CPU_SCALAR;
    bool osxsave = c >> 27 & 1, fma = c >> 12 & 1, f16c = c >> 29 & 1;
    unsigned b7, c7, d7, a71;
    if (!osxsave || !__get_cpuid_count(7, 0, &a, &b7, &c7, &d7))
        return TING_CPU_SCALAR;
    uint64_t state = saved_state();
    bool avx2 = b7 >> 5 & 1;
    if (!avx2 || !fma || !f16c || (state & AVX_STATE) != AVX_STATE)
        return TING_CPU_SCALAR;
    bool f = b7 >> 16 & 1, dq = b7 >> 17 & 1, bw = b7 >> 30 & 1, vl = b7 >> 31 & 1;
    if (!f || !dq || !bw || !vl || (state & AVX512_STATE) != AVX512_STATE)
        return TING_CPU_AVX2;
    if (!(c7 >> 11 & 1))
        return TING_CPU_AVX512;
    bool amx_bf16 = d7 >> 22 & 1, amx_tile = d7 >> 24 & 1, amx_int8 = d7 >> 25 & 1;
    bool avx512_bf16 = __get_cpuid_count(7, 1, &a71, &b, &c, &d) && (a71 >> 5 & 1);
    if (!amx_bf16 || !amx_tile || !amx_int8 || !avx512_bf16 || (state & AMX_STATE) != AMX_STATE)
        return TING_CPU_VNNI;
    return request_amx_tiles() ? TING_CPU_AMX : TING_CPU_VNNI;
}

#elif defined(__aarch64__)

#include <sys/auxv.h>

static const char *const level_names[] = {"scalar", "neon", "dotprod"};
static const char all_names[] = "scalar neon dotprod";

static ting_cpu_level hardware_level(void)
{
    enum { HWCAP_ASIMDDP_BIT = 1 << 20 };
    return getauxval(AT_HWCAP) & HWCAP_ASIMDDP_BIT ? TING_CPU_DOTPROD : TING_CPU_NEON;
}

#else

static const char *const level_names[] = {"scalar"};
static const char all_names[] = "scalar";

static ting_cpu_level hardware_level(void)
{
    return TING_CPU_SCALAR;
}

#endif

enum { LEVELS = sizeof level_names / sizeof level_names[0] };

ting_cpu_level ting_cpu_detect(void)
{
    ting_cpu_level level = hardware_level();
    const char *wanted = getenv("TING_CPU");
    for (int i = 0; wanted != NULL && i < LEVELS; i++)
        if (strcmp(wanted, level_names[i]) == 0 && i < (int)level)
            level = (ting_cpu_level)i;
    return level;
}

const char *ting_cpu_unknown(void)
{
    const char *wanted = getenv("TING_CPU");
    for (int i = 0; wanted != NULL && i < LEVELS; i++)
        if (strcmp(wanted, level_names[i]) == 0)
            return NULL;
    return wanted != NULL && wanted[0] != '\0' ? wanted : NULL;
}

const char *ting_cpu_names(void)
{
    return all_names;
}

const char *ting_cpu_name(ting_cpu_level level)
{
    return (int)level >= 0 && (int)level < LEVELS ? level_names[level] : "unknown";
}

int ting_cpu_count(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) != 0)
        return 1;
    int count = CPU_COUNT(&set);
    return count < 1 ? 1 : count > TING_MOST_THREADS ? TING_MOST_THREADS : count;
}
