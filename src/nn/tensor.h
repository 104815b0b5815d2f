/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tensor.h - what flows between ops: a 2-D view, rows = frames, columns = channels.
 *
 * A tensor is a small value that points into an arena or a parameter; slices are made by moving the
 * pointers, and a slice shares its gradient with the whole. A batch is ragged: the rows of all utterances
 * one after the other, with ting_segments saying where each begins. There is no padding and there are no
 * padding masks. Linear, norms and activations never see segments; attention, convolution, resampling,
 * recurrent ops and losses loop over them. The same call is a minibatch, a file, a stream's chunk, or a
 * server's batch of streams.
 */
#ifndef TING_NN_TENSOR_H
#define TING_NN_TENSOR_H

#include "base/real.h"

#include <stddef.h>

typedef struct ting_tensor {
    ting_real *data; /* [rows, cols]: element (r, c) at data[r * ld + c] */
    ting_real *grad; /* same layout, or NULL when no gradient is wanted */
    int rows, cols;
    int ld; /* >= cols */
} ting_tensor;

/* Utterance s owns rows start[s] .. start[s + 1] - 1. start[0] is 0; start has count + 1 entries. */
typedef struct ting_segments {
    int count;
    const int *start;
} ting_segments;

/* Rows first .. first + count - 1. */
static inline ting_tensor ting_rows(ting_tensor t, int first, int count)
{
    size_t offset = (size_t)first * (size_t)t.ld;
    t.data += offset;
    if (t.grad != NULL)
        t.grad += offset;
    t.rows = count;
    return t;
}

/* Columns first .. first + count - 1. */
static inline ting_tensor ting_cols(ting_tensor t, int first, int count)
{
    t.data += first;
    if (t.grad != NULL)
        t.grad += first;
    t.cols = count;
    return t;
}

static inline ting_real *ting_row(ting_tensor t, int row)
{
    return t.data + (size_t)row * (size_t)t.ld;
}

static inline ting_real *ting_grad_row(ting_tensor t, int row)
{
    return t.grad + (size_t)row * (size_t)t.ld;
}

#endif
