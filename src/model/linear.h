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

typedef struct ting_linear_params { /* borrows from the registry */
    const ting_param *weight, *bias;
} ting_linear_params;

/* Declares "<prefix><name>.weight" [n, k], read by ting_linear only, and "<prefix><name>.bias" [n]. Both are NULL after a
 * failure, which is sticky (nn/param.h). */
ting_linear_params ting_linear_declare(ting_params *params, int n, int k, const char *prefix, const char *name);

/* x [T, k] -> [T, n] */
ting_tensor ting_linear_apply(ting_ctx *ctx, ting_tensor x, ting_linear_params layer, ting_act act);

#endif
