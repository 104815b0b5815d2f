/* SPDX-License-Identifier: Apache-2.0 */
/*
 * soft_entropy.h - cross-entropy against a teacher's posteriors (distillation: Hinton 2015), a loss that records
 * itself.
 *
 *     loss = sum_t weight_t l_t,   l_t = -sum_v q_t[v] log p_t[v],   p_t = softmax(logits_t / temperature)
 *
 * q_t is a whole row of probabilities, or a list of the classes that matter. What the list leaves of 1 is spread evenly
 * over the classes it does not name, so that q_t stays a distribution and a student is not told that they are
 * impossible; who wants the rest ignored divides the list by its sum. The teacher's posteriors are to be taken at the
 * same temperature.
 *
 * Less the teacher's own entropy, which has no gradient, l_t is KL(q_t || p_t), 0 at best. It is the sum over the rows,
 * not the mean; scale it. A temperature divides gradients by about its square: multiply the loss by that to keep the
 * balance with other losses.
 */
#ifndef TING_LOSS_SOFT_ENTROPY_H
#define TING_LOSS_SOFT_ENTROPY_H

#include "nn/ctx.h"

typedef struct ting_soft_targets {
    const ting_real *dense; /* [T, V], rows that sum to 1; NULL: the lists */
    const int *start;       /* [T + 1]: row t's list is start[t] .. start[t + 1] - 1 */
    const int *classes;     /* distinct in a row */
    const ting_real *probabilities;
} ting_soft_targets;

typedef struct ting_soft_entropy_options {
    ting_real temperature;   /* above 0; 0 means 1 */
    bool divergence;         /* KL instead of cross-entropy: costs a logarithm for each target */
    const ting_real *weight; /* [T], or NULL: all 1; rows of weight 0 are not read */
} ting_soft_entropy_options;

/* logits [T, V] -> one element. NULL options: temperature 1, cross-entropy. What targets and options point to must live
 * until the tape has been walked. A class outside 0 .. V - 1, a negative probability in a list or temperature:
 * TING_ERR_ARGUMENT. docs/derive/soft_entropy.md */
ting_tensor ting_soft_entropy(ting_ctx *ctx, ting_tensor logits, const ting_soft_targets *targets,
                              const ting_soft_entropy_options *options);

#endif
