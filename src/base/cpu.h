/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cpu.h - which instruction sets this machine and its operating system let us use.
 *
 * Levels are ordered: each includes those before it on the same architecture. The environment variable
 * TING_CPU steps down: scalar, avx2, avx512, vnni, amx, or neon, dotprod. A name above what the machine
 * has is ignored; so is a word that is no name, of which ting_cpu_unknown tells.
 */
#ifndef TING_BASE_CPU_H
#define TING_BASE_CPU_H

typedef enum ting_cpu_level {
    TING_CPU_SCALAR = 0,
    /* x86-64 */
    TING_CPU_AVX2 = 1,   /* AVX2, FMA, F16C */
    TING_CPU_AVX512 = 2, /* F, BW, DQ, VL */
    TING_CPU_VNNI = 3,   /* AVX-512 VNNI */
    TING_CPU_AMX = 4,    /* AMX tile, bf16, int8, with the kernel's permission, and AVX512-BF16 */
    /* aarch64 */
    TING_CPU_NEON = 1,
    TING_CPU_DOTPROD = 2, /* the dot product extension */
} ting_cpu_level;

/* The highest usable level, after TING_CPU. Asks Linux for the AMX tile permission the first time. */
ting_cpu_level ting_cpu_detect(void);

/* The value of TING_CPU when no level of this kind of machine is called so, else NULL. Borrows from the environment. */
const char *ting_cpu_unknown(void);

/* The names of all levels of this kind of machine with spaces between; static storage. */
const char *ting_cpu_names(void);

/* "scalar", "avx2", ...; static storage. */
const char *ting_cpu_name(ting_cpu_level level);

enum { TING_MOST_THREADS = 1024 }; /* of a pool, and of every option that names a number of threads */

/* Processors the scheduler gives this process, 1 to TING_MOST_THREADS. */
int ting_cpu_count(void);

#endif
