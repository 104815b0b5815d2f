/* SPDX-License-Identifier: Apache-2.0 */
/* augment_room.c - the room between mouth and microphone: a measured impulse response or a made-up one. */
#include "data/augment_parts.h"

#include <math.h>
#include <string.h>

void ting_room_trim(ting_sound *room, size_t *delay)
{
    static const double end = 3.2e-5; /* -45 dB */
    const double all = ting_sound_power(room->samples, room->count) * (double)room->count;
    double left = 0;
    *delay = 0;
    for (size_t i = 0; i < room->count; i++)
        if (fabsf(room->samples[i]) > fabsf(room->samples[*delay]))
            *delay = i;
    while (room->count > *delay + 1) {
        const double last = (double)room->samples[room->count - 1];
        left += last * last;
        if (left > end * all)
            break;
        room->count--;
    }
}

/* A direct sound, and noise that decays from 1 ms behind it by 60 dB in `decay` seconds: n[t] 10^(-3 t / decay). */
static ting_err make_room(const ting_augment_plan *plan, ting_rng *rng, ting_sound *out)
{
    enum { GAP = TING_SOUND_RATE / 1000 };
    const double decay = ting_draw(rng, plan->rooms.decay) * TING_SOUND_RATE;
    const double tail = pow(10, -ting_draw(rng, plan->rooms.direct) / 10), fall = pow(10, -3 / decay);
    const size_t count = GAP + (size_t)decay;
    ting_err err = ting_sound_reserve(out, count);
    if (err != TING_OK)
        return err;
    memset(out->samples, 0, GAP * sizeof *out->samples);
    double height = 1;
    for (size_t t = GAP; t < count; t++, height *= fall)
        out->samples[t] = (float)(height * (2 * ting_rng_uniform(rng) - 1));
    out->count = count;
    const double energy = ting_sound_power(out->samples, count) * (double)count;
    ting_sound_scale(out->samples, count, sqrt(tail / energy));
    out->samples[0] = 1;
    return TING_OK;
}

/* A measured room from a smaller distance: what lies more than 2.5 ms from the direct sound is lowered until the ratio
 * is as drawn; where it is so already, the room stays as it was measured. */
static ting_err come_nearer(const ting_augment_plan *plan, ting_rng *rng, const ting_sound *measured, size_t delay,
                            ting_sound *out)
{
    enum { AROUND = TING_SOUND_RATE / 400 };
    const double ratio = pow(10, ting_draw(rng, plan->rooms.direct) / 10);
    const size_t first = delay > AROUND ? delay - AROUND : 0;
    const size_t end = measured->count - delay > AROUND ? delay + AROUND + 1 : measured->count;
    ting_err err = ting_sound_set(out, measured->samples, measured->count);
    if (err != TING_OK)
        return err;
    const double direct = ting_sound_power(out->samples + first, end - first) * (double)(end - first);
    const double rest = ting_sound_power(out->samples, out->count) * (double)out->count - direct;
    if (rest * ratio <= direct)
        return TING_OK;
    const double gain = sqrt(direct / ratio / rest);
    ting_sound_scale(out->samples, first, gain);
    ting_sound_scale(out->samples + end, out->count - end, gain);
    return TING_OK;
}

ting_err ting_channel_room(const ting_augment *augment, ting_rng *rng, ting_sound *sound)
{
    ting_err err = TING_OK;
    ting_sound room = {0};
    size_t delay = 0;
    if (!ting_chance(rng, augment->plan.rooms.share) || sound->count == 0)
        return TING_OK;
    if (augment->rooms.count > 0) {
        const uint32_t chosen = ting_rng_below(rng, (uint32_t)augment->rooms.count);
        delay = augment->delays[chosen];
        TRY(come_nearer(&augment->plan, rng, &augment->rooms.sounds[chosen], delay, &room));
    } else {
        TRY(make_room(&augment->plan, rng, &room));
    }
    const double before = ting_sound_power(sound->samples, sound->count);
    TRY(ting_filter_run(&augment->filters, room.samples, room.count, delay, sound->samples, sound->count));
    const double after = ting_sound_power(sound->samples, sound->count);
    if (after > 0)
        ting_sound_scale(sound->samples, sound->count, sqrt(before / after));
out:
    ting_sound_free(&room);
    return err;
}
