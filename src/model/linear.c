/* SPDX-License-Identifier: Apache-2.0 */
/* linear.c - see linear.h. */
#include "model/linear.h"

#include <math.h>

ting_init ting_init_fan_in(int inputs)
{
    return ting_init_uniform(1 / sqrt((double)inputs));
}

ting_init ting_init_scaled(int inputs, double scale)
{
    return ting_init_uniform(scale / sqrt((double)inputs));
}

ting_init ting_init_scaled_bias(double scale)
{
    return ting_init_uniform(0.1 * scale);
}

ting_linear_params ting_linear_declare_init(ting_params *params, int n, int k, ting_init weight, ting_init bias,
                                            const char *prefix, const char *name)
{
    ting_linear_params p;
    p.weight = ting_param_init(
        ting_params_add(params, TING_PARAM_MATRIX, 2, (int[]){n, k}, "%s%s.weight", prefix, name), weight);
    p.bias = ting_param_init(ting_params_add(params, TING_PARAM_VALUES, 1, (int[]){n}, "%s%s.bias", prefix, name), bias);
    return p;
}

ting_linear_params ting_linear_declare(ting_params *params, int n, int k, const char *prefix, const char *name)
{
    return ting_linear_declare_init(params, n, k, ting_init_fan_in(k), ting_init_fan_in(k), prefix, name);
}

ting_linear_params ting_linear_declare_scaled(ting_params *params, int n, int k, double scale, const char *prefix,
                                              const char *name)
{
    return ting_linear_declare_init(params, n, k, ting_init_scaled(k, scale), ting_init_scaled_bias(scale), prefix, name);
}

void ting_linear_start_shares(const ting_param *bias, const uint64_t *counts, const int *group_start)
{
    const int choices = bias->shape[0], end = group_start != NULL ? group_start[choices] : choices;
    double all = end;
    for (int w = 0; w < end; w++)
        all += (double)counts[w];
    for (int i = 0, w = 0; i < choices; i++) {
        double count = 0;
        for (const int next = group_start != NULL ? group_start[i + 1] : i + 1; w < next; w++)
            count += 1 + (double)counts[w];
        bias->t.data[i] = (ting_real)log(count / all);
    }
}

ting_tensor ting_linear_apply(ting_ctx *ctx, ting_tensor x, ting_linear_params layer, ting_act act)
{
    return ting_linear(ctx, x, layer.weight, layer.bias, act);
}
