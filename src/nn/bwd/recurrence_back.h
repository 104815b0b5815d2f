/* SPDX-License-Identifier: Apache-2.0 */
/*
 * recurrence_back.h - back through time for the recurrent ops, all segments together as in nn/recurrence.h; the products with
 * x and with the states before each step are made once, for all rows, at the end.
 */
#ifndef TING_NN_BWD_RECURRENCE_BACK_H
#define TING_NN_BWD_RECURRENCE_BACK_H

#include "nn/bwd/bwd.h"
#include "nn/recurrence.h"

/* One row of a step on its way back. gh [h] holds dL/dh of this row, all of it, and keeps of it what goes to the state before
 * other than through W_hh (zeros, where there is none). now [G h] gets the gradient of h W_hh^T and, where of_x is not NULL,
 * of_x [G h] that of x W_ih^T: otherwise they are the same. */
typedef void ting_recurrent_cell_back(const void *self, const ting_recurrent_row *at, ting_real *gh, ting_real *now,
                                      ting_real *of_x);

/* All of backward. `apart`: the gradients of both products differ. */
void ting_recurrence_back(ting_ctx *ctx, const ting_recurrence *r, bool apart, ting_recurrent_cell_back *cell, const void *self);

/* A second state's gradients in the order of r->order, from those of the last one; and added to those of the first. */
void ting_recurrence_load(const ting_recurrence *r, ting_tensor from, ting_real *state);
void ting_recurrence_add(const ting_ctx *ctx, const ting_recurrence *r, const ting_real *state, ting_tensor to);

#endif
