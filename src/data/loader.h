/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loader.h - batches made ahead by threads of their own, and handed out in order.
 *
 *     TRY(ting_loader_new(&plan, &loader));
 *     for each epoch:
 *         ting_loader_begin(loader, epoch, first, count);      batches first .. count - 1
 *         for each place:
 *             TRY(ting_loader_take(loader, &slot));            waits for it; the same slot until the next take
 *     ting_loader_free(loader);
 *
 * A slot is a caller's piece of memory that batches are made in; there are `ahead` of them, used in turn. A batch must be a
 * function of (epoch, place) alone: then what comes out does not depend on threads.
 */
#ifndef TING_DATA_LOADER_H
#define TING_DATA_LOADER_H

#include "base/err.h"

#include <stddef.h>

typedef struct ting_loader ting_loader;

typedef struct ting_loader_plan {
    void *self;
    void **slots; /* [ahead], copied */
    int ahead;    /* >= 2: one is in use while others are made */
    int threads;  /* >= 1, at most ahead - 1 are of use */
    /* Makes batch `place` of `epoch` in the slot, on thread `worker` < threads; several run at a time, each with its own slot and
     * worker. A failure is what take returns for this batch. */
    ting_err (*make)(void *self, int worker, int epoch, size_t place, void *slot);
} ting_loader_plan;

/* Returns owned in *out, free with ting_loader_free. Errors: argument, memory (threads included). */
ting_err ting_loader_new(const ting_loader_plan *plan, ting_loader **out);

/* Waits for batches that are being made and drops the rest. */
void ting_loader_free(ting_loader *loader);

/* Makes batches first .. count - 1 of an epoch, in this order, from now on. What was made before is dropped. */
void ting_loader_begin(ting_loader *loader, int epoch, size_t first, size_t count);

/* The next batch. The slot of the batch before goes back to be made anew. Errors: those of make, with its sentence; internal
 * when all `count` were taken. */
ting_err ting_loader_take(ting_loader *loader, void **slot);

#endif
