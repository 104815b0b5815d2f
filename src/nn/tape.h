/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tape.h - the record of a forward pass, from which backward is composed.
 *
 * An op's forward pushes one record: its enum from ops.def and a struct (rec.h) with views of its
 * inputs and outputs and whatever it saved. ting_tape_backward (train library) walks the records from
 * last to first and calls each op's backward, which adds (+=) into the gradients of the inputs that have
 * one. Model files contain no backward code. Pushing is all that the inference library links.
 */
#ifndef TING_NN_TAPE_H
#define TING_NN_TAPE_H

#include "nn/ctx.h"

#include <stddef.h>

typedef enum ting_op {
#define TING_OP(name) TING_OP_##name,
#include "nn/ops.def"
#undef TING_OP
    TING_OP_COUNT
} ting_op;

typedef struct ting_record {
    ting_op op;
    void *saved; /* struct ting_rec_<op>, in the arena */
    struct ting_record *before;
} ting_record;

typedef struct ting_tape {
    ting_record *last;
    int count;
} ting_tape; /* start with {0}; records live in the context's arena and die with it */

/* Pushes a record with room for `bytes` of saved state (zeroed) and returns that room; NULL without a
 * tape or after a failure: the op then saves nothing. */
void *ting_tape_push(ting_ctx *ctx, ting_op op, size_t bytes);

/* Runs backward through all records. The caller has set the gradient of the loss (usually 1). */
ting_err ting_tape_backward(ting_ctx *ctx, ting_tape *tape);

const char *ting_op_name(ting_op op);

#endif
