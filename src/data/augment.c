/* SPDX-License-Identifier: Apache-2.0 */
/* augment.c - an augmentation as a whole: what it holds in memory, and the order of its steps. */
#include "data/augment_parts.h"

#include "base/mem.h"

#include <math.h>

enum { NOISE_LONGEST = 60 * TING_SOUND_RATE };

static ting_err load_rooms(ting_augment *a, const ting_log *log)
{
    ting_err err = TING_OK;
    TRY(ting_shelf_load(a->plan.base, &a->plan.rooms.source, TING_FILTER_TAPS, log, &a->rooms));
    a->delays = ting_alloc((size_t)a->rooms.count, sizeof *a->delays);
    if (a->delays == NULL)
        return TING_ERR_MEMORY;
    for (int i = 0; i < a->rooms.count; i++)
        ting_room_trim(&a->rooms.sounds[i], &a->delays[i]);
out:
    return err;
}

ting_err ting_augment_new(const ting_augment_plan *plan, const ting_log *log, ting_augment **out)
{
    ting_err err = TING_OK;
    ting_augment *a = ting_alloc(1, sizeof *a);
    *out = NULL;
    if (a == NULL)
        return TING_ERR_MEMORY;
    a->plan = *plan;
    TRY(ting_filters_make(&a->filters));
    if (plan->rooms.share > 0)
        TRY_IN(load_rooms(a, log), "rooms");
    for (int i = 0; i < plan->noises; i++)
        if (plan->noise[i].share > 0)
            TRY_IN(ting_shelf_load(plan->base, &plan->noise[i].source, NOISE_LONGEST, log, &a->noise[i]), "noise");
    *out = a;
out:
    if (err != TING_OK)
        ting_augment_free(a);
    return err;
}

void ting_augment_free(ting_augment *augment)
{
    if (augment == NULL)
        return;
    ting_shelf_free(&augment->rooms);
    ting_free(augment->delays);
    for (int i = 0; i < TING_AUGMENT_NOISES; i++)
        ting_shelf_free(&augment->noise[i]);
    ting_filters_free(&augment->filters);
    ting_free(augment);
}

static void set_volume(const ting_augment_plan *plan, ting_rng *rng, ting_sound *sound)
{
    const bool changed = ting_chance(rng, plan->volume.share);
    const double gain = pow(10, ting_draw(rng, plan->volume.by) / 20);
    const float peak = ting_sound_peak(sound->samples, sound->count);
    const double wanted = changed ? gain : 1, most = peak > 0 ? 1 / (double)peak : wanted;
    if (wanted != 1 || most < 1)
        ting_sound_scale(sound->samples, sound->count, wanted < most ? wanted : most);
}

static void clip(const ting_augment_plan *plan, ting_rng *rng, ting_sound *sound)
{
    const bool changed = ting_chance(rng, plan->clipping.share);
    const double under = pow(10, -ting_draw(rng, plan->clipping.by) / 20);
    if (!changed)
        return;
    const float limit = (float)(under * (double)ting_sound_peak(sound->samples, sound->count));
    for (size_t i = 0; i < sound->count; i++)
        sound->samples[i] = fmaxf(-limit, fminf(limit, sound->samples[i]));
}

static void round_16(ting_sound *sound)
{
    for (size_t i = 0; i < sound->count; i++)
        sound->samples[i] = fmaxf(-32768, fminf(32767, nearbyintf(32768 * sound->samples[i]))) / 32768;
}

ting_err ting_augment_channel(const ting_augment *augment, ting_rng *rng, ting_sound *sound)
{
    const ting_err err = ting_augment_line(augment, rng, sound);
    if (err == TING_OK)
        ting_augment_level(augment, rng, sound);
    return err;
}

ting_err ting_augment_line(const ting_augment *augment, ting_rng *rng, ting_sound *sound)
{
    ting_err err = TING_OK;
    TRY(ting_channel_room(augment, rng, sound));
    TRY(ting_channel_noise(augment, rng, sound));
    TRY(ting_channel_line(augment, rng, sound));
out:
    return err;
}

void ting_augment_level(const ting_augment *augment, ting_rng *rng, ting_sound *sound)
{
    set_volume(&augment->plan, rng, sound);
    clip(&augment->plan, rng, sound);
    if (augment->plan.round)
        round_16(sound);
}
