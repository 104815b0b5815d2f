/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loader.c - see loader.h. Batch `place` is made in slot (place - first) % ahead:
 *
 *     taken ... | in use | ready or being made ... | next | free slots of the window
 *               ^ taken - 1                          ^ next < taken - 1 + ahead
 */
#include "data/loader.h"

#include "base/mem.h"

#include <pthread.h>
#include <stdbool.h>
#include <string.h>

typedef struct result { /* of a slot */
    bool ready;
    ting_err err;
    char *sentence; /* of the failure, owned; NULL: none, or out of memory */
} result;

typedef struct worker {
    ting_loader *loader;
    int number;
    pthread_t thread;
} worker;

struct ting_loader {
    ting_loader_plan plan;
    void **slots;
    result *results;
    worker *workers;
    int started;
    pthread_mutex_t mutex;
    pthread_cond_t work, done; /* something to make; something was made */
    bool closing;
    int epoch, running; /* batches being made now */
    size_t first, count;
    size_t next;  /* place to be made next */
    size_t taken; /* place to be taken next */
};

/* Slots hold the batch in use (the last one taken) and those behind it. */
static bool may_make(const ting_loader *l)
{
    const size_t kept = l->taken > l->first ? l->taken - 1 : l->taken;
    return l->next < l->count && l->next < kept + (size_t)l->plan.ahead;
}

static void *run_worker(void *arg)
{
    worker *w = arg;
    ting_loader *l = w->loader;
    pthread_mutex_lock(&l->mutex);
    for (;;) {
        while (!l->closing && !may_make(l))
            pthread_cond_wait(&l->work, &l->mutex);
        if (l->closing)
            break;
        const size_t place = l->next++, at = (place - l->first) % (size_t)l->plan.ahead;
        const int epoch = l->epoch;
        l->running++;
        pthread_mutex_unlock(&l->mutex);
        ting_err err = l->plan.make(l->plan.self, w->number, epoch, place, l->slots[at]);
        char *sentence = err != TING_OK ? ting_strdup(ting_error_message()) : NULL;
        pthread_mutex_lock(&l->mutex);
        l->running--;
        ting_free(l->results[at].sentence);
        l->results[at] = (result){true, err, sentence};
        pthread_cond_broadcast(&l->done);
    }
    pthread_mutex_unlock(&l->mutex);
    return NULL;
}

ting_err ting_loader_new(const ting_loader_plan *plan, ting_loader **out)
{
    ting_err err = TING_OK;
    *out = NULL;
    if (plan->ahead < 2 || plan->threads < 1)
        return ting_fail(TING_ERR_ARGUMENT, "a loader with %d slots and %d threads, expected at least 2 and 1",
                         plan->ahead, plan->threads);
    ting_loader *l = ting_alloc(1, sizeof *l);
    if (l == NULL)
        return TING_ERR_MEMORY;
    l->plan = *plan;
    pthread_mutex_init(&l->mutex, NULL);
    pthread_cond_init(&l->work, NULL);
    pthread_cond_init(&l->done, NULL);
    l->slots = ting_alloc((size_t)plan->ahead, sizeof *l->slots);
    l->results = ting_alloc((size_t)plan->ahead, sizeof *l->results);
    l->workers = ting_alloc((size_t)plan->threads, sizeof *l->workers);
    if (l->slots == NULL || l->results == NULL || l->workers == NULL)
        FAIL(TING_ERR_MEMORY, "out of memory for a loader");
    memcpy(l->slots, plan->slots, (size_t)plan->ahead * sizeof *l->slots);
    for (; l->started < plan->threads; l->started++) {
        worker *w = &l->workers[l->started];
        *w = (worker){.loader = l, .number = l->started};
        if (pthread_create(&w->thread, NULL, run_worker, w) != 0)
            FAIL(TING_ERR_MEMORY, "a thread of the loader could not be started");
    }
    *out = l;
    l = NULL;
out:
    ting_loader_free(l);
    return err;
}

void ting_loader_free(ting_loader *l)
{
    if (l == NULL)
        return;
    pthread_mutex_lock(&l->mutex);
    l->closing = true;
    pthread_cond_broadcast(&l->work);
    pthread_mutex_unlock(&l->mutex);
    for (int i = 0; i < l->started; i++)
        pthread_join(l->workers[i].thread, NULL);
    for (int i = 0; l->results != NULL && i < l->plan.ahead; i++)
        ting_free(l->results[i].sentence);
    pthread_mutex_destroy(&l->mutex);
    pthread_cond_destroy(&l->work);
    pthread_cond_destroy(&l->done);
    ting_free(l->workers);
    ting_free(l->results);
    ting_free(l->slots);
    ting_free(l);
}

void ting_loader_begin(ting_loader *l, int epoch, size_t first, size_t count)
{
    pthread_mutex_lock(&l->mutex);
    l->count = l->next; /* nothing more of the old ones */
    while (l->running > 0)
        pthread_cond_wait(&l->done, &l->mutex);
    for (int i = 0; i < l->plan.ahead; i++)
        l->results[i].ready = false;
    l->epoch = epoch;
    l->first = l->next = l->taken = first;
    l->count = count;
    pthread_cond_broadcast(&l->work);
    pthread_mutex_unlock(&l->mutex);
}

ting_err ting_loader_take(ting_loader *l, void **slot)
{
    pthread_mutex_lock(&l->mutex);
    if (l->taken >= l->count) {
        pthread_mutex_unlock(&l->mutex);
        return ting_fail(TING_ERR_INTERNAL, "all %zu batches were taken", l->count);
    }
    const size_t at = (l->taken - l->first) % (size_t)l->plan.ahead;
    l->taken++; /* the slot of the one before is free */
    pthread_cond_broadcast(&l->work);
    while (!l->results[at].ready)
        pthread_cond_wait(&l->done, &l->mutex);
    result *r = &l->results[at];
    r->ready = false;
    const ting_err err = r->err;
    if (err != TING_OK)
        ting_fail(err, "%s", r->sentence != NULL ? r->sentence : "out of memory");
    *slot = l->slots[at];
    pthread_mutex_unlock(&l->mutex);
    return err;
}
