/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lm_places.h - what a language model, n-grams or a network of lm_net.h, says of whole sentences, many at a time.
 *
 * A sentence is <s> w1 .. wn </s> and has n + 1 places, each word and its end. As many sentences as a budget of rows holds go through a
 * network together. One that is longer than a network's context is read through windows that overlap by half; each place is asked in the
 * window where it has most before it.
 */
#ifndef TING_MODEL_LM_PLACES_H
#define TING_MODEL_LM_PLACES_H

#include "model/lm_net.h"
#include "model/ngram.h"

typedef struct ting_lm_tokens { /* sentences one behind the other; borrowed */
    const uint32_t *ids;        /* [start[count]] with <s> and </s> */
    const size_t *start;        /* [count + 1] */
    size_t count;
} ting_lm_tokens;

/* The first place of a sentence among those of all. */
static inline size_t ting_lm_place(const ting_lm_tokens *tokens, size_t sentence)
{
    return tokens->start[sentence] - sentence;
}

/* log_p [places of all]: natural logarithms of probabilities. Of a network work in the arena of ctx, given back, and errors of ops,
 * sticky in ctx. */
void ting_ngram_places(const ting_ngram *ngram, const ting_lm_tokens *tokens, double *log_p);
void ting_lm_net_places(ting_ctx *ctx, const ting_lm_net *net, const ting_lm_tokens *tokens, double *log_p);

#endif
