/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ngram_fit.h - probabilities of a table brought to sums of 1 after each context, where they are not quite: a file has rounded them to 256
 * values, so that what is listed may even leave nothing, or less than nothing, for a backoff to hand out. Before a table that was read
 * is mixed or pruned.
 */
#ifndef TING_TRAIN_NGRAM_FIT_H
#define TING_TRAIN_NGRAM_FIT_H

#include "train/ngram_group.h"

/* All of a sealed table: the probabilities after h are scaled to what the backoff of h leaves them. */
void ting_ngram_fit(ting_ngram_table *table);

/* The parts: single words; n-grams first .. end - 1 of order k, which share a context, to leave `left` (sums: ngram_group.h), which that
 * context then hands out. */
void ting_ngram_fit_words(ting_ngram_table *table);
void ting_ngram_fit_group(ting_ngram_table *table, int k, size_t first, size_t end, ting_ngram_sums sums, double left);

#endif
