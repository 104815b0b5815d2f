/* SPDX-License-Identifier: Apache-2.0 */
/* outcome.c - see outcome.h. */
#include "train/outcome.h"

#include <math.h>

ting_outcome ting_outcome_of(const ting_training *t)
{
    ting_outcome out = {.loss = -1, .errors = -1};
    for (size_t i = 0; i < t->curve_count; i++) {
        out.seconds = t->curve[i].seconds;
        out.errors = t->curve[i].errors >= 0 ? t->curve[i].errors : out.errors;
        out.loss = isfinite(t->curve[i].loss) ? t->curve[i].loss : out.loss;
    }
    return out;
}
