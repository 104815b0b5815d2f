/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unfold.h - convolution over time as a product: row t of the unfolded matrix [T, cols taps] holds
 * x[t + j - left][c] at column c taps + j, zero outside t's segment. Then y = unfolded W^T.
 */
#ifndef TING_NN_UNFOLD_H
#define TING_NN_UNFOLD_H

#include "nn/ctx.h"

/* The unfolded matrix in the arena, or NULL and the sticky error. */
ting_real *ting_unfold(ting_ctx *ctx, ting_tensor x, ting_segments segments, int taps, int left);

#endif
