/* SPDX-License-Identifier: Apache-2.0 */
/* depthwise.h - what ting_depthwise and its backward share: rows with zeros around, and the convolution of them. */
#ifndef TING_NN_DEPTHWISE_H
#define TING_NN_DEPTHWISE_H

#include "nn/op.h"

/* Each segment of x [T, cols] with `before` rows of zeros before it and `after` behind it, one after the other. */
void ting_framed_rows(const ting_real *x, int ldx, int cols, ting_segments segments, int before, int after, ting_real *out);

struct ting_depthwise_run {
    const ting_real *framed; /* [out rows + segments (taps - 1), cols] */
    const ting_real *w;      /* [taps, cols] */
    const ting_real *bias;   /* [cols] or NULL */
    int taps, cols;
    ting_segments out;
    ting_real *y; /* [out rows, cols] */
    int ldy;
};

/* y[t] = bias + sum_j w[j] framed[t + j] within each segment; spreads over the pool, any number of threads the same bits. */
void ting_depthwise_rows(ting_ctx *ctx, const struct ting_depthwise_run *run);

#endif
