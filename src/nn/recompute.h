/* SPDX-License-Identifier: Apache-2.0 */
/*
 * recompute.h - a part of a network that does not keep its tape: memory for time (Chen 2016, "Training deep nets with
 * sublinear memory cost").
 *
 *     static ting_tensor run_layer(ting_ctx *ctx, const void *self, const ting_tensor *inputs) { ... }
 *     ...
 *     const struct layer_call call = {layer, attention};
 *     x = ting_recompute(ctx, &(ting_part){run_layer, &call, sizeof call}, &x, 1, x.rows, x.cols);
 *
 * While a tape records, the part runs without it, and of its memory only the output stays. Backward runs it again, from
 * the same random numbers, with a tape of its own, walks that, and gives its memory back. Outputs and gradients are the
 * bits that they are without; the price is a second forward of the part. Parts may contain parts.
 *
 * A part must give the same when it runs again: it reads its inputs, what `self` points to and parameters (not packed
 * ones: without a tape they multiply in another order), and changes nothing but the context. Numbers that it takes from
 * the arena (starts of segments) die with it; whatever is needed outside is made before. An op that does have a state
 * leaves it alone when ctx->again is set. Taps see the first run only.
 */
#ifndef TING_NN_RECOMPUTE_H
#define TING_NN_RECOMPUTE_H

#include "nn/ctx.h"

typedef struct ting_part {
    ting_tensor (*run)(ting_ctx *ctx, const void *self, const ting_tensor *inputs);
    const void *self;
    size_t bytes; /* of self, which is copied when recording; what it points to lives until the tape has been walked */
} ting_part;

/* The output of the part, [rows, cols], which must be known beforehand. inputs [count]: the tensors it reads. */
ting_tensor ting_recompute(ting_ctx *ctx, const ting_part *part, const ting_tensor *inputs, int count, int rows,
                           int cols);

#endif
