/* SPDX-License-Identifier: Apache-2.0 */
/*
 * adamw.h - AdamW (Loshchilov and Hutter 2019) over the flat arrays of a parameter registry, and clipping
 * by the global norm.
 *
 *     ting_adamw *adamw = ting_adamw_new(params, &(ting_adamw_options){...});
 *     for each step:
 *         ting_params_zero_gradients(params);  forward;  backward;
 *         norm = ting_clip_gradients(params, kern, pool, 1.0);
 *         ting_adamw_step(adamw, kern, pool, ting_rate_at(&schedule, step));
 *
 * Every sum and every update runs in pieces of a fixed size, so a step does not depend on the number of
 * threads. Not for several threads at once.
 */
#ifndef TING_OPTIM_ADAMW_H
#define TING_OPTIM_ADAMW_H

#include "base/pool.h"
#include "kern/kern.h"
#include "nn/param.h"

typedef struct ting_adamw ting_adamw;

typedef struct ting_adamw_options { /* all zero: the defaults in brackets, and no decay */
    double beta1;        /* [0.9] */
    double beta2;        /* [0.999] */
    double eps;          /* [1e-8] */
    double weight_decay; /* of parameters with two or more dimensions; per step rate * weight_decay */
} ting_adamw_options;

/* Returns an owned optimizer for parameters that have values and gradients, free with ting_adamw_free;
 * NULL when out of memory. Borrows the registry until then. */
ting_adamw *ting_adamw_new(ting_params *params, const ting_adamw_options *options);
void ting_adamw_free(ting_adamw *adamw);

/* One update with learning rate `rate`. Frozen parameters stay as they are. */
void ting_adamw_step(ting_adamw *adamw, const ting_kern *kern, ting_pool *pool, double rate);

/* The state, for checkpoints: steps done, and both moments [ting_params_elements]; writable. */
long ting_adamw_steps(const ting_adamw *adamw);
void ting_adamw_set_steps(ting_adamw *adamw, long steps);
ting_real *ting_adamw_mean(ting_adamw *adamw);
ting_real *ting_adamw_square(ting_adamw *adamw);

/* Scales all gradients by limit / norm when their Euclidean norm is above `limit` (<= 0: never). Returns
 * the norm before; when it is not finite the gradients are left alone and the caller should skip the step. */
double ting_clip_gradients(ting_params *params, const ting_kern *kern, ting_pool *pool, double limit);

#endif
