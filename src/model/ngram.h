/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ngram.h - an n-gram language model to search with: a tree of n-grams read from their last word backwards, so that one walk finds the
 * longest one that is listed (as the trie of Heafield, "KenLM: faster and smaller language model queries", 2011).
 *
 *     ting_ngram_state state = ting_ngram_begin(ngram), next;
 *     log_p = ting_ngram_score(ngram, &state, word, &next);
 *
 * In a file (network "lm", architecture "ngram"), for words < W and each order k of n, all in the order of the tree:
 *
 *     unigrams.prob, unigrams.backoff   F32 [W]
 *     K.words      I8 [count x bytes]   the word before, little-endian, in as many bytes as W needs
 *     K.prob       I8 [count]           place in K.prob.values, F32 [at most 256]
 *     K.backoff    I8 [count]           place in K.backoff.values; not of the highest order
 *     K.children   I32 [count + 1]      where in order k + 1 the n-grams begin that end with this one; not of the highest order
 *
 * Each of the 256 values stands for as many n-grams as any other: a file of 3 bytes an n-gram of the highest order, 8 of any other.
 * Immutable and shared by threads.
 */
#ifndef TING_MODEL_NGRAM_H
#define TING_MODEL_NGRAM_H

#include "model/ngram_table.h"
#include "model/schema.h"

typedef struct ting_ngram ting_ngram;

typedef struct ting_ngram_state { /* what has been said, as far as the model looks back */
    int count;
    uint32_t words[TING_NGRAM_MOST - 1]; /* the last one first */
    float backoff[TING_NGRAM_MOST - 1];  /* of the last word, of the last two, ... as a context */
} ting_ngram_state;

/* Makes one of a sealed table. Returns owned in *out, free with ting_ngram_free. Errors: memory. */
ting_err ting_ngram_make(const ting_ngram_table *table, ting_ngram **out);

/* The one in a file, from which it borrows. Errors: model, not found, memory. */
ting_err ting_ngram_open(const ting_network *lm, ting_ngram **out);

/* Puts keys and tensors of network "lm"; borrows until the writer is freed. */
void ting_ngram_put(const ting_ngram *ngram, ting_gguf_writer *writer);
void ting_ngram_free(ting_ngram *ngram);

int ting_ngram_order(const ting_ngram *ngram);
const ting_texts *ting_ngram_words(const ting_ngram *ngram);
size_t ting_ngram_count(const ting_ngram *ngram, int order);

/* After <s>; after nothing. */
ting_ngram_state ting_ngram_begin(const ting_ngram *ngram);
ting_ngram_state ting_ngram_empty(void);

/* log p(word | state), natural; *out, which may be `in`, gets the state after it. */
double ting_ngram_score(const ting_ngram *ngram, const ting_ngram_state *in, uint32_t word, ting_ngram_state *out);

#endif
