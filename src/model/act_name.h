/* SPDX-License-Identifier: Apache-2.0 */
/* act_name.h - activations as model files and recipes name them. */
#ifndef TING_MODEL_ACT_NAME_H
#define TING_MODEL_ACT_NAME_H

#include "kern/kern.h"

#include <stdbool.h>

enum { TING_ACT_NAMES = 6 };

/* none, relu, silu, gelu, elu, gelu_tanh; static. */
extern const char *const ting_act_names[TING_ACT_NAMES];

ting_act ting_act_of_name(int index);     /* index into ting_act_names */
int ting_act_name_index(ting_act act);    /* 0 for one that has no name */
bool ting_act_find(const char *name, ting_act *out);

#endif
