/* SPDX-License-Identifier: Apache-2.0 */
/*
 * adamw.h - AdamW (Loshchilov and Hutter 2019) over the flat arrays of a parameter registry.
 *
 *     ting_adamw *adamw = ting_adamw_new(params, &(ting_adamw_options){...});
 *     for each step:
 *         ting_params_zero_gradients(params);  forward;  backward;  clip (clip.h);
 *         ting_adamw_step(adamw, kern, pool, ting_rate_at(&schedule, step));
 *
 * Every update runs in pieces of a fixed size, so a step does not depend on the number of threads.
 */
#ifndef TING_OPTIM_ADAMW_H
#define TING_OPTIM_ADAMW_H

#include "nn/param.h"
#include "optim/optimizer.h"

typedef struct ting_adamw ting_adamw;

typedef struct ting_adamw_options {
    double beta1, beta2; /* of the means of gradients and of their squares, in [0, 1) */
    double eps;          /* > 0 */
    double weight_decay; /* of parameters with two or more dimensions; per step rate * weight_decay */
} ting_adamw_options;

/* Returns an owned optimizer for parameters that have values and gradients, free with ting_adamw_free;
 * NULL when out of memory. Borrows the registry until then. */
ting_adamw *ting_adamw_new(ting_params *params, const ting_adamw_options *options);
void ting_adamw_free(ting_adamw *adamw);

/* One update with learning rate `rate`. Frozen parameters stay as they are. */
void ting_adamw_step(ting_adamw *adamw, const ting_kern *kern, ting_pool *pool, double rate);

/* The same behind the interface of optimizer.h, which takes it. State: steps done, both moments. */
ting_optimizer ting_adamw_optimizer(ting_adamw *adamw);

#endif
