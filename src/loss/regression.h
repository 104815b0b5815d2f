/* SPDX-License-Identifier: Apache-2.0 */
/*
 * regression.h - distance of rows to rows of a teacher (distillation of hidden layers: FitNets, Romero 2015; TinyBERT,
 * Jiao 2020; L1 and cosine: DistilHuBERT, Chang 2022), a loss that records itself.
 *
 *     loss = sum_t weight_t l(x_t / scale, y_t / scale)
 *     squared   l(a, b) = 1 / D sum_c (a_c - b_c)^2
 *     absolute  l(a, b) = 1 / D sum_c |a_c - b_c|
 *     cosine    l(a, b) = 1 - a . b / (|a| |b|);  1, without a gradient, where a row is all zeros
 *
 * scale is a number for each channel, usually the teacher's standard deviation, so that loud channels do not drown the
 * others. It is the sum over the rows, not the mean; scale it. Distances are added with ting_add.
 */
#ifndef TING_LOSS_REGRESSION_H
#define TING_LOSS_REGRESSION_H

#include "nn/ctx.h"

typedef enum ting_distance { TING_DISTANCE_SQUARED, TING_DISTANCE_ABSOLUTE, TING_DISTANCE_COSINE } ting_distance;

typedef struct ting_regression_options {
    ting_distance distance;
    const ting_real *scale; /* [D], above 0, or NULL: all 1; copied */
    const ting_real
        *weight; /* [T], or NULL: all 1; must live until the tape has been walked. Rows of weight 0 are not read */
} ting_regression_options;

/* x [T, D], teacher [T, D] (constant: no gradient goes there; its values must live until the tape has been walked) ->
 * one element. NULL options: squared. A scale that is not above 0: TING_ERR_ARGUMENT. docs/derive/regression.md */
ting_tensor ting_regression_loss(ting_ctx *ctx, ting_tensor x, ting_tensor teacher,
                                 const ting_regression_options *options);

#endif
