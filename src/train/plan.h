/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plan.h - how anything is trained: the group `train` of a recipe.
 *
 * Every key has a default, which the task sets before reading (ScaledAdam has its own); ranges stand in plan.c.
 */
#ifndef TING_TRAIN_PLAN_H
#define TING_TRAIN_PLAN_H

#include "base/yaml.h"
#include "optim/adamw.h"
#include "optim/scaled_adam.h"
#include "optim/schedule.h"
#include "train/parts.h"
#include "tingxie.h" /* ting_precision */

typedef enum ting_optimizer_kind { TING_OPTIMIZER_ADAMW, TING_OPTIMIZER_SCALED_ADAM } ting_optimizer_kind;

typedef struct ting_train_plan {
    int seed;
    int steps;
    ting_optimizer_kind optimizer;
    ting_schedule_shape shape;
    int warmup,
        decay; /* HOLD, EDEN: the last `decay` of `steps` steps go down to `final`; at most what the warm-up leaves */
    double rate, final;
    ting_eden eden; /* with shape EDEN: in_batches, in_epochs (0: epochs don't count), warm_start; `rate` and `warmup` stand above */
    ting_adamw_options adamw;
    ting_scaled_adam_options scaled_adam;
    ting_train_parts parts; /* those with a rate of their own want SCALED_ADAM */
    double clip;    /* of the gradient's norm; 0: none */
    double average; /* of the exponential mean of the weights that is measured and exported; 0: none */
    ting_precision multiply;
    int save_every, measure_every, log_every;
    int keep; /* checkpoints of save points that stay beside the last one (kept.h) */
} ting_train_plan;

/* Reads what the map has into *plan, which holds the defaults; the caller asks for keys of its own and then calls
 * ting_yaml_done. Errors: format, naming the line. */
ting_err ting_train_plan_read(ting_yaml *map, ting_train_plan *plan);

#endif
