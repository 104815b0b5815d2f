/* SPDX-License-Identifier: Apache-2.0 */
/* augment_voice.c - another speaker, faster or slower: what a teacher hears as well. */
#include "data/augment_parts.h"

#include "data/stretch.h"

#include <math.h>

static ting_err pad(const ting_augment_plan *plan, ting_rng *rng, ting_sound *sound)
{
    ting_err err = TING_OK;
    const bool padded = ting_chance(rng, plan->pad.share);
    const size_t before = (size_t)(ting_draw(rng, plan->pad.before) * TING_SOUND_RATE);
    const size_t after = (size_t)(ting_draw(rng, plan->pad.after) * TING_SOUND_RATE);
    if (!padded)
        return TING_OK;
    TRY(ting_sound_reserve(sound, sound->count + before + after));
    TRY(ting_sound_insert(sound, 0, before));
    TRY(ting_sound_insert(sound, sound->count, after));
    ting_sound_hiss(rng, sound->samples, before);
    ting_sound_hiss(rng, sound->samples + sound->count - after, after);
out:
    return err;
}

ting_err ting_augment_voice(const ting_augment *augment, ting_rng *rng, ting_sound *sound)
{
    ting_err err = TING_OK;
    const ting_augment_plan *plan = &augment->plan;
    ting_sound changed = {0};
    const double speed = plan->speeds > 0 ? plan->speed[ting_rng_below(rng, (uint32_t)plan->speeds)] : 1;
    const double tempo = ting_chance(rng, plan->tempo.share) ? ting_draw(rng, plan->tempo.by) : 1;
    const double pitch = ting_chance(rng, plan->pitch.share) ? exp2(ting_draw(rng, plan->pitch.by) / 12) : 1;
    const double formant = ting_chance(rng, plan->formant.share) ? ting_draw(rng, plan->formant.by) : 1;
    if (sound->count > 0) {
        double run = speed * pitch; /* a tape that runs so fast has the pitch; the length is made good behind it */
        TRY(ting_sound_set(&changed, sound->samples, sound->count));
        TRY(ting_sound_speed(&changed, &run));
        if (tempo != 1 || pitch != 1)
            TRY(ting_sound_stretch(&changed, run / (speed * tempo)));
        if (formant != 1)
            TRY(ting_formant_shift(&augment->filters, formant, changed.samples, changed.count));
        TRY(pad(plan, rng, &changed));
        ting_sound_swap(sound, &changed);
    }
out:
    ting_sound_free(&changed);
    return err;
}
