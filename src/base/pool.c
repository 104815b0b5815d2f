/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pool.c - workers that share an atomic loop counter; see pool.h.
 *
 * The loops of a training step follow each other within microseconds, while going to sleep and being woken costs tens of them,
 * more in a virtual machine. So whoever waits looks for a moment before it sleeps.
 */
#include "base/pool.h"

#include "base/cpu.h"
#include "base/err.h"
#include "base/mem.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

enum { LOOKS = 1000 }; /* with a pause after each: at most some 50 microseconds */

struct ting_pool {
    int threads; /* workers + the caller */
    pthread_t *worker;
    int workers_started;
    pthread_mutex_t lock;
    pthread_cond_t wake; /* a new job, or stop */
    pthread_cond_t idle; /* the last worker left the job */
    atomic_ulong job;    /* grows by one with each run */
    atomic_int active;   /* workers that have not left the current job; both change under the lock */
    bool stop;
    int count;
    void (*work)(void *arg, int index);
    void *arg;
    atomic_int next;
};

static void pause_a_moment(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

static void take_indices(ting_pool *pool)
{
    for (;;) {
        int index = atomic_fetch_add_explicit(&pool->next, 1, memory_order_relaxed);
        if (index >= pool->count)
            return;
        pool->work(pool->arg, index);
    }
}

static void *worker_main(void *arg)
{
    ting_pool *pool = arg;
    unsigned long seen = 0;
    for (;;) {
        for (int i = 0; i < LOOKS && pool->job == seen; i++)
            pause_a_moment();
        pthread_mutex_lock(&pool->lock);
        while (!pool->stop && pool->job == seen)
            pthread_cond_wait(&pool->wake, &pool->lock);
        if (pool->stop)
            break;
        seen = pool->job;
        pthread_mutex_unlock(&pool->lock);
        take_indices(pool);
        pthread_mutex_lock(&pool->lock);
        if (--pool->active == 0)
            pthread_cond_signal(&pool->idle);
        pthread_mutex_unlock(&pool->lock);
    }
    pthread_mutex_unlock(&pool->lock);
    return NULL;
}

ting_pool *ting_pool_new(int threads)
{
    if (threads < 1 || threads > TING_MOST_THREADS) {
        ting_fail(TING_ERR_ARGUMENT, "%d threads wanted, expected 1 to %d", threads, TING_MOST_THREADS);
        return NULL;
    }
    ting_pool *pool = ting_alloc(1, sizeof *pool);
    if (pool == NULL)
        return NULL;
    pool->threads = threads;
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->wake, NULL);
    pthread_cond_init(&pool->idle, NULL);
    pool->worker = ting_alloc((size_t)threads, sizeof *pool->worker);
    if (pool->worker == NULL) {
        ting_pool_free(pool);
        return NULL;
    }
    for (int i = 0; i + 1 < threads; i++) {
        if (pthread_create(&pool->worker[i], NULL, worker_main, pool) != 0) {
            ting_fail(TING_ERR_MEMORY, "thread %d of %d could not be started", i + 1, threads);
            ting_pool_free(pool);
            return NULL;
        }
        pool->workers_started++;
    }
    return pool;
}

void ting_pool_free(ting_pool *pool)
{
    if (pool == NULL)
        return;
    pthread_mutex_lock(&pool->lock);
    pool->stop = true;
    pthread_cond_broadcast(&pool->wake);
    pthread_mutex_unlock(&pool->lock);
    for (int i = 0; i < pool->workers_started; i++)
        pthread_join(pool->worker[i], NULL);
    pthread_cond_destroy(&pool->idle);
    pthread_cond_destroy(&pool->wake);
    pthread_mutex_destroy(&pool->lock);
    ting_free(pool->worker);
    ting_free(pool);
}

int ting_pool_threads(const ting_pool *pool)
{
    return pool == NULL ? 1 : pool->threads;
}

void ting_pool_run(ting_pool *pool, int count, void (*work)(void *arg, int index), void *arg)
{
    if (pool == NULL || pool->threads == 1 || count <= 1) {
        for (int i = 0; i < count; i++)
            work(arg, i);
        return;
    }
    pthread_mutex_lock(&pool->lock);
    pool->count = count;
    pool->work = work;
    pool->arg = arg;
    atomic_store_explicit(&pool->next, 0, memory_order_relaxed);
    pool->active = pool->workers_started;
    pool->job++;
    pthread_cond_broadcast(&pool->wake);
    pthread_mutex_unlock(&pool->lock);
    take_indices(pool);
    for (int i = 0; i < LOOKS && pool->active > 0; i++)
        pause_a_moment();
    pthread_mutex_lock(&pool->lock);
    while (pool->active > 0)
        pthread_cond_wait(&pool->idle, &pool->lock);
    pthread_mutex_unlock(&pool->lock);
}
