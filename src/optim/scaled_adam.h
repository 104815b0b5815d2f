/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scaled_adam.h - ScaledAdam (Yao 2024, "Zipformer", section 3.5; icefall zipformer/optim.py): Adam whose step is
 * proportional to the size of the parameter it changes, and that learns that size too.
 *
 *     g' = clip g                                       against the median of the last norms (below)
 *     v  = b2 v + (1 - b2) g'^2
 *     d  = - rate max(rms(w), min_rms) g' / (sqrt(v / (1 - b2^t)) + eps)
 *        + w s            every size_period steps: s = - rate scalar_rate sum_k(w . g'_k) / rms of w . g'_k, within +-0.1 and
 *                         what keeps rms(w) below max_rms; 0 when rms(w) is below min_rms
 *     m  = b1 m + (1 - b1) d,    w += m
 *
 * A parameter of one element is a scalar: d = - rate scalar_rate g' / (...), kept within +-scalar_max.
 *
 * Clipping, per group: the norm is sqrt(sum of (g rms(w))^2), scalars counting with scalar_rate. The threshold is `clip` times
 * the median of the last clip_period norms, set anew every clip_period steps, and at steps 10, 20 and 40 at twice that.
 *
 * Every sum and update runs in pieces of a fixed size: the same bits on any number of threads.
 */
#ifndef TING_OPTIM_SCALED_ADAM_H
#define TING_OPTIM_SCALED_ADAM_H

#include "nn/param.h"
#include "optim/optimizer.h"

typedef struct ting_scaled_adam ting_scaled_adam;

typedef struct ting_scaled_adam_options {
    double clip;         /* 2; 0: none */
    double beta1, beta2; /* 0.9, 0.98 */
    double scalar_rate;  /* 0.1: of scalars and of sizes, against the rate */
    double eps;          /* 1e-8 */
    double min_rms, max_rms; /* 1e-5, 3 */
    double scalar_max;   /* 10 */
    int size_period;     /* 4 */
    int clip_period;     /* 100 */
} ting_scaled_adam_options;

/* The values above, which are the reference's with the clipping of its recipes. */
extern const ting_scaled_adam_options ting_scaled_adam_defaults;

typedef struct ting_scaled_adam_groups { /* parameters that are clipped together and share a rate */
    int count;
    const int *of;      /* [parameters of the registry] below count */
    const double *rate; /* [count]: times the step's rate */
} ting_scaled_adam_groups;

/* Returns an owned optimizer for parameters that have values and gradients, free with ting_scaled_adam_free; NULL when out
 * of memory. Borrows the registry until then, copies the rest. groups NULL: one group at rate 1. */
ting_scaled_adam *ting_scaled_adam_new(ting_params *params, const ting_scaled_adam_options *options,
                                       const ting_scaled_adam_groups *groups);
void ting_scaled_adam_free(ting_scaled_adam *adam);

/* One update with learning rate `rate`. Frozen parameters stay as they are. */
void ting_scaled_adam_step(ting_scaled_adam *adam, const ting_kern *kern, ting_pool *pool, double rate);

/* Another rate for a group, times the step's. */
void ting_scaled_adam_set_rate(ting_scaled_adam *adam, int group, double rate);

/* What the last step multiplied the gradients of a group with. */
double ting_scaled_adam_clipped(const ting_scaled_adam *adam, int group);

/* The same behind the interface of optimizer.h, which takes it. */
ting_optimizer ting_scaled_adam_optimizer(ting_scaled_adam *adam);

#endif
