/* SPDX-License-Identifier: Apache-2.0 */
/* rng.c - see rng.h. */
#include "base/rng.h"

#include <math.h>

ting_rng ting_rng_new(uint64_t seed, uint64_t purpose)
{
    return (ting_rng){.key = ting_rng_at(ting_rng_at(seed, 0), purpose), .counter = 0};
}

ting_rng ting_rng_for(uint64_t seed, ting_rng_purpose purpose, uint64_t a, uint64_t b)
{
    return (ting_rng){.key = ting_rng_at(ting_rng_at(ting_rng_at(ting_rng_at(seed, 0), purpose), a), b), .counter = 0};
}

uint64_t ting_rng_next(ting_rng *rng)
{
    return ting_rng_at(rng->key, rng->counter++);
}

double ting_rng_uniform(ting_rng *rng)
{
    return (double)(ting_rng_next(rng) >> 11) * 0x1p-53;
}

uint32_t ting_rng_below(ting_rng *rng, uint32_t bound)
{
    /* Rejects the uneven rest of 2^32 / bound. */
    uint32_t rest = (uint32_t)(-bound) % bound;
    for (;;) {
        uint32_t value = (uint32_t)(ting_rng_next(rng) >> 32);
        if (value >= rest)
            return value % bound;
    }
}

double ting_rng_normal(ting_rng *rng)
{
    const double two_pi = 6.283185307179586476925;
    double radius = sqrt(-2.0 * log(1.0 - ting_rng_uniform(rng)));
    return radius * cos(two_pi * ting_rng_uniform(rng));
}
