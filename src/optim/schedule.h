/* SPDX-License-Identifier: Apache-2.0 */
/*
 * schedule.h - learning rate as a function of the step, counted from 1: linear warm-up from 0 to `peak` over `warmup`
 * steps, then
 *     HOLD   peak; from step `decay_from` on down to `final` within `decay_steps` steps, as 1 - sqrt (Haegele 2024,
 *            "Scaling laws and compute-optimal training beyond fixed training durations"): the constant part can be
 *            prolonged at any time
 *     NOAM   peak sqrt(warmup / step) (Vaswani 2017)
 */
#ifndef TING_OPTIM_SCHEDULE_H
#define TING_OPTIM_SCHEDULE_H

typedef enum ting_schedule_shape {
    TING_SCHEDULE_HOLD,
    TING_SCHEDULE_NOAM,
    TING_SCHEDULE_EDEN /* of ting_eden_rate, which needs the epoch too */
} ting_schedule_shape;

typedef struct ting_schedule {
    ting_schedule_shape shape;
    double peak, final;
    long warmup;                  /* steps, may be 0 */
    long decay_from, decay_steps; /* HOLD; decay_steps 0: never */
} ting_schedule;

double ting_rate_at(const ting_schedule *schedule, long step);

/* Eden (icefall zipformer/optim.py), for ScaledAdam: with b = batches / in_batches, e = epochs / in_epochs,
 *     rate = base (1 + b^2)^-0.25 (1 + e^2)^-0.25 warm
 * and without epochs (in_epochs 0: "Eden2") base (1 + b^2)^-0.5 warm. warm rises from warm_start to 1 over `warmup` batches. */
typedef struct ting_eden {
    double base, in_batches, in_epochs;
    double warmup, warm_start;
} ting_eden;

/* batch counts from 0, epoch in epochs done. */
double ting_eden_rate(const ting_eden *eden, double batch, double epoch);

#endif
