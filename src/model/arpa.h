/* SPDX-License-Identifier: Apache-2.0 */
/*
 * arpa.h - n-gram models as ARPA files, which SRILM, KenLM, IRSTLM and Kaldi read and write:
 *
 *     \data\
 *     ngram 1=4
 *     ngram 2=2
 *
 *     \1-grams:
 *     -1.2 <TAB> word <TAB> -0.3       log10 probability, words with spaces between, log10 backoff (may be left out)
 *     \2-grams:
 *     -0.5 <TAB> a word
 *     \end\
 *
 * Words keep the order of the file behind "<unk>", "<s>" and "</s>". Where there is no <unk> (a closed vocabulary), its probability is
 * TING_NGRAM_NEVER. Models that were pruned may lack the beginning or the end of an n-gram that they list: it is put in with the
 * probability that backing off gives it, which changes nothing.
 */
#ifndef TING_MODEL_ARPA_H
#define TING_MODEL_ARPA_H

#include "model/ngram_table.h"

/* A sealed table; free with ting_ngram_table_free. Errors: io; format, naming the line; memory. */
ting_err ting_arpa_read(const char *path, ting_ngram_table *out);
ting_err ting_arpa_parse(const char *label, const void *bytes, size_t size, ting_ngram_table *out);

/* Writes one, in place of what stands there. Errors: io. */
ting_err ting_arpa_save(const char *path, const ting_ngram_table *table);

#endif
