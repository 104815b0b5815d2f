/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cross_entropy.h - softmax cross-entropy with label smoothing (Szegedy 2016), a loss that records itself.
 *
 *     loss = sum_t w_t l_t   (or divided by sum_t w_t),   t over rows with target >= 0
 *     l_t  = (1 - eps) (-log p_t[target]) + eps / V sum_c (-log p_t[c]),   p_t = softmax(logits_t)
 *
 * As a divergence it is l_t less the entropy of what is wanted, 1 - eps + eps / V of the target and eps / V of each other class:
 * the same gradient, and 0 is the least.
 */
#ifndef TING_LOSS_CROSS_ENTROPY_H
#define TING_LOSS_CROSS_ENTROPY_H

#include "nn/ctx.h"

typedef struct ting_cross_entropy_options {
    ting_real smoothing;     /* eps in [0, 1) */
    bool sum;                /* the plain sum instead of the mean */
    bool divergence;         /* Kullback-Leibler instead of cross-entropy */
    const ting_real *weight; /* [T] weights w_t >= 0, or NULL: all 1 */
} ting_cross_entropy_options;

/* logits [T, V], targets [T] (< 0: the row is ignored) -> the loss, a tensor of one element. When every
 * row is ignored the loss and its gradients are zero. Copies targets and weights when recording. NULL
 * options: mean without smoothing. A target >= V: TING_ERR_INTERNAL. */
ting_tensor ting_cross_entropy(ting_ctx *ctx, ting_tensor logits, const int *targets,
                               const ting_cross_entropy_options *options);

/* The smoothing with which the classes other than the target get `mass` in all, as torch's and WeNet's LabelSmoothingLoss
 * say it, and the target 1 - mass. */
static inline ting_real ting_smoothing_of_others(double mass, int classes)
{
    return (ting_real)(classes > 1 ? mass * classes / (classes - 1) : 0);
}

#endif
