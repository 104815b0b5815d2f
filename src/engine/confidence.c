/* SPDX-License-Identifier: Apache-2.0 */
/* confidence.c - see confidence.h. */
#include "engine/confidence.h"

#include <math.h>

/* Beyond these a feature says no more: lines that differ elsewhere only are soon all that is found. */
static const double least_odds = -4, most_odds = 7, least_heard = -8;

static const double weight_bias = 0.12, weight_share = 0.53, weight_heard = 0.80, weight_beside = 0.88;

double ting_confidence(const ting_evidence *e)
{
    const double odds = fmin(fmax(log(e->share) - log1p(-fmin(e->share, 1)), least_odds), most_odds);
    const double sum = weight_bias + weight_share * odds + weight_heard * fmax(e->heard, least_heard) +
                       weight_beside * fmax(e->beside, least_heard);
    return 1 / (1 + exp(-sum));
}
