/* SPDX-License-Identifier: Apache-2.0 */
/*
 * predictor_cache.h - projected predictor rows by context. A stateless predictor is a function of the last few
 * tokens, and a search asks for the same few contexts frame after frame.
 *
 * A table of fixed size, one place a hash: a context that falls on another one's place replaces it. One thread.
 */
#ifndef TING_DECODE_PREDICTOR_CACHE_H
#define TING_DECODE_PREDICTOR_CACHE_H

#include "model/transducer.h"

/* The context of a predictor [TING_TRANSDUCER_MAX_CONTEXT], its tokens at the beginning, the newest last: at a start it is
 * blank, and `before` (a token, or -1: none) in the places before that. */
void ting_predictor_start(const ting_transducer *model, int before, int *context);
void ting_predictor_push(const ting_transducer *model, int token, int *context); /* the oldest drops out */

typedef struct ting_predictor_cache ting_predictor_cache;

/* Returns owned, free with ting_predictor_cache_free; borrows the model. NULL when out of memory. */
ting_predictor_cache *ting_predictor_cache_new(const ting_transducer *model);
void ting_predictor_cache_free(ting_predictor_cache *cache);

/* Rows for `count` contexts (the model's context tokens each, newest last): [count, joiner_dim] in the arena. */
ting_tensor ting_predictor_rows(ting_predictor_cache *cache, ting_ctx *ctx, const int *contexts,
                                int count);

#endif
