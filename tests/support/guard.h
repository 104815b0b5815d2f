/* SPDX-License-Identifier: Apache-2.0 */
/*
 * guard.h - memory for kernel tests: blocks that end where a forbidden page begins, so that one element
 * read or written too far is a fault, and the list of kernel levels to test.
 */
#ifndef TING_TESTS_GUARD_H
#define TING_TESTS_GUARD_H

#include "base/rng.h"
#include "kern/kern.h"

#include <stddef.h>

/* What sums are checked in: at least 11 bits more than ting_real. */
#ifdef TING_DOUBLE
typedef long double guard_wide;
#else
typedef double guard_wide;
#endif

/* `count` elements of `size` bytes, ending at a PROT_NONE page; filled with 0xFF bytes (NaN as floats).
 * Lives until guard_free_all. */
void *guard_block(size_t count, size_t size);
ting_real *guard_reals(size_t count);
void guard_free_all(void);

/* The kernel table of each level this machine has, scalar first; returns how many. */
enum { GUARD_MAX_LEVELS = 8 };
int guard_levels(const ting_kern *levels[GUARD_MAX_LEVELS]);

/* Fills x with normal numbers times `scale`. */
void guard_normal(ting_rng *rng, int n, double scale, ting_real *x);

#endif
