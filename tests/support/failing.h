/* SPDX-License-Identifier: Apache-2.0 */
/* failing.h - makes chosen allocations of base/mem.h fail (the test programs wrap posix_memalign). */
#ifndef TING_TESTS_FAILING_H
#define TING_TESTS_FAILING_H

#include "base/err.h"

#include <stddef.h>

/* Bytes taken so far, ever: the difference around a piece of work that frees nothing is what it held. */
size_t ting_allocated_bytes(void);

/* The n-th allocation from now on (1 = the next) fails, on any thread; 0: none. */
void ting_fail_allocation(long n);

/* Runs work(arg) with its first allocation failing, then its second, and so on until it succeeds. Each
 * failure must be TING_ERR_MEMORY; leaks and wild accesses are ASan's to find. Returns how many failed. */
int ting_fail_each_allocation(ting_err (*work)(void *arg), void *arg);

#endif
