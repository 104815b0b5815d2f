/* SPDX-License-Identifier: Apache-2.0 */
/* softmax_row.h - probabilities of a row and its log sum exp, for the exponentials of one. */
#ifndef TING_LOSS_SOFTMAX_ROW_H
#define TING_LOSS_SOFTMAX_ROW_H

#include "kern/kern.h"

#include <math.h>

/* p = softmax(x) [n]; returns log sum exp(x): the largest element x has the probability exp(x - log sum exp). */
static inline ting_real ting_softmax_row(const ting_kern *kern, int n, const ting_real *x, ting_real *p)
{
    kern->softmax(n, x, p);
    return kern->max(n, x) - (ting_real)log((double)kern->max(n, p));
}

#endif
