/* SPDX-License-Identifier: Apache-2.0 */
/* plan.c - see plan.h. */
#include "train/plan.h"

#include <limits.h>

ting_err ting_train_plan_read(ting_yaml *map, ting_train_plan *p)
{
    static const char *const precisions[] = {"f32", "bf16"}, *const shapes[] = {"hold", "noam"};
    ting_err err = TING_OK;
    int precision = p->multiply == TING_PRECISION_BF16, shape = p->shape;
    TRY(ting_yaml_int(map, "seed", 0, INT_MAX, &p->seed));
    TRY(ting_yaml_int(map, "steps", 1, INT_MAX, &p->steps));
    TRY(ting_yaml_word(map, "schedule", 2, shapes, &shape));
    p->shape = (ting_schedule_shape)shape;
    TRY(ting_yaml_int(map, "warmup", 0, INT_MAX, &p->warmup));
    TRY(ting_yaml_int(map, "decay", 0, INT_MAX, &p->decay));
    TRY(ting_yaml_real(map, "rate", 0, 10, &p->rate));
    TRY(ting_yaml_real(map, "final", 0, 10, &p->final));
    TRY(ting_yaml_real(map, "beta1", 0, 0.99999, &p->adamw.beta1));
    TRY(ting_yaml_real(map, "beta2", 0, 0.99999, &p->adamw.beta2));
    TRY(ting_yaml_real(map, "eps", 1e-16, 1e-2, &p->adamw.eps));
    TRY(ting_yaml_real(map, "weight_decay", 0, 10, &p->adamw.weight_decay));
    TRY(ting_yaml_real(map, "clip", 0, 1e6, &p->clip));
    TRY(ting_yaml_real(map, "average", 0, 0.999999, &p->average));
    TRY(ting_yaml_word(map, "multiply", 2, precisions, &precision));
    p->multiply = precision == 1 ? TING_PRECISION_BF16 : TING_PRECISION_F32;
    TRY(ting_yaml_int(map, "save_every", 1, INT_MAX, &p->save_every));
    TRY(ting_yaml_int(map, "measure_every", 1, INT_MAX, &p->measure_every));
    TRY(ting_yaml_int(map, "log_every", 1, INT_MAX, &p->log_every));
    /* a plan shorter than the defaults was made for still warms up before it decays */
    const int most = p->steps > p->warmup ? p->steps - p->warmup : 0;
    p->decay = p->decay < most ? p->decay : most;
out:
    return err;
}
