/* SPDX-License-Identifier: Apache-2.0 */
/* ngram_fit.c - see ngram_fit.h. */
#include "train/ngram_fit.h"

#include <math.h>

static const double LEAST = 1e-7; /* that listed n-grams leave: less is lost in 32 bits */

void ting_ngram_fit_words(ting_ngram_table *t)
{
    ting_ngram_level *l = &t->level[0];
    double sum = 0;
    for (size_t w = 0; w < l->count; w++)
        sum += w == TING_NGRAM_BEGIN ? 0 : exp((double)l->prob[w]);
    for (size_t w = 0; w < l->count; w++)
        if (w != TING_NGRAM_BEGIN && (double)l->prob[w] > TING_NGRAM_NEVER)
            l->prob[w] = (float)((double)l->prob[w] - log(sum));
}

void ting_ngram_fit_group(ting_ngram_table *t, int k, size_t first, size_t end, ting_ngram_sums sums, double left)
{
    ting_ngram_level *l = &t->level[k - 1];
    const double lower = 1 - sums.lower;
    const bool all = lower < LEAST; /* every word is listed: nothing is left to hand out */
    left = all ? 0 : fmax(left, LEAST);
    double by = (1 - left) / sums.prob;
    if (!(by > 0.5 && by < 2)) { /* that is no rounding: the backoff is no share, and what is listed says what is left */
        left = fmax(1 - sums.prob, LEAST);
        by = fmin((1 - LEAST) / sums.prob, 1);
    }
    for (size_t i = first; i < end; i++)
        l->prob[i] = (float)((double)l->prob[i] + log(by));
    const ptrdiff_t context = ting_ngram_table_find(t, k - 1, l->words + first * (size_t)k);
    t->level[k - 2].backoff[context] = all ? 0 : (float)log(left / lower);
}

/* From the words up: a backoff depends on the order below. */
void ting_ngram_fit(ting_ngram_table *t)
{
    ting_ngram_fit_words(t);
    for (int k = 2; k <= t->order; k++) {
        const ting_ngram_level *l = &t->level[k - 1];
        for (size_t first = 0, end; first < l->count; first = end) {
            end = ting_ngram_group_end(l, k, first);
            const ting_ngram_sums sums = ting_ngram_group_sums(t, k, first, end, NULL);
            const ptrdiff_t context = ting_ngram_table_find(t, k - 1, l->words + first * (size_t)k);
            ting_ngram_fit_group(t, k, first, end, sums, exp((double)t->level[k - 2].backoff[context]) * (1 - sums.lower));
        }
    }
}
