/* SPDX-License-Identifier: Apache-2.0 */
/* act_name.c - see act_name.h. */
#include "model/act_name.h"

#include <string.h>

const char *const ting_act_names[TING_ACT_NAMES] = {"none", "relu", "silu", "gelu", "elu", "gelu_tanh"};

static const ting_act acts[TING_ACT_NAMES] = {TING_ACT_NONE, TING_ACT_RELU, TING_ACT_SILU,
                                              TING_ACT_GELU, TING_ACT_ELU,  TING_ACT_GELU_TANH};

ting_act ting_act_of_name(int index)
{
    return acts[index];
}

int ting_act_name_index(ting_act act)
{
    int index = 0;
    for (int i = 0; i < TING_ACT_NAMES; i++)
        index = acts[i] == act ? i : index;
    return index;
}

bool ting_act_find(const char *name, ting_act *out)
{
    for (int i = 0; i < TING_ACT_NAMES; i++)
        if (strcmp(ting_act_names[i], name) == 0) {
            *out = acts[i];
            return true;
        }
    return false;
}
