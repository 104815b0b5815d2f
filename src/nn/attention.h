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

/* The numbers from one row of weights to the next: whole lines of the cache, an odd number of them, so that the rows of a product's
 * tile don't fight for sets of the cache. */
static inline int ting_attention_ld(int cols)
{
    enum { LINE = 16 };
    return ((cols + LINE - 1) / LINE | 1) * LINE;
}

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

/* A span and a head, and where a thread works on them. */
typedef struct ting_attention_item {
    const ting_kern *kern;
    const ting_attention *geometry;
    const ting_gemm_desk *desk; /* NULL: too small for products */
    ting_real *room;            /* as wanted */
    int span, head;
    int queries, keys;
} ting_attention_item;

/* Calls work(arg, item) for every span and each of `heads` heads, over the pool when it is worth it: `cost` is about how
 * many simple operations a pair of query and key takes. An item has room for `room` numbers and, for spans that are large enough
 * for products, a desk for those of queries, keys and `width` columns. When spans share keys and `exclusive` is set, the spans
 * of one head run one after the other on one thread, so that backward may add into the gradients of keys; otherwise all
 * items run at once. */
typedef void ting_attention_work(void *arg, const ting_attention_item *item);
typedef struct ting_attention_need {
    int heads, cost, width;
    size_t room;
    bool exclusive;
} ting_attention_need;
void ting_attention_run(ting_ctx *ctx, const ting_attention *geometry, const ting_attention_need *need, ting_attention_work *work,
                        void *arg);

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
