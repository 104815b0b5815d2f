/* SPDX-License-Identifier: Apache-2.0 */
/*
 * counted_pool.c - the library's pool with a count of the tasks it hands out, linked in its place, so that a test can
 * see whether an op cut its work at all.
 */
#define ting_pool_run ting_pool_run_uncounted
#include "base/pool.c"
#undef ting_pool_run

#include "grad/grad.h"

void ting_pool_run(ting_pool *pool, int count, void (*work)(void *arg, int index), void *arg);

static int most;

int ting_grad_most_tasks(void)
{
    int result = most;
    most = 0;
    return result;
}

void ting_pool_run(ting_pool *pool, int count, void (*work)(void *arg, int index), void *arg)
{
    if (pool != NULL && count > most)
        most = count;
    ting_pool_run_uncounted(pool, count, work, arg);
}
