/* SPDX-License-Identifier: Apache-2.0 */
/*
 * taps.h - depthwise filters in the layout that vector kernels want.
 *
 * Files hold [C, 1, taps]: the taps of a channel side by side. Kernels run over channels, so they want
 * [taps, C]. A TING_PARAM_TAPS parameter is turned once when it is loaded for inference; in training,
 * where the values change each step, an op turns it into the arena.
 */
#ifndef TING_NN_TAPS_H
#define TING_NN_TAPS_H

#include "nn/ctx.h"
#include "nn/param.h"

/* Number of taps of a filter [C, 1, taps...]. */
int ting_taps_count(const ting_param *w);

/* [taps, C]: the parameter's own turned copy, or one in the arena (valid until the caller rewinds). NULL
 * and the sticky error when out of memory. */
const ting_real *ting_taps(ting_ctx *ctx, const ting_param *w);

/* Adds the gradient [taps, C] to the gradient of the parameter, [C, taps]. */
void ting_taps_add_gradient(const ting_param *w, const ting_real *gradient);

#endif
