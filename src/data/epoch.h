/* SPDX-License-Identifier: Apache-2.0 */
/*
 * epoch.h - the order in which a training sees its items (sentences, utterances), as batches of a budget.
 *
 * An epoch is a function of (seed, epoch): each group's items as often as its weight says (2.3: twice, and a third time
 * with probability 0.3), shuffled, sorted by length within windows, cut into batches of at most `budget` (a longer
 * item stands alone), and the batches shuffled again. So a position is two numbers, epoch and batch, and a resumed
 * training sees what it would have seen.
 */
#ifndef TING_DATA_EPOCH_H
#define TING_DATA_EPOCH_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

typedef struct ting_epoch_group { /* items first .. first + count - 1 */
    uint64_t first, count;
    double weight; /* times an epoch, >= 0 */
} ting_epoch_group;

typedef struct ting_epoch_plan {
    const ting_epoch_group *groups;
    int group_count;
    uint32_t (*length)(const void *self, uint32_t item); /* in units of the budget: characters, frames */
    const void *self;
    size_t budget; /* of a batch */
    size_t window; /* items sorted together, >= 1 */
    uint64_t seed;
} ting_epoch_plan;

typedef struct ting_epoch { /* start with {0}; free with ting_epoch_free */
    int number;
    uint32_t *order; /* [items], batch after batch */
    size_t *cut;     /* [batches + 1] into order */
    uint32_t *turn;  /* [batches]: the batch at each place */
    size_t items, batches, total; /* total: sum of the lengths */
} ting_epoch;

/* Replaces *epoch by the epoch `number`. Errors: memory; argument, when the weights leave nothing or too much. On an error
 * *epoch is empty. */
ting_err ting_epoch_make(const ting_epoch_plan *plan, int number, ting_epoch *epoch);
void ting_epoch_free(ting_epoch *epoch);

#endif
