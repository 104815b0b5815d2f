/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ngram_prune.h - takes n-grams out of a table that change what it says the least (Stolcke, "Entropy-based pruning of backoff language
 * models", 1998): without h w the model says backoff'(h) p(w | h') in its place, and the whole distribution after h moves by
 *
 *     -p(h) (p(w | h) (log p(w | h') + log b'(h) - log p(w | h)) + (1 - sum of p(v | h) over v listed after h) (log b'(h) - log b(h)))
 *
 * p(h) is the model's own probability of the words of h. What another n-gram begins or ends with stays.
 */
#ifndef TING_TRAIN_NGRAM_PRUNE_H
#define TING_TRAIN_NGRAM_PRUNE_H

#include "model/ngram_table.h"

/* Takes out the n-grams of order 2 and more whose loss raises perplexity by less than the share `threshold` (1e-8 to 1e-6), from the
 * highest order down, and computes the backoffs anew. The table is sealed before and after. Errors: memory. */
ting_err ting_ngram_prune(ting_ngram_table *table, double threshold);

#endif
