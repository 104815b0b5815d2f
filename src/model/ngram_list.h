/* SPDX-License-Identifier: Apache-2.0 */
/* ngram_list.h - a tree of n-grams as a table again, to prune, mix or write it in another form. */
#ifndef TING_MODEL_NGRAM_LIST_H
#define TING_MODEL_NGRAM_LIST_H

#include "model/ngram.h"

/* All n-grams of the tree with the numbers that it searches with, which are the nearest of 256 for each order: the probabilities after a
 * context need not sum to 1 any more. A sealed table; free with ting_ngram_table_free. Errors: format (a file whose n-grams lack their
 * beginnings), memory. */
ting_err ting_ngram_list(const ting_ngram *ngram, ting_ngram_table *out);

#endif
