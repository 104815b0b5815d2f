/* SPDX-License-Identifier: Apache-2.0 */
/*
 * linear.h - a linear layer of a network, y = act(x weight^T + bias): how every network here declares and runs one.
 *
 *     layer.inner = ting_linear_declare(params, inner, width, "encoder.0.", "ffn.0");
 *     ...
 *     y = ting_linear_apply(ctx, x, layer.inner, TING_ACT_RELU);
 */
#ifndef TING_MODEL_LINEAR_H
#define TING_MODEL_LINEAR_H

#include "nn/ctx.h"
#include "nn/op.h"
#include "nn/param.h"

#include <stdint.h>

typedef struct ting_linear_params { /* borrows from the registry */
    const ting_param *weight, *bias;
} ting_linear_params;

/* What torch's linear and convolution layers start with, weight and bias: uniform within 1 / sqrt(inputs of an output). */
ting_init ting_init_fan_in(int inputs);

/* What icefall's ScaledLinear starts with: the weight `scale` times as large, the bias uniform within scale / 10. */
ting_init ting_init_scaled(int inputs, double scale);
ting_init ting_init_scaled_bias(double scale);

/* Declares "<prefix><name>.weight" [n, k], read by ting_linear only, and "<prefix><name>.bias" [n], which start as torch has
 * it. Both are NULL after a failure, which is sticky (nn/param.h). */
ting_linear_params ting_linear_declare(ting_params *params, int n, int k, const char *prefix, const char *name);

/* The same, starting otherwise: as ScaledLinear, or as said. */
ting_linear_params ting_linear_declare_scaled(ting_params *params, int n, int k, double scale, const char *prefix,
                                              const char *name);
ting_linear_params ting_linear_declare_init(ting_params *params, int n, int k, ting_init weight, ting_init bias,
                                            const char *prefix, const char *name);

/* Before training a layer whose rows are choices: bias [n] becomes the logarithm of each one's share of counts [n], one added to each, so
 * that a network begins where counting ends instead of learning that first. group_start: choice i stands for counts group_start[i] to
 * group_start[i + 1] - 1 (NULL: for counts[i]). */
void ting_linear_start_shares(const ting_param *bias, const uint64_t *counts, const int *group_start);

/* x [T, k] -> [T, n] */
ting_tensor ting_linear_apply(ting_ctx *ctx, ting_tensor x, ting_linear_params layer, ting_act act);

#endif
