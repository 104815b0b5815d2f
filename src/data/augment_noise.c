/* SPDX-License-Identifier: Apache-2.0 */
/* augment_noise.c - what else is heard: noises and babble at a signal-to-noise ratio. */
#include "data/augment_parts.h"

#include "base/mem.h"

#include <math.h>

static const double silent = 1e-8, quiet = 1e-3; /* below -80 dB of full scale nobody speaks: it counts as -30 dB */

/* White to brown: y[t] = x[t] + slope y[t - 1]. */
static void make_noise(ting_rng *rng, float *noise, size_t count)
{
    const double slope = 0.98 * ting_rng_uniform(rng);
    double held = 0;
    for (size_t t = 0; t < count; t++) {
        held = 2 * ting_rng_uniform(rng) - 1 + slope * held;
        noise[t] = (float)held;
    }
}

/* Adds a sound of the shelf with power 1, from a random sample on, again from its beginning when it is over. */
static void add_voice(const ting_shelf *shelf, ting_rng *rng, float *noise, size_t count)
{
    const uint32_t chosen = ting_rng_below(rng, (uint32_t)shelf->count);
    const ting_sound *voice = &shelf->sounds[chosen];
    const float gain = (float)(1 / sqrt(shelf->powers[chosen]));
    size_t at = ting_rng_below(rng, (uint32_t)voice->count);
    for (size_t t = 0; t < count; t++) {
        noise[t] += gain * voice->samples[at];
        at = at + 1 < voice->count ? at + 1 : 0;
    }
}

/* Returns the power that the noise counts as. */
static double gather(const ting_augment_noise *plan, const ting_shelf *shelf, ting_rng *rng, float *noise, size_t count)
{
    const uint32_t more = (uint32_t)(plan->voices_high - plan->voices_low);
    const int voices = plan->voices_low + (int)ting_rng_below(rng, more + 1);
    if (shelf->count == 0) {
        make_noise(rng, noise, count);
        return ting_sound_power(noise, count);
    }
    for (int v = 0; v < voices; v++)
        add_voice(shelf, rng, noise, count);
    /* a pause of the noise is not blown up by more than 20 dB */
    return fmax(ting_sound_power(noise, count), 0.01 * voices);
}

ting_err ting_channel_noise(const ting_augment *augment, ting_rng *rng, ting_sound *sound)
{
    const ting_augment_plan *plan = &augment->plan;
    const double speech = ting_sound_active_power(sound->samples, sound->count);
    for (int i = 0; i < plan->noises; i++) {
        const bool here = ting_chance(rng, plan->noise[i].share);
        const double snr = ting_draw(rng, plan->noise[i].snr);
        if (!here || sound->count == 0)
            continue;
        float *noise = ting_alloc(sound->count, sizeof *noise);
        if (noise == NULL)
            return TING_ERR_MEMORY;
        const double power = gather(&plan->noise[i], &augment->noise[i], rng, noise, sound->count);
        const double gain = power > 0 ? sqrt((speech > silent ? speech : quiet) / power) * pow(10, -snr / 20) : 0;
        for (size_t t = 0; t < sound->count; t++)
            sound->samples[t] += (float)(gain * (double)noise[t]);
        ting_free(noise);
    }
    return TING_OK;
}
