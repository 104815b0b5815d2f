/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ngram_mix.h - several n-gram models as one that backs off too (static linear interpolation, as SRILM's ngram -mix-lm):
 *
 *     p(w | h) = sum over models of weight_i p_i(w | h)      for every n-gram h w that one of them lists
 *
 * and backing off for all others, with what those leave, so that the probabilities after each h sum to 1. Where no model lists h w, the
 * mixed model says backoff(h) p(w | h'), not the sum above: that is what one model instead of several costs.
 *
 *     TRY(ting_ngram_mix_new(tables, count, &mix));                          tables -> one list of words
 *     ... TRY(ting_ngram_mix_tune(mix, ids, id_count)); ...                  a sentence each, of those words
 *     ting_ngram_mix_weights(mix, weights);                                  the likeliest
 *     TRY(ting_ngram_mix_make(mix, weights, &table));
 *
 * Words. The list is that of the first model, then what each other one has more. A model says 0 of a word that it does not list, and
 * takes it for <unk> where it stands in h, as it did with such words when it was trained. Its own p_i(<unk> | h) stays that of <unk>, the
 * words that no model lists. So p_i still sums to 1 over the united list.
 *
 * What a file has rounded to 256 values is brought to sums of 1 first: the probabilities after h are scaled to what the backoff of h
 * leaves them.
 *
 * Memory: 4 order + 8 bytes an n-gram of the models and of what is made, 40 bytes an n-gram of one order while it is sorted, and 8 a word
 * and model for tuning.
 */
#ifndef TING_TRAIN_NGRAM_MIX_H
#define TING_TRAIN_NGRAM_MIX_H

#include "model/ngram_table.h"

enum { TING_NGRAM_MIX_MOST = 16 };

typedef struct ting_ngram_mix ting_ngram_mix;

/* Takes the tables (sealed, [count], 1 to TING_NGRAM_MIX_MOST), which are empty afterwards, also on failure. Free with
 * ting_ngram_mix_free. Errors: argument (the count), format (words), memory. */
ting_err ting_ngram_mix_new(ting_ngram_table *tables, int count, ting_ngram_mix **out);
void ting_ngram_mix_free(ting_ngram_mix *mix);

/* The united list. */
const ting_texts *ting_ngram_mix_words(const ting_ngram_mix *mix);

/* p of model i for the last of `count` words of the united list behind those before it. */
double ting_ngram_mix_score(const ting_ngram_mix *mix, int i, int count, const uint32_t *words);

/* ---- weights ---- */

/* Takes a sentence to find weights on, without <s> and </s>. Words that are <unk> or impossible to all models say nothing about
 * weights and do not count. Errors: memory. */
ting_err ting_ngram_mix_tune(ting_ngram_mix *mix, const uint32_t *words, size_t count);

typedef struct ting_ngram_tuned {
    int rounds;    /* of expectation maximisation */
    size_t words;  /* that counted, the ends of sentences among them */
    double log_prob; /* sum over them of log p, mixed with these weights */
} ting_ngram_tuned;

/* The weights [count] that make what was taken likeliest (Dempster, Laird and Rubin 1977; the likelihood has one maximum). Equal ones
 * where nothing counted. */
ting_ngram_tuned ting_ngram_mix_weights(const ting_ngram_mix *mix, double *weights);

/* The same of what was taken for weights given, [count] of sum 1; words that come out impossible do not count. */
ting_ngram_tuned ting_ngram_mix_measure(const ting_ngram_mix *mix, const double *weights);

/* ---- one model ---- */

/* weights [count]: above 0, of sum 1. A sealed table with the united words, which leave the mix. Errors: memory. */
ting_err ting_ngram_mix_make(ting_ngram_mix *mix, const double *weights, ting_ngram_table *out);

#endif
