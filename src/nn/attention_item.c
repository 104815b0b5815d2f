/* SPDX-License-Identifier: Apache-2.0 */
/* attention_item.c - see attention_item.h. */
#include "nn/attention_item.h"

#include <string.h>

static const ting_span *span_of(const ting_attention_item *item)
{
    return &item->geometry->spans[item->span];
}

/* Rows first .. first + count - 1 of a head of d columns, of values or of gradients. */
static ting_attention_rows head_rows(const ting_real *data, int ld, int first, int count, int column)
{
    return (ting_attention_rows){count, data + (size_t)first * (size_t)ld + column, ld, 1};
}

static ting_attention_rows queries_of(const ting_attention_item *item, const ting_real *data, int ld, int d)
{
    return head_rows(data, ld, span_of(item)->q0, item->queries, item->head * d);
}

static ting_attention_rows keys_of(const ting_attention_item *item, const ting_real *data, int ld, int d)
{
    return head_rows(data, ld, span_of(item)->k0, item->keys, item->head * d);
}

/* The weights by queries, or by keys. */
static ting_attention_rows by_queries(const ting_attention_item *item, ting_attention_weights w)
{
    return (ting_attention_rows){item->queries, w.rows, w.ld, 1};
}

static ting_attention_rows by_keys(const ting_attention_item *item, ting_attention_weights w)
{
    return (ting_attention_rows){item->keys, w.rows, 1, w.ld};
}

void ting_item_scores(const ting_attention_item *item, ting_tensor q, ting_tensor k, ting_real factor, int accumulate,
                      ting_attention_weights rows)
{
    const int d = q.cols / item->geometry->heads;
    const ting_attention_rows queries = queries_of(item, q.data, q.ld, d), keys = keys_of(item, k.data, k.ld, d);
    if (item->queries > 0)
        ting_attention_dots(item->desk, item->kern, d, factor, queries, keys, accumulate, rows.rows, rows.ld);
}

/* The keys that query i sees, none from *end on where it sees none. */
static void visible(const ting_attention_item *item, int i, int *first, int *end)
{
    ting_attention_visible(item->geometry, item->span, i, first, end);
    *end = *end < *first ? *first : *end;
}

void ting_item_softmax(const ting_attention_item *item, int cols, ting_attention_weights scores, ting_attention_weights to)
{
    for (int i = 0; i < item->queries; i++) {
        int first, end;
        visible(item, i, &first, &end);
        ting_real *y = to.rows + (ptrdiff_t)i * to.ld;
        memset(y, 0, (size_t)first * sizeof *y);
        item->kern->softmax(end - first, scores.rows + (ptrdiff_t)i * scores.ld + first, y + first);
        memset(y + end, 0, (size_t)(cols - end) * sizeof *y);
    }
}

void ting_item_apply(const ting_attention_item *item, int heads, ting_attention_weights rows, ting_tensor v, ting_tensor y)
{
    const int d = v.cols / heads;
    if (item->queries > 0)
        ting_attention_mix(item->desk, item->kern, d, 1, by_queries(item, rows), keys_of(item, v.data, v.ld, d), 0,
                           ting_row(y, span_of(item)->q0) + item->head * d, y.ld);
}

void ting_item_scores_backward(const ting_attention_item *item, ting_attention_weights g, ting_tensor q, ting_tensor k, ting_real factor)
{
    const int d = q.cols / item->geometry->heads, column = item->head * d;
    if (q.grad != NULL)
        ting_attention_mix(item->desk, item->kern, d, factor, by_queries(item, g), keys_of(item, k.data, k.ld, d), 1,
                           ting_grad_row(q, span_of(item)->q0) + column, q.ld);
    if (k.grad != NULL)
        ting_attention_mix(item->desk, item->kern, d, factor, by_keys(item, g), queries_of(item, q.data, q.ld, d), 1,
                           ting_grad_row(k, span_of(item)->k0) + column, k.ld);
}

void ting_item_softmax_backward(const ting_attention_item *item, int cols, ting_attention_weights rows, ting_attention_weights g)
{
    for (int i = 0; i < item->queries; i++) {
        int first, end;
        visible(item, i, &first, &end);
        const ting_real *y = rows.rows + (ptrdiff_t)i * rows.ld + first;
        ting_real *gi = g.rows + (ptrdiff_t)i * g.ld;
        memset(gi, 0, (size_t)first * sizeof *gi);
        const ting_real sum = item->kern->dot(end - first, y, gi + first);
        item->kern->mul(end - first, y, gi + first, gi + first);
        item->kern->axpy(end - first, -sum, y, gi + first);
        memset(gi + end, 0, (size_t)(cols - end) * sizeof *gi);
    }
}

void ting_item_apply_backward(const ting_attention_item *item, int heads, ting_attention_weights rows, ting_tensor v, ting_tensor y,
                              int accumulate, ting_attention_weights g)
{
    const int d = v.cols / heads;
    if (item->queries == 0)
        return;
    const ting_attention_rows gy = queries_of(item, y.grad, y.ld, d);
    if (g.rows != NULL)
        ting_attention_dots(item->desk, item->kern, d, 1, gy, keys_of(item, v.data, v.ld, d), accumulate, g.rows, g.ld);
    if (v.grad != NULL)
        ting_attention_mix(item->desk, item->kern, d, 1, by_keys(item, rows), gy, 1, ting_grad_row(v, span_of(item)->k0) + item->head * d,
                           v.ld);
}

ting_attention_need ting_attend_need(const struct ting_rec_attend *rec)
{
    const int heads = rec->geometry.heads;
    int widest = rec->q.cols > rec->v.cols ? rec->q.cols : rec->v.cols;
    widest = rec->p.cols > widest ? rec->p.cols : widest;
    return (ting_attention_need){.heads = heads, .cost = (rec->q.cols + rec->v.cols + rec->p.cols) / heads, .width = widest / heads};
}
