/* SPDX-License-Identifier: Apache-2.0 */
/* ngram_fill.h - puts into a table what other programs leave out when they prune. */
#ifndef TING_MODEL_NGRAM_FILL_H
#define TING_MODEL_NGRAM_FILL_H

#include "model/ngram_table.h"

/* Adds the beginning and the end of each n-gram where they are not listed in the order below, with the probability that backing off gives
 * them and no backoff, and seals the table. No probability changes. Errors: those of ting_ngram_table_seal. */
ting_err ting_ngram_fill(ting_ngram_table *table);

#endif
