/* SPDX-License-Identifier: Apache-2.0 */
/* dither.c - see dither.h. */
#include "audio/dither.h"

#include "base/rng.h"

ting_dither ting_dither_at(int rate)
{
    return (ting_dither){.longest = (size_t)rate / 4};
}

void ting_dither_run(ting_dither *dither, const float *samples, size_t count, float *out)
{
    static const uint64_t key = 0x5eed;
    static const float step = 1.0F / 32768;
    for (size_t i = 0; i < count; i++, dither->at++) {
        dither->zeros = samples[i] == 0 ? dither->zeros + 1 : 0;
        out[i] = dither->zeros <= dither->longest ? samples[i] : (ting_rng_at(key, dither->at) >> 63) != 0 ? step : -step;
    }
}
