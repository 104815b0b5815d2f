/* SPDX-License-Identifier: Apache-2.0 */
/*
 * recurrence.h - what the recurrent ops (rnn, lstm, gru) share: one direction of one layer over ragged segments.
 *
 * The part of x, x W_ih^T and the biases, is one product for all rows. Then all segments step together: with the segments in
 * order of falling length those still running are the first rows of the state, and a step is one product, h W_hh^T, and a
 * cell on each of its rows. An op is a record that begins with the recurrence, its cell, and in bwd/ the cell's way back
 * (bwd/recurrence_back.h).
 */
#ifndef TING_NN_RECURRENCE_H
#define TING_NN_RECURRENCE_H

#include "nn/op.h"

typedef struct ting_recurrence {
    const char *op;           /* its name, for messages */
    ting_tensor x, y, h0, hn; /* [T, k], [T, h], [segments, h] twice; h0 of zero rows: zeros */
    ting_segments segments;
    ting_recurrent_weights weights;
    bool reverse;
    int gate_count;           /* G: W_ih is [G h, k] */
    const int *order;         /* [segments]: longest first */
    ting_real *gates;         /* [T, G h]: the part of x; the cell leaves there what its backward reads. With one gate: y */
} ting_recurrence;

/* What a cell works on: segment order[place], which is at `step`, and the row of x where that is. */
typedef struct ting_recurrent_row {
    const ting_kern *kern;
    int place, segment, step, row;
} ting_recurrent_row;

static inline int ting_segment_length(ting_segments segments, int s)
{
    return segments.start[s + 1] - segments.start[s];
}

/* order [segments]: by falling length, equal ones in order. */
void ting_segments_by_length(ting_segments segments, int *order);

static inline int ting_recurrence_row(const ting_recurrence *r, int s, int step)
{
    return r->reverse ? r->segments.start[s + 1] - 1 - step : r->segments.start[s] + step;
}

/* A state of segment s before `step`, of a kind whose value after each row is kept in rows [T, h]: that of the row before, or
 * where it started; NULL for zeros. With `step` its length: the last. */
static inline const ting_real *ting_recurrence_before(const ting_recurrence *r, int s, int step, const ting_real *rows, int ld,
                                                      ting_tensor start)
{
    if (step > 0)
        return rows + (size_t)ting_recurrence_row(r, s, step - 1) * (size_t)ld;
    return start.rows == 0 ? NULL : ting_row(start, s);
}

/* From the shapes of x, segments, weights, h0: checks them, makes y, hn, order and, for more than one gate, room for the gates.
 * Errors: internal, naming r->op, sticky. */
void ting_recurrence_open(ting_ctx *ctx, ting_recurrence *r);

/* One row of a step: `recurrent` [G h] is h W_hh^T; h [h] becomes the new state, which goes to the row of y too. `op` is the
 * record that begins with the recurrence. */
typedef void ting_recurrent_cell(const void *op, const ting_recurrent_row *at, const ting_real *recurrent, ting_real *h);

/* Runs the cell over everything. b_hh is added to the part of x in its first `biased` columns; the cell adds the others. */
void ting_recurrence_run(ting_ctx *ctx, const ting_recurrence *r, int biased, ting_recurrent_cell *cell);

#endif
