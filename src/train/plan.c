/* SPDX-License-Identifier: Apache-2.0 */
/* plan.c - see plan.h. */
#include "train/plan.h"

#include <limits.h>

static ting_err read_adamw(ting_yaml *map, ting_adamw_options *o)
{
    ting_err err = TING_OK;
    TRY(ting_yaml_real(map, "beta1", 0, 0.99999, &o->beta1));
    TRY(ting_yaml_real(map, "beta2", 0, 0.99999, &o->beta2));
    TRY(ting_yaml_real(map, "eps", 1e-16, 1e-2, &o->eps));
    TRY(ting_yaml_real(map, "weight_decay", 0, 10, &o->weight_decay));
out:
    return err;
}

static ting_err read_scaled_adam(ting_yaml *map, ting_scaled_adam_options *o)
{
    ting_err err = TING_OK;
    TRY(ting_yaml_real(map, "beta1", 0, 0.99999, &o->beta1));
    TRY(ting_yaml_real(map, "beta2", 0, 0.99999, &o->beta2));
    TRY(ting_yaml_real(map, "clip_scale", 0, 1000, &o->clip));
out:
    return err;
}

static ting_err read_eden(ting_yaml *map, ting_eden *eden)
{
    ting_err err = TING_OK;
    TRY(ting_yaml_real(map, "in_batches", 1, 1e9, &eden->in_batches));
    TRY(ting_yaml_real(map, "in_epochs", 0, 1e6, &eden->in_epochs));
    TRY(ting_yaml_real(map, "warm_start", 0, 1, &eden->warm_start));
out:
    return err;
}

ting_err ting_train_plan_read(ting_yaml *map, ting_train_plan *p)
{
    static const char *const precisions[] = {"f32", "bf16"}, *const shapes[] = {"hold", "noam", "eden"};
    static const char *const optimizers[] = {"adamw", "scaled-adam"};
    ting_err err = TING_OK;
    int precision = p->multiply == TING_PRECISION_BF16, shape = p->shape, optimizer = p->optimizer;
    p->scaled_adam = ting_scaled_adam_defaults;
    TRY(ting_yaml_int(map, "seed", 0, INT_MAX, &p->seed));
    TRY(ting_yaml_int(map, "steps", 1, INT_MAX, &p->steps));
    TRY(ting_yaml_word(map, "schedule", 3, shapes, &shape));
    p->shape = (ting_schedule_shape)shape;
    TRY(ting_yaml_word(map, "optimizer", 2, optimizers, &optimizer));
    p->optimizer = (ting_optimizer_kind)optimizer;
    TRY(ting_yaml_int(map, "warmup", 0, INT_MAX, &p->warmup));
    TRY(ting_yaml_int(map, "decay", 0, INT_MAX, &p->decay));
    const ting_yaml *decay = ting_yaml_find(map, "decay");
    if (decay != NULL && p->decay > 0 && p->shape == TING_SCHEDULE_NOAM)
        FAIL(TING_ERR_FORMAT, "%s:%d: the rate of the schedule noam falls from the warm-up on: it knows no decay",
             map->path, decay->line);
    TRY(ting_yaml_real(map, "rate", 0, 10, &p->rate));
    TRY(ting_yaml_real(map, "final", 0, 10, &p->final));
    if (p->shape == TING_SCHEDULE_EDEN)
        TRY(read_eden(map, &p->eden));
    TRY(p->optimizer == TING_OPTIMIZER_ADAMW ? read_adamw(map, &p->adamw) : read_scaled_adam(map, &p->scaled_adam));
    TRY(ting_train_parts_read(map, &p->parts));
    for (int i = 0; i < p->parts.count && p->optimizer == TING_OPTIMIZER_ADAMW; i++)
        if (p->parts.item[i].rate != 0)
            FAIL(TING_ERR_FORMAT, "%s:%d: groups with a rate of their own need the optimizer scaled-adam", map->path,
                 p->parts.item[i].line);
    TRY(ting_yaml_real(map, "clip", 0, 1e6, &p->clip));
    TRY(ting_yaml_real(map, "average", 0, 0.999999, &p->average));
    TRY(ting_yaml_word(map, "multiply", 2, precisions, &precision));
    p->multiply = precision == 1 ? TING_PRECISION_BF16 : TING_PRECISION_F32;
    TRY(ting_yaml_int(map, "save_every", 1, INT_MAX, &p->save_every));
    TRY(ting_yaml_int(map, "measure_every", 1, INT_MAX, &p->measure_every));
    TRY(ting_yaml_int(map, "log_every", 1, INT_MAX, &p->log_every));
    TRY(ting_yaml_int(map, "keep", 0, 100000, &p->keep));
    /* a plan shorter than the defaults was made for still warms up before it decays */
    const int most = p->steps > p->warmup ? p->steps - p->warmup : 0;
    p->decay = p->decay < most ? p->decay : most;
out:
    return err;
}
