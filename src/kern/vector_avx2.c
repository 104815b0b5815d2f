/* SPDX-License-Identifier: Apache-2.0 */
/* vector_avx2.c - the kernels of kern.def with 8 lanes. */
#include "kern/body/vec_avx2.h"

#define LEVEL avx2
#include "kern/body/vector.h"
