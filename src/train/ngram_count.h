/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ngram_count.h - sentences to the counts that Kneser and Ney estimate from, in bounded memory.
 *
 *     sentence -> its n-grams of the highest order, last word first -> sorted and summed (ngram_sort.h)
 *              -> all n-grams of each order with their counts, first word first -> sorted again
 *
 * The count of an n-gram of the highest order, and of one that begins with <s>, says how often it was seen; that of any other how many
 * different words were seen before it (Kneser and Ney, "Improved backing-off for m-gram language modeling", ICASSP 1995).
 */
#ifndef TING_TRAIN_NGRAM_COUNT_H
#define TING_TRAIN_NGRAM_COUNT_H

#include "train/ngram_sort.h"

typedef struct ting_ngram_plan {
    int order;                    /* 1 to TING_NGRAM_MOST */
    int cutoff[TING_NGRAM_MOST];  /* n-grams of an order that were seen at most so often are left out; not falling, [0] is 0 */
    size_t memory;                /* bytes for sorting, twice; at least 1 MiB an order */
} ting_ngram_plan;

typedef struct ting_ngram_counter ting_ngram_counter;

/* Errors: argument (the plan), memory. */
ting_err ting_ngram_counter_new(const ting_ngram_plan *plan, size_t words, ting_ngram_counter **out);
void ting_ngram_counter_free(ting_ngram_counter *counter);

/* A sentence of `count` word ids, without <s> and </s>. Errors: io, memory. */
ting_err ting_ngram_counter_add(ting_ngram_counter *counter, const uint32_t *words, size_t count);

/* No more sentences. Errors: io, memory. */
ting_err ting_ngram_counter_finish(ting_ngram_counter *counter);

/* ---- afterwards ---- */

typedef struct ting_ngram_adjusted {
    const uint32_t *words; /* [order], valid until the next call; NULL: no more */
    uint64_t count;
    bool left_out; /* by the cutoff */
} ting_ngram_adjusted;

/* The next n-gram of order 2 and more, by its words from the first to the last. Errors: io. */
ting_err ting_ngram_counter_next(ting_ngram_counter *counter, int order, ting_ngram_adjusted *out);

/* Counts of the words, [words]. */
const uint64_t *ting_ngram_counter_words(const ting_ngram_counter *counter);

/* How many n-grams of the order have the count 1, 2, 3 and 4, those left out among them. */
const uint64_t *ting_ngram_counter_of_counts(const ting_ngram_counter *counter, int order);

const ting_ngram_plan *ting_ngram_counter_plan(const ting_ngram_counter *counter);

#endif
