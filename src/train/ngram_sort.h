/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ngram_sort.h - n-grams with numbers beside them, sorted by their words, in as much memory as is given: what does not fit waits in
 * nameless files, sorted, and is merged at the end.
 *
 *     TRY(ting_ngram_sorter_new(3, 1 << 28, &sorter));
 *     ... TRY(ting_ngram_sorter_add(sorter, words, count)); ...
 *     TRY(ting_ngram_sorter_finish(sorter));
 *     for (;;) {
 *         TRY(ting_ngram_sorter_next(sorter, &gram));
 *         if (gram == NULL)
 *             break;
 *     ...
 *     ting_ngram_sorter_free(sorter);
 */
#ifndef TING_TRAIN_NGRAM_SORT_H
#define TING_TRAIN_NGRAM_SORT_H

#include "model/ngram_table.h"

typedef struct ting_ngram_sorter ting_ngram_sorter;

typedef struct ting_ngram_counted {
    const uint32_t *words; /* [order], valid until the next call */
    uint64_t count;        /* the sum over all that were added with these words */
} ting_ngram_counted;

/* memory: bytes, at least 1 MiB. Errors: memory. */
ting_err ting_ngram_sorter_new(int order, size_t memory, ting_ngram_sorter **out);
void ting_ngram_sorter_free(ting_ngram_sorter *sorter);

/* Errors: io (no room for the files), memory. */
ting_err ting_ngram_sorter_add(ting_ngram_sorter *sorter, const uint32_t *words, uint64_t count);
ting_err ting_ngram_sorter_finish(ting_ngram_sorter *sorter);

/* The next one; out->words NULL at the end. Errors: io. */
ting_err ting_ngram_sorter_next(ting_ngram_sorter *sorter, ting_ngram_counted *out);

#endif
