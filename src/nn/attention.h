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

/* Calls work(arg, desk, span, head) for every span and each of `heads` heads, over the pool when it is worth it:
 * `cost` is about how many simple operations a pair of query and key takes. The desk has room for products of queries,
 * keys and `width` columns; it is NULL for spans that are too small for products. When spans share keys and `exclusive` is
 * set, the spans of one head run one after the other on one thread, so that backward may add into the gradients of keys;
 * otherwise all items run at once. */
typedef void ting_attention_work(void *arg, const ting_gemm_desk *desk, int span, int head);
void ting_attention_run(ting_ctx *ctx, const ting_attention *geometry, int heads, int cost, int width, bool exclusive,
                        ting_attention_work *work, void *arg);

/* What an item computes, as a product at its desk or, without one, row by row. */
typedef struct ting_attention_rows { /* element (i, j) at data[i * rs + j * cs] */
    int count;
    const ting_real *data;
    ptrdiff_t rs, cs;
} ting_attention_rows;

/* y[i, j] (+)= s x_i . z_j over d columns; both have cs 1. */
void ting_attention_dots(const ting_gemm_desk *desk, const ting_kern *kern, int d, ting_real s, ting_attention_rows x,
                         ting_attention_rows z, int accumulate, ting_real *y, int ldy);

/* y[i] (+)= s sum_j w[i, j] z_j over d columns; z has cs 1. */
void ting_attention_mix(const ting_gemm_desk *desk, const ting_kern *kern, int d, ting_real s, ting_attention_rows w,
                        ting_attention_rows z, int accumulate, ting_real *y, int ldy);

#endif
