/* SPDX-License-Identifier: Apache-2.0 */
/* columns.h - mean and variance of each column over all rows. */
#ifndef TING_NN_COLUMNS_H
#define TING_NN_COLUMNS_H

#include "nn/ctx.h"

/* mean [cols]; variance [cols] or NULL: the mean of the squared distances from the mean. Sums of a block of rows in
 * ting_real, of the blocks in double, the same for any number of threads. No rows: zeros. Scratch is given back. */
void ting_column_moments(ting_ctx *ctx, ting_tensor x, double *mean, double *variance);

#endif
