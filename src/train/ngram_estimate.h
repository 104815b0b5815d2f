/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ngram_estimate.h - counts to probabilities: interpolated modified Kneser-Ney (Chen and Goodman, "An empirical study of smoothing
 * techniques for language modeling", 1998, 4.1.2; with cutoffs as Heafield and others, ACL 2013).
 *
 *     p(w | h) = max(0, c(h w) - D(c(h w))) / c(h) + g(h) p(w | h')         for words p(w | h') is 1 / words
 *     D(1) = 1 - 2 Y n2 / n1     D(2) = 2 - 3 Y n3 / n2     D(3 and more) = 3 - 4 Y n4 / n3     Y = n1 / (n1 + 2 n2)
 *     g(h): what the discounts and the n-grams left out by the cutoff leave of c(h)
 *
 * n1 to n4 say how many n-grams of the order have the count 1 to 4. Where a text is so small that one of them is 0, or a discount
 * comes out below 0 or above its count, the order gets D = 1/2, 1, 3/2.
 */
#ifndef TING_TRAIN_NGRAM_ESTIMATE_H
#define TING_TRAIN_NGRAM_ESTIMATE_H

#include "train/ngram_count.h"

enum { TING_NGRAM_DISCOUNTS = 3 };

typedef struct ting_ngram_discounts {
    double by[TING_NGRAM_DISCOUNTS]; /* of counts 1, 2, and 3 or more */
    bool made_up;                    /* the text was too small */
} ting_ngram_discounts;

/* Fills a table, whose `order` and `words` it sets (takes the words), from a finished counter, which is read up. discounts
 * [TING_NGRAM_MOST]. Errors: io, memory; format (no sentence was counted). */
ting_err ting_ngram_estimate(ting_ngram_counter *counter, ting_texts *words, ting_ngram_table *out, ting_ngram_discounts *discounts);

#endif
