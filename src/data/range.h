/* SPDX-License-Identifier: Apache-2.0 */
/* range.h - ranges of a recipe and chances, and the random numbers that are drawn from them. */
#ifndef TING_DATA_RANGE_H
#define TING_DATA_RANGE_H

#include "base/rng.h"
#include "base/yaml.h"

#include <stdbool.h>

typedef struct ting_range { /* a number is drawn evenly from [low, high] */
    double low, high;
} ting_range;

static inline double ting_draw(ting_rng *rng, ting_range range)
{
    return range.low + (range.high - range.low) * ting_rng_uniform(rng);
}

/* True with the probability `share`. */
static inline bool ting_chance(ting_rng *rng, double share)
{
    return ting_rng_uniform(rng) < share;
}

/* Reads `key: [low, high]`, or `key: value` for a range of one value, both within [least, most]; leaves *out alone when
 * the key is absent. Errors: format. */
static inline ting_err ting_range_read(ting_yaml *map, const char *key, double least, double most, ting_range *out)
{
    double ends[2] = {out->low, out->high};
    int count = 0;
    ting_err err = ting_yaml_reals(map, key, least, most, 2, ends, &count);
    if (err != TING_OK)
        return err;
    if (count == 1)
        ends[1] = ends[0];
    if (ends[0] > ends[1])
        return ting_fail(TING_ERR_FORMAT, "%s:%d: \"%s\" is [%g, %g], expected the smaller number first", map->path,
                         ting_yaml_find(map, key)->line, key, ends[0], ends[1]);
    *out = (ting_range){ends[0], ends[1]};
    return TING_OK;
}

#endif
