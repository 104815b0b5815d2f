/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attention.h - the geometry that the three parts of attention and their backwards share.
 *
 * Work is handed out by item = (span, head); an item's weights are rows ting_attention_row(.., 0) to
 * + (q1 - q0) - 1 of the score tensor.
 */
#ifndef TING_NN_ATTENTION_H
#define TING_NN_ATTENTION_H

#include "nn/op.h"

/* Fails the context, naming `op`, unless the spans tile `queries` query rows in order and lie within
 * `keys` key rows. Returns whether all is well. */
bool ting_attention_check(ting_ctx *ctx, const ting_attention *geometry, int queries, int keys,
                          const char *op);

/* The most keys of a span. */
int ting_attention_longest(const ting_attention *geometry);

/* Keys that query `query` of the span may see: *first .. *end - 1, empty when *end <= *first. */
static inline void ting_attention_visible(const ting_attention *geometry, int span, int query, int *first,
                                          int *end)
{
    const ting_span *s = &geometry->spans[span];
    *first = s->masked;
    *end = s->k1 - s->k0;
    if (geometry->causal && query + s->first_key + 1 < *end)
        *end = query + s->first_key + 1;
}

/* Calls work(arg, span, head) for every span and each of `heads` heads, over the pool when it is worth it:
 * `cost` is about how many simple operations a pair of query and key takes. When spans share keys and
 * `exclusive` is set, the spans of one head run one after the other on one thread, so that backward may
 * add into the gradients of keys; otherwise all items run at once. */
void ting_attention_run(ting_pool *pool, const ting_attention *geometry, int heads, int cost, bool exclusive,
                        void (*work)(void *arg, int span, int head), void *arg);

#endif
