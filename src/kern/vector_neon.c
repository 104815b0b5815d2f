/* SPDX-License-Identifier: Apache-2.0 */
/* vector_neon.c - the kernels of kern.def with 4 lanes. */
#include "kern/body/vec_neon.h"

#define LEVEL neon
#include "kern/body/vector.h"
