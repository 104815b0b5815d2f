/* SPDX-License-Identifier: Apache-2.0 */
/* ngram_group.h - the n-grams of a table that share their context: they stand one after the other. */
#ifndef TING_TRAIN_NGRAM_GROUP_H
#define TING_TRAIN_NGRAM_GROUP_H

#include "model/ngram_table.h"

#include <math.h>
#include <string.h>

/* Where those of order k end that have the context of the one at `first`. */
static inline size_t ting_ngram_group_end(const ting_ngram_level *l, int k, size_t first)
{
    const size_t n = (size_t)k;
    size_t end = first + 1;
    while (end < l->count && memcmp(l->words + first * n, l->words + end * n, (n - 1) * sizeof *l->words) == 0)
        end++;
    return end;
}

typedef struct ting_ngram_sums { /* over the n-grams h w of a group */
    double prob;  /* p(w | h) */
    double lower; /* p(w | h') */
} ting_ngram_sums;

/* Of [first, end) of order k, but for those that are `out` (by place; NULL: none). The orders below k must be sorted. */
static inline ting_ngram_sums ting_ngram_group_sums(const ting_ngram_table *t, int k, size_t first, size_t end, const bool *out)
{
    const ting_ngram_level *l = &t->level[k - 1];
    ting_ngram_sums sums = {0, 0};
    for (size_t i = first; i < end; i++) {
        if (out != NULL && out[i])
            continue;
        sums.prob += exp((double)l->prob[i]);
        sums.lower += exp(ting_ngram_table_score(t, k - 1, l->words + i * (size_t)k + 1));
    }
    return sums;
}

#endif
