/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attention_item.h - what is computed for one span and head, forward and backward, on rows of weights that lie anywhere.
 *
 * rows [queries, ld], or g, their gradient: keys in columns 0 .. keys - 1. q, k, v, y are whole tensors, of which a span
 * sees its rows and a head its columns. docs/derive/attention.md
 */
#ifndef TING_NN_ATTENTION_ITEM_H
#define TING_NN_ATTENTION_ITEM_H

#include "nn/attention.h"
#include "nn/rec.h"

typedef struct ting_attention_weights {
    ting_real *rows;
    int ld;
} ting_attention_weights;

/* Where an item's weights lie in a tensor of all, [heads Tq, keys]. */
static inline ting_attention_weights ting_item_rows(const ting_attention_item *item, ting_tensor t)
{
    return (ting_attention_weights){ting_row(t, ting_attention_row(item->geometry, item->span, item->head, 0)), t.ld};
}

/* rows (+)= factor q k^T */
void ting_item_scores(const ting_attention_item *item, ting_tensor q, ting_tensor k, ting_real factor, int accumulate,
                      ting_attention_weights rows);

/* to = softmax over the keys that may be seen, 0 in all other of `cols` columns; to may be the scores themselves. */
void ting_item_softmax(const ting_attention_item *item, int cols, ting_attention_weights scores, ting_attention_weights to);

/* y = rows v; heads: of v and y */
void ting_item_apply(const ting_attention_item *item, int heads, ting_attention_weights rows, ting_tensor v, ting_tensor y);

/* gq += factor g k, gk += factor g^T q, where they are wanted */
void ting_item_scores_backward(const ting_attention_item *item, ting_attention_weights g, ting_tensor q, ting_tensor k, ting_real factor);

/* In place: g becomes the scores' gradient from that of the weights `rows`, 0 where nothing was seen. */
void ting_item_softmax_backward(const ting_attention_item *item, int cols, ting_attention_weights rows, ting_attention_weights g);

/* g (+)= gy v^T, gv += rows^T gy, where they are wanted (g.rows NULL: not) */
void ting_item_apply_backward(const ting_attention_item *item, int heads, ting_attention_weights rows, ting_tensor v, ting_tensor y,
                              int accumulate, ting_attention_weights g);

/* What the items of a record need, but for room. */
ting_attention_need ting_attend_need(const struct ting_rec_attend *rec);

#endif
