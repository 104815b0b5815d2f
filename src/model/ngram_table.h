/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ngram_table.h - a backing-off n-gram language model as it is estimated, pruned, mixed and exchanged: all n-grams of each order
 * with log probability and backoff, in lists that can be searched. What recognises and measures is model/ngram.h, made of one.
 *
 *     log p(w | h) = prob(h w)                    where the n-gram h w is listed
 *                    backoff(h) + log p(w | h')   otherwise; h' is h without its first word, backoff 0 where h is not listed
 *
 * Natural logarithms throughout. Word ids are places in `words`; three are always there: "<unk>" (0), "<s>" (1), "</s>" (2).
 * <s> stands only at the beginning of an n-gram, and its own probability is TING_NGRAM_NEVER; </s> only at the end.
 */
#ifndef TING_MODEL_NGRAM_TABLE_H
#define TING_MODEL_NGRAM_TABLE_H

#include "model/gguf.h"

enum { TING_NGRAM_MOST = 8, TING_NGRAM_UNKNOWN = 0, TING_NGRAM_BEGIN = 1, TING_NGRAM_END = 2, TING_NGRAM_SPECIALS = 3 };

#define TING_NGRAM_NEVER (-99 * 2.302585092994046) /* what ARPA files write for "never": -99, in powers of ten */

typedef struct ting_ngram_level { /* all n-grams of one order, by their words from the first to the last */
    uint32_t *words;              /* [count, order] */
    float *prob, *backoff;        /* [count] */
    size_t count, room;
} ting_ngram_level;

typedef struct ting_ngram_table {
    int order; /* 1 to TING_NGRAM_MOST */
    ting_texts words;
    ting_ngram_level level[TING_NGRAM_MOST]; /* [order]; of order 1 every word, in the order of ids */
} ting_ngram_table; /* start with {0}, free with ting_ngram_table_free */

void ting_ngram_table_free(ting_ngram_table *table);

/* Below, above or 0, by the first word that differs. */
static inline int ting_ngram_compare(const uint32_t *a, const uint32_t *b, int order)
{
    for (int i = 0; i < order; i++)
        if (a[i] != b[i])
            return a[i] < b[i] ? -1 : 1;
    return 0;
}

/* Appends an n-gram of `order` words; lists that are not filled in order are sorted afterwards. Errors: memory. */
ting_err ting_ngram_table_add(ting_ngram_table *table, int order, const uint32_t *words, double prob, double backoff);

/* Puts the n-grams of an order into order. Errors: memory. */
ting_err ting_ngram_table_sort(ting_ngram_table *table, int order);

/* Sorts all lists. Errors: format (an n-gram that stands twice, or whose beginning or end is not listed in the order below: what is
 * said of it would never be found), memory. */
ting_err ting_ngram_table_seal(ting_ngram_table *table);

/* The place of an n-gram in its list; -1: it is not listed. */
ptrdiff_t ting_ngram_table_find(const ting_ngram_table *table, int order, const uint32_t *words);

/* log p(the last word | those before it) of `count` <= order words. */
double ting_ngram_table_score(const ting_ngram_table *table, int count, const uint32_t *words);

#endif
