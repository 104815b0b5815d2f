/* SPDX-License-Identifier: Apache-2.0 */
/* failing.c - see failing.h. */
#include "support/failing.h"

#include "support/support.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>

static atomic_long until_failure; /* allocations left until one fails; <= 0: none will */

static atomic_size_t allocated;

int __real_posix_memalign(void **out, size_t alignment, size_t bytes);
int __wrap_posix_memalign(void **out, size_t alignment, size_t bytes);

int __wrap_posix_memalign(void **out, size_t alignment, size_t bytes)
{
    if (atomic_load(&until_failure) > 0 && atomic_fetch_sub(&until_failure, 1) == 1)
        return ENOMEM;
    atomic_fetch_add(&allocated, bytes);
    return __real_posix_memalign(out, alignment, bytes);
}

size_t ting_allocated_bytes(void)
{
    return atomic_load(&allocated);
}

void ting_fail_allocation(long n)
{
    atomic_store(&until_failure, n);
}

int ting_fail_each_allocation(ting_err (*work)(void *arg), void *arg)
{
    enum { MOST = 100000 };
    for (int n = 1; n < MOST; n++) {
        ting_fail_allocation(n);
        ting_err err = work(arg);
        bool failed = atomic_load(&until_failure) <= 0;
        ting_fail_allocation(0);
        if (!failed) {
            if (err != TING_OK)
                fail_msg("with all allocations granted: %s", ting_error_message());
            return n - 1;
        }
        if (err != TING_ERR_MEMORY)
            fail_msg("allocation %d failed, the result is '%s' (%s)", n, ting_error_name(err),
                     ting_error_message());
    }
    fail_msg("still failing after %d allocations", MOST);
    return MOST;
}
