/* SPDX-License-Identifier: Apache-2.0 */
/*
 * transformer_steps.h - the decoder layers of a Transformer one place after the other, for a search: hypotheses side by side, each with the
 * keys and values of its places so far. What goes into the first layer and what becomes of the last one is the network's
 * (attention_steps.c, transformer_s2s.c).
 */
#ifndef TING_MODEL_TRANSFORMER_STEPS_H
#define TING_MODEL_TRANSFORMER_STEPS_H

#include "model/transformer.h"

typedef struct ting_transformer_steps ting_transformer_steps;

/* Begins with an empty hypothesis for each segment of the memory [M, width], of which it keeps what it needs. Room for `most` hypotheses of
 * `longest` places. Borrows shape and layers [layer_count]. Returns owned in *out, free with ting_transformer_steps_free. The context has
 * no tape; its arena is rewound. Errors: argument (sizes), memory; sticky ones of the context. */
ting_err ting_transformer_steps_new(ting_ctx *ctx, const ting_transformer_shape *shape, const ting_transformer_layer *layers,
                                    int layer_count, ting_tensor memory, ting_segments memory_segments, int most, int longest,
                                    ting_transformer_steps **out);
void ting_transformer_steps_free(ting_transformer_steps *steps);

/* Places that each hypothesis has: the number of the next one. */
int ting_transformer_steps_length(const ting_transformer_steps *steps);

/* Hypothesis i becomes what hypothesis parents[i] was (NULL: i itself), with place x[i] behind it. x [count, width], positions added ->
 * what the last layer gives, [count, width], in the arena. Failures are sticky: no room (argument), a parent that is none (internal). */
ting_tensor ting_transformer_steps_take(ting_ctx *ctx, ting_transformer_steps *steps, ting_tensor x, const int *parents);

#endif
