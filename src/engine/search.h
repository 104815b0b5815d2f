/* SPDX-License-Identifier: Apache-2.0 */
/*
 * search.h - encoder rows -> hypotheses of the sentence being spoken, whatever the way of decoding.
 *
 *     while rows come:  ting_search_take            a chunk's rows
 *                       ting_search_best            when was the last token? enough silence: a sentence
 *     at a sentence:    ting_search_hypotheses      best first
 *                       ting_search_cut             forget them; what was heard stays the context
 */
#ifndef TING_ENGINE_SEARCH_H
#define TING_ENGINE_SEARCH_H

#include "engine/am.h"
#include "engine/sentence.h"
#include "nn/ctx.h"

typedef struct ting_search ting_search;

/* Returns owned in *out, free with ting_search_free; borrows the model. Errors: memory; io, format (keywords);
 * unsupported, where the model lacks what a way of decoding wants. */
ting_err ting_search_new(const ting_am *am, const ting_options *options, double row_seconds,
                         ting_search **out);
void ting_search_free(ting_search *search);

/* Back to the beginning of a recording. */
void ting_search_reset(ting_search *search);

/* Rows [n, dim] in order. Errors: memory, numeric. */
ting_err ting_search_take(ting_search *search, ting_ctx *ctx, ting_tensor rows);

/* Tokens of the best hypothesis, when the first began and the last ended; 0 when there is none. */
int ting_search_best(const ting_search *search, double *first, double *last, int *last_token);

/* With keywords: the next one that was found; *name is NULL when there is none (any more), else it borrows until the
 * search is freed; *out borrows until the next call. Errors: memory. */
ting_err ting_search_spotted(ting_search *search, const char **name, double *probability, ting_heard *out);

/* The sound is over: a keyword that ends with it is found. Errors: memory. */
ting_err ting_search_finish(ting_search *search);

/* Up to `most` hypotheses, at least one, the acoustically best first, with what was nearly heard instead of its tokens unless `most` is
 * 1. Greedy search has one. Borrows until the next call. Errors: memory. */
ting_err ting_search_hypotheses(ting_search *search, int most, const ting_heard **out, int *count);

/* The sentence is over. */
void ting_search_cut(ting_search *search);

#endif
