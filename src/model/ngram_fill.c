/* SPDX-License-Identifier: Apache-2.0 */
/* ngram_fill.c - see ngram_fill.h. From the highest order down, so that what is put in has its own beginning and end too. */
#include "model/ngram_fill.h"

#include "base/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct missing { /* n-grams of an order */
    uint32_t (*words)[TING_NGRAM_MOST];
    size_t count, room;
} missing;

static int compare(const void *a, const void *b)
{
    return ting_ngram_compare(a, b, TING_NGRAM_MOST);
}

static ting_err look_for(const ting_ngram_table *t, int order, const uint32_t *words, missing *out)
{
    ting_err err = TING_OK;
    if (ting_ngram_table_find(t, order, words) >= 0)
        goto out;
    TRY(ting_reserve(&out->words, out->count, 1, &out->room, sizeof *out->words));
    memset(out->words[out->count], 0, sizeof *out->words);
    memcpy(out->words[out->count++], words, (size_t)order * sizeof *words);
out:
    return err;
}

/* Adds to order k what order k + 1 needs; their probabilities are not known yet. */
static ting_err add_missing(ting_ngram_table *t, int k)
{
    ting_err err = TING_OK;
    missing m = {.count = 0};
    const ting_ngram_level *above = &t->level[k];
    for (size_t i = 0; i < above->count; i++) {
        const uint32_t *words = above->words + i * (size_t)(k + 1);
        TRY(look_for(t, k, words, &m));
        TRY(look_for(t, k, words + 1, &m));
    }
    if (m.count > 0)
        qsort(m.words, m.count, sizeof *m.words, compare);
    for (size_t i = 0; i < m.count; i++)
        if (i == 0 || compare(m.words[i - 1], m.words[i]) != 0)
            TRY(ting_ngram_table_add(t, k, m.words[i], NAN, 0));
    if (m.count > 0)
        TRY(ting_ngram_table_sort(t, k));
out:
    ting_free(m.words);
    return err;
}

ting_err ting_ngram_fill(ting_ngram_table *t)
{
    ting_err err = TING_OK;
    for (int k = 1; k <= t->order; k++)
        TRY(ting_ngram_table_sort(t, k));
    for (int k = t->order - 1; k >= 2; k--)
        TRY(add_missing(t, k));
    for (int k = 2; k < t->order; k++) {
        ting_ngram_level *l = &t->level[k - 1];
        for (size_t i = 0; i < l->count; i++) {
            const uint32_t *words = l->words + i * (size_t)k;
            if (!isnan(l->prob[i]))
                continue;
            const ptrdiff_t context = ting_ngram_table_find(t, k - 1, words);
            const double backoff = context >= 0 ? (double)t->level[k - 2].backoff[context] : 0;
            l->prob[i] = (float)(backoff + ting_ngram_table_score(t, k - 1, words + 1));
        }
    }
    TRY(ting_ngram_table_seal(t));
out:
    return err;
}
