/* SPDX-License-Identifier: Apache-2.0 */
/*
 * schedule.h - learning rate as a function of the step: linear warm-up from 0 to `peak` over `warmup`
 * steps, then one of
 *     constant          peak
 *     inverse root      peak sqrt(warmup / step)   (Vaswani 2017)
 *     linear            from peak down to final at step `total`
 *     cosine            from peak down to final at step `total` (Loshchilov and Hutter 2017)
 * and `final` after `total`.
 */
#ifndef TING_OPTIM_SCHEDULE_H
#define TING_OPTIM_SCHEDULE_H

typedef enum ting_decay_shape {
    TING_DECAY_NONE,
    TING_DECAY_INVERSE_ROOT,
    TING_DECAY_LINEAR,
    TING_DECAY_COSINE
} ting_decay_shape;

typedef struct ting_schedule {
    ting_decay_shape shape;
    double peak, final;
    long warmup; /* steps, may be 0 */
    long total;  /* steps, warm-up included; for linear and cosine */
} ting_schedule;

/* The rate of step `step`, counted from 1. */
double ting_rate_at(const ting_schedule *schedule, long step);

#endif
