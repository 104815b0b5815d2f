/* SPDX-License-Identifier: Apache-2.0 */
/* stretch.c - see stretch.h. */
#include "data/stretch.h"

#include "audio/resample.h"
#include "base/mem.h"
#include "kern/kern.h"

#include <math.h>
#include <string.h>

ting_err ting_sound_speed(ting_sound *sound, double *speed)
{
    ting_err err = TING_OK;
    ting_resampler *resampler = NULL;
    ting_sound out = {0};
    const int from = (int)lround(*speed * TING_SOUND_RATE);
    size_t used = 0, taken, made;
    *speed = (double)from / TING_SOUND_RATE;
    if (from == TING_SOUND_RATE)
        return TING_OK;
    const size_t length = (size_t)ting_resampled_length((long long)sound->count, from, TING_SOUND_RATE);
    TRY(ting_sound_reserve(&out, length + 1));
    TRY(ting_resampler_new(from, TING_SOUND_RATE, &resampler));
    while (used < sound->count && out.count < out.room) {
        TRY(ting_resampler_run(resampler, sound->samples + used, sound->count - used, &taken, out.samples + out.count,
                               out.room - out.count, &made));
        used += taken;
        out.count += made;
    }
    do {
        TRY(ting_resampler_finish(resampler, out.samples + out.count, out.room - out.count, &made));
        out.count += made;
    } while (made > 0 && out.count < out.room);
    ting_sound_swap(sound, &out);
out:
    ting_resampler_free(resampler);
    ting_sound_free(&out);
    return err;
}

/* Windows of 2 HOP samples, HOP apart; candidates within SEARCH, looked through COARSE by COARSE first. */
enum { HOP = 256, SEARCH = 192, COARSE = 4, CANDIDATES = 2 * SEARCH / COARSE + 1, MARGIN = HOP + SEARCH };

static double likeness(const ting_kern *kern, const float *candidate, float product)
{
    return (double)product / sqrt((double)kern->sum_squares(HOP, candidate) + 1e-9);
}

/* Of the places within SEARCH of `ideal`, where the HOP samples are most like those at `wanted` (normalised
 * correlation); `ideal` itself among equals. */
static const float *best_place(const ting_kern *kern, const float *ideal, const float *wanted)
{
    float products[CANDIDATES];
    const float *first = ideal - SEARCH, *best = ideal;
    kern->dots(CANDIDATES, HOP, 1, wanted, first, COARSE, products);
    double most = likeness(kern, ideal, products[SEARCH / COARSE]);
    for (int i = 0; i < CANDIDATES; i++) {
        const double here = likeness(kern, first + i * COARSE, products[i]);
        if (here > most) {
            most = here;
            best = first + i * COARSE;
        }
    }
    const float *middle = best;
    for (int i = 1 - COARSE; i < COARSE; i++) {
        const float *place = middle + i;
        if (place < first || place > ideal + SEARCH)
            continue;
        const double here = likeness(kern, place, kern->dot(HOP, wanted, place));
        if (here > most) {
            most = here;
            best = place;
        }
    }
    return best;
}

/* Window k is laid around k HOP of the output and comes from around k HOP / factor of the input. */
static void overlap_add(const ting_kern *kern, const float *in, double factor, float *out, size_t windows)
{
    float rise[HOP]; /* the first half of Hann's window; the second is 1 - rise */
    const float *place = in - HOP;
    for (int i = 0; i < HOP; i++)
        rise[i] = (float)(0.5 - 0.5 * cos(3.14159265358979323846 * i / HOP));
    for (size_t k = 0; k < windows; k++) {
        const float *ideal = in + (ptrdiff_t)lround((double)k * HOP / factor) - HOP;
        if (k > 0)
            place = best_place(kern, ideal, place + HOP);
        float *to = out + k * HOP; /* out begins HOP before the first sample */
        for (int i = 0; i < HOP; i++) {
            to[i] += rise[i] * place[i];
            to[HOP + i] += (1 - rise[i]) * place[HOP + i];
        }
    }
}

ting_err ting_sound_stretch(ting_sound *sound, double factor)
{
    ting_err err = TING_OK;
    const size_t length = (size_t)llround((double)sound->count * factor), windows = length / HOP + 2;
    ting_sound out = {0};
    float *in = ting_alloc(MARGIN + sound->count + 4 * HOP + MARGIN + (size_t)(4 * HOP / factor), sizeof *in);
    if (in == NULL)
        return TING_ERR_MEMORY;
    if (sound->count > 0)
        memcpy(in + MARGIN, sound->samples, sound->count * sizeof *in);
    TRY(ting_sound_reserve(&out, (windows + 1) * HOP));
    memset(out.samples, 0, (windows + 1) * HOP * sizeof *out.samples);
    overlap_add(ting_kern_select(ting_cpu_detect()), in + MARGIN, factor, out.samples, windows);
    memmove(out.samples, out.samples + HOP, length * sizeof *out.samples);
    out.count = length;
    ting_sound_swap(sound, &out);
out:
    ting_free(in);
    ting_sound_free(&out);
    return err;
}
