/* SPDX-License-Identifier: Apache-2.0 */
/*
 * recurrent_stack.h - layers of recurrent cells, each reading the one below, in one direction or both.
 *
 * Parameters have torch's names below a prefix: weight_ih_l0, weight_hh_l0, bias_ih_l0, bias_hh_l0, and with _reverse behind
 * them for the other direction. They start uniform within 1 / sqrt(hidden), as torch has it.
 */
#ifndef TING_MODEL_RECURRENT_STACK_H
#define TING_MODEL_RECURRENT_STACK_H

#include "nn/op.h"

typedef enum ting_cell_kind { TING_CELL_RNN, TING_CELL_LSTM, TING_CELL_GRU } ting_cell_kind;

typedef enum ting_stack_sides {
    TING_SIDES_ONE,    /* from first to last */
    TING_SIDES_JOINED, /* both; a layer reads both of the layer below (torch) */
    TING_SIDES_APART   /* both; a layer reads its own direction only: each half knows one side of a place */
} ting_stack_sides;

enum { TING_STACK_LAYERS = 16 };

typedef struct ting_recurrent_shape {
    ting_cell_kind cell;
    ting_stack_sides sides;
    int layers;         /* 1 to TING_STACK_LAYERS */
    int inputs, hidden; /* columns of x and of a direction's state */
    ting_real dropout;  /* between layers (Zaremba 2014) */
} ting_recurrent_shape;

typedef struct ting_recurrent_stack {
    ting_recurrent_shape shape;
    ting_recurrent_weights weights[2 * TING_STACK_LAYERS]; /* layer after layer, both directions of one */
} ting_recurrent_stack;

typedef struct ting_recurrent_state { /* of one direction of one layer, [segments, hidden]; c of LSTM only */
    ting_tensor h, c;
} ting_recurrent_state;

/* Declares all parameters, "<prefix>weight_ih_l0" and so on. */
void ting_recurrent_stack_declare(ting_recurrent_stack *stack, const ting_recurrent_shape *shape, ting_params *params,
                                  const char *prefix);

/* layers x directions: how many states there are, in the order of the weights. */
int ting_recurrent_stack_states(const ting_recurrent_shape *shape);

/* x [T, inputs] -> [T, hidden], or [T, 2 hidden]: forward, then backward. first [states] is where the segments start, NULL: at
 * zero; last [states] gets the states behind them, may be NULL. */
ting_tensor ting_recurrent_stack_forward(ting_ctx *ctx, const ting_recurrent_stack *stack, ting_tensor x,
                                         ting_segments segments, const ting_recurrent_state *first,
                                         ting_recurrent_state *last);

#endif
