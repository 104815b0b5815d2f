/* SPDX-License-Identifier: Apache-2.0 */
/* whitening.h - how far a batch is from white. */
#ifndef TING_NN_BWD_WHITENING_H
#define TING_NN_BWD_WHITENING_H

#include "nn/ctx.h"

/* (sum of the squares of the groups' centred covariances / columns) / (mean of their diagonals)^2: 1 when all eigenvalues are
 * equal, more otherwise. Products in the context's precision; scratch from the arena is given back. */
double ting_whitening_metric(ting_ctx *ctx, ting_tensor x, int groups);

#endif
