/* SPDX-License-Identifier: Apache-2.0 */
/*
 * soft_entropy.h - cross-entropy against a teacher's posteriors (distillation: Hinton 2015), a loss that records
 * itself.
 *
 *     loss = sum_t weight_t l_t,   l_t = -sum_v q_t[v] log p_t[v],   p_t = softmax(logits_t)
 *
 * Less the teacher's own entropy, which has no gradient, l_t is KL(q_t || p_t), 0 at best. It is the sum over the rows,
 * not the mean; scale it.
 */
#ifndef TING_LOSS_SOFT_ENTROPY_H
#define TING_LOSS_SOFT_ENTROPY_H

#include "nn/ctx.h"

typedef struct ting_soft_entropy_options {
    bool divergence;         /* KL instead of cross-entropy: costs a logarithm for each target */
    const ting_real *weight; /* [T], or NULL: all 1; rows of weight 0 are not read */
} ting_soft_entropy_options;

/* logits [T, V], targets [T, V] (q, rows that sum to 1) -> one element. NULL options: cross-entropy. Targets and weights must
 * live until the tape has been walked. docs/derive/soft_entropy.md */
ting_tensor ting_soft_entropy(ting_ctx *ctx, ting_tensor logits, const ting_real *targets,
                              const ting_soft_entropy_options *options);

#endif
