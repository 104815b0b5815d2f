/* SPDX-License-Identifier: Apache-2.0 */
/* vector_avx512.c - the kernels of kern.def with 16 lanes. */
#include "kern/body/vec_avx512.h"

#define LEVEL avx512
#include "kern/body/vector.h"
