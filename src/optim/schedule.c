/* SPDX-License-Identifier: Apache-2.0 */
/* schedule.c - see schedule.h. */
#include "optim/schedule.h"

#include <math.h>

double ting_rate_at(const ting_schedule *schedule, long step)
{
    const double pi = 3.141592653589793238463;
    const double range = schedule->peak - schedule->final;
    if (schedule->warmup > 0 && step <= schedule->warmup)
        return schedule->peak * (double)step / (double)schedule->warmup;
    double left = 0; /* 1 at the end of warm-up, 0 at `total` */
    if (step < schedule->total)
        left = (double)(schedule->total - step) / (double)(schedule->total - schedule->warmup);
    switch (schedule->shape) {
    case TING_DECAY_NONE: break;
    case TING_DECAY_INVERSE_ROOT:
        return schedule->peak * sqrt((double)(schedule->warmup > 0 ? schedule->warmup : 1) / (double)step);
    case TING_DECAY_LINEAR: return schedule->final + range * left;
    case TING_DECAY_COSINE: return schedule->final + range * 0.5 * (1 - cos(pi * left));
    }
    return schedule->peak;
}
