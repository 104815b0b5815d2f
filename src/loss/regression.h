/* SPDX-License-Identifier: Apache-2.0 */
/*
 * regression.h - distance of rows to rows of a teacher (distillation of hidden layers: FitNets, Romero 2015; TinyBERT,
 * Jiao 2020), a loss that records itself.
 *
 *     loss = sum_t 1 / D sum_c ((x_tc - y_tc) / scale_c)^2
 *
 * scale is a number for each channel, usually the teacher's standard deviation, so that loud channels do not drown the
 * others. It is the sum over the rows, not the mean; scale it.
 */
#ifndef TING_LOSS_REGRESSION_H
#define TING_LOSS_REGRESSION_H

#include "nn/ctx.h"

/* x [T, D], teacher [T, D] (constant: no gradient goes there; its values must live until the tape has been walked) ->
 * one element. scale [D], above 0, or NULL: all 1; copied. A scale that is not above 0: TING_ERR_ARGUMENT.
 * docs/derive/regression.md */
ting_tensor ting_regression_loss(ting_ctx *ctx, ting_tensor x, ting_tensor teacher, const ting_real *scale);

#endif
