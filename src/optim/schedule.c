/* SPDX-License-Identifier: Apache-2.0 */
/* schedule.c - see schedule.h. */
#include "optim/schedule.h"

#include <math.h>

double ting_rate_at(const ting_schedule *s, long step)
{
    double rate = s->peak;
    if (s->warmup > 0 && step <= s->warmup)
        rate = s->peak * (double)step / (double)s->warmup;
    else if (s->shape == TING_SCHEDULE_NOAM)
        return s->peak * sqrt((double)(s->warmup > 0 ? s->warmup : 1) / (double)step);
    if (s->decay_steps <= 0 || step <= s->decay_from)
        return rate;
    const double fraction = fmin(1, (double)(step - s->decay_from) / (double)s->decay_steps);
    return s->final + (rate - s->final) * (1 - sqrt(fraction));
}

double ting_eden_rate(const ting_eden *e, double batch, double epoch)
{
    const double b = batch / e->in_batches;
    const double warm = batch >= e->warmup ? 1 : e->warm_start + (1 - e->warm_start) * (batch / e->warmup);
    if (e->in_epochs == 0)
        return e->base * pow(1 + b * b, -0.5) * warm;
    const double in = epoch / e->in_epochs;
    return e->base * pow(1 + b * b, -0.25) * pow(1 + in * in, -0.25) * warm;
}
