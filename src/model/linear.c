/* SPDX-License-Identifier: Apache-2.0 */
/* linear.c - see linear.h. */
#include "model/linear.h"

ting_linear_params ting_linear_declare(ting_params *params, int n, int k, const char *prefix, const char *name)
{
    ting_linear_params p;
    p.weight = ting_params_add(params, TING_PARAM_MATRIX, 2, (int[]){n, k}, "%s%s.weight", prefix, name);
    p.bias = ting_params_add(params, TING_PARAM_VALUES, 1, (int[]){n}, "%s%s.bias", prefix, name);
    return p;
}

ting_tensor ting_linear_apply(ting_ctx *ctx, ting_tensor x, ting_linear_params layer, ting_act act)
{
    return ting_linear(ctx, x, layer.weight, layer.bias, act);
}
