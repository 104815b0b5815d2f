/* SPDX-License-Identifier: Apache-2.0 */
/*
 * choice_entropy.h - an output layer and its cross-entropy over a short list of classes in each row.
 *
 * When a row can only be one of a few classes (a syllable has a dozen characters, the vocabulary
 * thousands), the other logits need not be computed at all:
 *
 *     z_t[i] = x_t . W[c_i] + b[c_i]                   c_0 .. c_{n-1} the choices of row t
 *     loss   = sum_t -(1 - eps) log p_t[target] - eps / n sum_i log p_t[i],     p_t = softmax(z_t)
 *
 * It is the sum over the rows, not the mean; scale it. It records itself like the other losses.
 */
#ifndef TING_LOSS_CHOICE_ENTROPY_H
#define TING_LOSS_CHOICE_ENTROPY_H

#include "nn/ctx.h"
#include "nn/param.h"

typedef struct ting_choice { /* of one row */
    const int *classes;      /* distinct */
    int count;
    int target; /* place of the right one in classes; < 0: the row is ignored */
} ting_choice;

/* shift [V], taken off the logits, or NULL: with the logarithms of how often each class is drawn, a row whose choices are drawn at random
 * estimates the cross-entropy over all classes (Bengio and Senecal 2008; Jean 2015).
 *
 * x [T, d], w [V, d], b [V], choices [T] (copied when recording; the lists are borrowed until the tape has been
 * walked) -> one element. A class or target out of range: TING_ERR_INTERNAL. */
ting_tensor ting_choice_entropy(ting_ctx *ctx, ting_tensor x, const ting_param *w, const ting_param *b,
                                const ting_choice *choices, const ting_real *shift, ting_real smoothing);

#endif
