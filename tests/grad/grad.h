/* SPDX-License-Identifier: Apache-2.0 */
/*
 * grad.h - the gradient tests: each op of ops.def has one struct ting_grad_case, ting_case_<op>, in a file
 * cases_*.c of this folder. The programs take the list from ops.def: an op without a case does not link.
 *
 * A case sets up random problems (setup: segments, inputs, parameters, options; each variant another
 * shape or option) and runs its op (forward: reads the inputs, fills the outputs). From that alone
 *     test_gradients.c   compares the backward with central differences, checks that gradients add up
 *                        and that inputs without one are left alone;
 *     test_invariance.c  checks that recording changes nothing, that segments together equal each
 *                        alone, and that the number of threads does not matter, bit by bit.
 */
#ifndef TING_TESTS_GRAD_GRAD_H
#define TING_TESTS_GRAD_GRAD_H

#include "base/rng.h"
#include "nn/op.h"
#include "nn/tape.h"

#include <stdbool.h>

enum { TING_GRAD_MOST = 8 };

typedef enum ting_grad_rows {
    TING_ROWS_FREE,      /* the same rows whatever the segments */
    TING_ROWS_OF_FRAMES, /* a row for each row of the segments */
    TING_ROWS_OF_SEGMENTS /* a row for each segment */
} ting_grad_rows;

typedef struct ting_grad_input {
    ting_tensor t;
    ting_grad_rows rows;
} ting_grad_input;

typedef struct ting_grad_problem {
    int variant; /* 0 .. variants - 1 */
    bool large;  /* enough rows for several threads */
    ting_rng rng;
    ting_arena *memory; /* of inputs and segments */
    ting_segments segments;
    ting_grad_input input[TING_GRAD_MOST];
    int inputs;
    ting_params *params;
    const ting_param *param[TING_GRAD_MOST];
    int param_count;
    int option[TING_GRAD_MOST]; /* for the case's own use, as are the two lines below */
    int *ids;                   /* a number for each row of the segments */
    ting_real *weights;         /* the same */
    ting_tensor output[TING_GRAD_MOST]; /* set by forward */
    int outputs;
    int row_factor; /* output 0 has row_factor rows for each row of the segments; 0: not by rows */
} ting_grad_problem;

typedef struct ting_grad_case {
    int variants;
    void (*setup)(ting_grad_problem *p);
    void (*forward)(ting_grad_problem *p, ting_ctx *ctx);
} ting_grad_case;

#define TING_OP(name) extern const ting_grad_case ting_case_##name;
#include "nn/ops.def"
#undef TING_OP

/* All cases in the order of ops.def: TING_OP_COUNT entries. */
const ting_grad_case *const *ting_grad_cases(void);

/* ---- for setup ---- */

/* Random segments, some of them short or, but for the first, empty; returns the number of rows. */
int ting_grad_segments(ting_grad_problem *p);

/* The same with at least so many rows each. */
int ting_grad_segments_of(ting_grad_problem *p, int least);

/* Uniform in first .. last. */
int ting_grad_between(ting_grad_problem *p, int first, int last);

/* A normal input with a gradient, in rows wider than its columns. */
ting_tensor ting_grad_add_input(ting_grad_problem *p, ting_grad_rows rows, int count, int cols);

/* A parameter, filled with normal numbers after setup. */
void ting_grad_add_param(ting_grad_problem *p, ting_param_role role, int dims, const int *shape);

/* Numbers in low .. high - 1, one for each row. */
void ting_grad_add_ids(ting_grad_problem *p, int low, int high);

/* Keeps the elements of an input 0.1 away from zero, where a function has a kink. */
void ting_grad_avoid_zero(ting_tensor t);

/* ---- for setup and forward ---- */

/* Memory of the problem for count elements of `size` bytes; never NULL. Not the context's, which may run out. */
void *ting_grad_take(ting_grad_problem *p, int count, size_t size);

/* ---- for the test programs ---- */

/* Sets up variant `variant` with a seed of its own; free with ting_grad_problem_free. */
void ting_grad_problem_make(ting_grad_problem *p, const ting_grad_case *of, int variant, bool large);
void ting_grad_problem_free(ting_grad_problem *p);

/* The most tasks that one loop has handed to a pool since the last call (counted_pool.c). */
int ting_grad_most_tasks(void);

/* Forward with the given context fields; the context's arena is taken as it is. Fails the test on error. */
void ting_grad_forward(ting_grad_problem *p, const ting_grad_case *of, ting_ctx *ctx);

#endif
