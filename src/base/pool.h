/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pool.h - a fixed team of threads that runs one indexed loop at a time.
 *
 * ting_pool_run(pool, n, f, arg) calls f(arg, 0) .. f(arg, n - 1), each once, on any thread of the team
 * (the caller works too), and returns when all are done. Which thread takes which index is not fixed,
 * so f must give the same result on any of them: results never depend on the number of threads.
 * Whoever waits looks for some 50 microseconds at most, then sleeps. f must not call ting_pool_run on the same pool.
 */
#ifndef TING_BASE_POOL_H
#define TING_BASE_POOL_H

typedef struct ting_pool ting_pool;

/* Returns an owned pool of 1 to TING_MOST_THREADS (base/cpu.h) threads, the caller counted in; 1 makes no thread at all.
 * Free with ting_pool_free. NULL on failure. */
ting_pool *ting_pool_new(int threads);
void ting_pool_free(ting_pool *pool);

/* The number of threads; 1 for a NULL pool. */
int ting_pool_threads(const ting_pool *pool);

/* A NULL pool runs everything on the calling thread. */
void ting_pool_run(ting_pool *pool, int count, void (*work)(void *arg, int index), void *arg);

#endif
