/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kern.h - the numeric kernels, one table per instruction set.
 *
 * Each level has a constant table (select.c): its own kernels, and those of lower levels where it has none
 * of its own; the plain C reference is the lowest. Code above this floor calls through the table
 * and never asks for the instruction set. The reference (ref*.c) is compiled for ting_real, so it also
 * serves the double build, where it is the only level.
 *
 * Determinism: every output element is computed by one thread in an order of operations that depends
 * only on the sizes of the mathematical operation (n, k), never on the number of rows m in the call, on
 * the number of threads, or on where in a tile the element falls. So one row computed alone is bitwise
 * the row computed in a batch.
 */
#ifndef TING_KERN_KERN_H
#define TING_KERN_KERN_H

#include "base/cpu.h"
#include "base/real.h"

#include <stddef.h>
#include <stdint.h>

typedef enum ting_act {
    TING_ACT_NONE,
    TING_ACT_RELU,
    TING_ACT_SIGMOID,
    TING_ACT_TANH,
    TING_ACT_SILU,     /* x sigmoid(x), "swish" */
    TING_ACT_GELU,     /* x Phi(x) by erf */
    TING_ACT_ELU,      /* x > 0 ? x : exp(x) - 1 */
    TING_ACT_SWOOSH_L, /* log(1 + exp(x - 4)) - 0.08 x - 0.035 */
    TING_ACT_SWOOSH_R, /* log(1 + exp(x - 1)) - 0.08 x - 0.313261687 */
    TING_ACT_EXP,
    TING_ACT_GELU_TANH, /* x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2: GELU as GPT has it */
    TING_ACT_COUNT
} ting_act;

struct ting_gemm_kern; /* gemm.h */

typedef struct ting_kern {
    ting_cpu_level level;
#define TING_KERN(result, name, arguments) result (*name) arguments;
#include "kern/kern.def"
#undef TING_KERN
    const struct ting_gemm_kern *gemm_real; /* ting_real in, ting_real out */
    const struct ting_gemm_kern *gemm_bf16; /* bf16 operands, f32 sums; emulated where the machine has none */
    const struct ting_gemm_kern *gemm_int8; /* int8 weights, rows quantised on the fly, f32 out */
} ting_kern;

/* The best table for this machine at or below `level`. Static storage; any thread. */
const ting_kern *ting_kern_select(ting_cpu_level level);

#endif
