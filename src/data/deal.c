/* SPDX-License-Identifier: Apache-2.0 */
/* deal.c - see deal.h. */
#include "data/deal.h"

#include "base/mem.h"

#include <stdlib.h>

typedef struct card { /* an item that is dealt */
    uint32_t length;
    size_t item;
} card;

static int longer_first(const void *a, const void *b)
{
    const card *x = a, *y = b;
    if (x->length != y->length)
        return x->length > y->length ? -1 : 1;
    return x->item < y->item ? -1 : 1;
}

ting_err ting_deal(const uint32_t *lengths, size_t count, int parts, int *owner)
{
    ting_err err = TING_OK;
    card *cards = ting_alloc(count, sizeof *cards);
    uint64_t *totals = ting_alloc((size_t)parts, sizeof *totals);
    if (cards == NULL || totals == NULL) {
        err = TING_ERR_MEMORY;
        goto out;
    }
    for (size_t i = 0; i < count; i++)
        cards[i] = (card){lengths[i], i};
    qsort(cards, count, sizeof *cards, longer_first);
    for (size_t i = 0; i < count; i++) {
        int least = 0;
        for (int p = 1; p < parts; p++)
            least = totals[p] < totals[least] ? p : least;
        totals[least] += cards[i].length;
        owner[cards[i].item] = least;
    }
out:
    ting_free(cards);
    ting_free(totals);
    return err;
}
