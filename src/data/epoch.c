/* SPDX-License-Identifier: Apache-2.0 */
/* epoch.c - see epoch.h. */
#include "data/epoch.h"

#include "base/mem.h"
#include "base/rng.h"

#include <stdlib.h>

void ting_epoch_free(ting_epoch *e)
{
    ting_free(e->order);
    ting_free(e->cut);
    ting_free(e->turn);
    *e = (ting_epoch){0};
}

static void shuffle(uint32_t *list, size_t count, ting_rng *rng)
{
    for (size_t i = count; i > 1; i--) {
        size_t j = ting_rng_below(rng, (uint32_t)i);
        uint32_t kept = list[i - 1];
        list[i - 1] = list[j];
        list[j] = kept;
    }
}

/* Copies of an item in this epoch. */
static int copies(double weight, ting_rng *rng)
{
    int whole = (int)weight;
    return whole + (ting_rng_uniform(rng) < weight - whole);
}

static ting_err choose(const ting_epoch_plan *plan, ting_rng *rng, ting_epoch *e)
{
    double room = 0;
    for (int i = 0; i < plan->group_count; i++)
        room += (double)plan->groups[i].count * (double)((size_t)plan->groups[i].weight + 1);
    if (room >= (double)UINT32_MAX)
        return ting_fail(TING_ERR_ARGUMENT, "an epoch of up to %.0f items, at most %u: lower the weights", room, UINT32_MAX - 1);
    e->order = ting_alloc((size_t)room, sizeof *e->order);
    if (e->order == NULL)
        return TING_ERR_MEMORY;
    for (int i = 0; i < plan->group_count; i++) {
        const ting_epoch_group *group = &plan->groups[i];
        for (uint64_t k = 0; k < group->count; k++)
            for (int n = copies(group->weight, rng); n > 0; n--)
                e->order[e->items++] = (uint32_t)(group->first + k);
    }
    if (e->items == 0)
        return ting_fail(TING_ERR_ARGUMENT, "the weights of the sources leave nothing to train on");
    return TING_OK;
}

typedef struct entry { /* of a window */
    uint32_t length, place, item;
} entry;

static int shorter(const void *a, const void *b)
{
    const entry *x = a, *y = b;
    if (x->length != y->length)
        return x->length < y->length ? -1 : 1;
    return x->place < y->place ? -1 : 1; /* the order stays a function of the shuffle */
}

static void sort_window(const ting_epoch_plan *plan, uint32_t *list, size_t count, entry *scratch)
{
    for (size_t i = 0; i < count; i++)
        scratch[i] = (entry){plan->length(plan->self, list[i]), (uint32_t)i, list[i]};
    qsort(scratch, count, sizeof *scratch, shorter);
    for (size_t i = 0; i < count; i++)
        list[i] = scratch[i].item;
}

static ting_err cut(const ting_epoch_plan *plan, ting_epoch *e)
{
    e->cut = ting_alloc(e->items + 1, sizeof *e->cut);
    if (e->cut == NULL)
        return TING_ERR_MEMORY;
    size_t used = 0;
    for (size_t i = 0; i < e->items; i++) {
        size_t length = plan->length(plan->self, e->order[i]);
        e->total += length;
        if (i > 0 && (used + length > plan->budget || i % plan->window == 0)) {
            e->cut[++e->batches] = i;
            used = 0;
        }
        used += length;
    }
    e->cut[++e->batches] = e->items;
    return TING_OK;
}

ting_err ting_epoch_make(const ting_epoch_plan *plan, int number, ting_epoch *e)
{
    ting_err err = TING_OK;
    ting_rng rng = ting_rng_for(plan->seed, TING_RNG_ORDER, (uint64_t)number, 0);
    ting_epoch_free(e);
    e->number = number;
    entry *scratch = ting_alloc(plan->window, sizeof *scratch);
    if (scratch == NULL)
        return TING_ERR_MEMORY;
    TRY(choose(plan, &rng, e));
    shuffle(e->order, e->items, &rng);
    for (size_t first = 0; first < e->items; first += plan->window)
        sort_window(plan, e->order + first, e->items - first < plan->window ? e->items - first : plan->window, scratch);
    TRY(cut(plan, e));
    e->turn = ting_alloc(e->batches, sizeof *e->turn);
    if (e->turn == NULL) {
        err = TING_ERR_MEMORY;
        goto out;
    }
    for (size_t i = 0; i < e->batches; i++)
        e->turn[i] = (uint32_t)i;
    shuffle(e->turn, e->batches, &rng);
out:
    ting_free(scratch);
    if (err != TING_OK)
        ting_epoch_free(e);
    return err;
}
