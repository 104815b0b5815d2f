/* SPDX-License-Identifier: Apache-2.0 */
/* sound.c - see sound.h. */
#include "data/sound.h"

#include "audio/audio.h"
#include "base/mem.h"

#include <math.h>
#include <string.h>

ting_err ting_sound_reserve(ting_sound *sound, size_t count)
{
    if (count <= sound->room)
        return TING_OK;
    return ting_reserve(&sound->samples, sound->count, count - sound->count, &sound->room, sizeof *sound->samples);
}

ting_err ting_sound_set(ting_sound *sound, const float *samples, size_t count)
{
    ting_err err = ting_sound_reserve(sound, count);
    if (err != TING_OK)
        return err;
    if (count > 0)
        memcpy(sound->samples, samples, count * sizeof *samples);
    sound->count = count;
    return TING_OK;
}

ting_err ting_sound_insert(ting_sound *sound, size_t at, size_t count)
{
    ting_err err = ting_sound_reserve(sound, sound->count + count);
    if (err != TING_OK || count == 0)
        return err;
    memmove(sound->samples + at + count, sound->samples + at, (sound->count - at) * sizeof *sound->samples);
    memset(sound->samples + at, 0, count * sizeof *sound->samples);
    sound->count += count;
    return TING_OK;
}

ting_err ting_sound_load(const char *path, size_t longest, ting_sound *sound)
{
    return ting_sound_load_piece(path, -1, -1, longest, sound);
}

static ting_err pass(ting_audio *audio, int64_t samples)
{
    enum { BLOCK = 4096 };
    float block[BLOCK];
    ting_err err = TING_OK;
    for (size_t got = 1; samples > 0 && got > 0; samples -= (int64_t)got)
        TRY(ting_audio_read(audio, block, samples < BLOCK ? (size_t)samples : BLOCK, &got));
out:
    return err;
}

ting_err ting_sound_load_piece(const char *path, double start, double seconds, size_t longest, ting_sound *sound)
{
    enum { STEP = 1 << 15 };
    ting_err err = TING_OK;
    ting_audio *audio = NULL;
    const int64_t first = start > 0 ? llround(start * TING_SOUND_RATE) : 0;
    size_t most = longest > 0 ? longest : SIZE_MAX, got = 1;
    if (start >= 0 && seconds >= 0) { /* neighbours share no sample and lack none: the end is rounded, not the length */
        const size_t piece = (size_t)(llround((start + seconds) * TING_SOUND_RATE) - first);
        most = piece < most ? piece : most;
    }
    sound->count = 0;
    TRY(ting_audio_open(path, &(ting_audio_options){.rate = TING_SOUND_RATE}, &audio));
    TRY(pass(audio, first));
    while (got > 0 && sound->count < most) {
        const size_t left = most - sound->count < STEP ? most - sound->count : STEP;
        TRY(ting_sound_reserve(sound, sound->count + left));
        TRY(ting_audio_read(audio, sound->samples + sound->count, left, &got));
        sound->count += got;
    }
    if (sound->count == 0)
        FAIL(TING_ERR_FORMAT, "%s: it ends before %.2f s, where the piece begins", path, fmax(start, 0));
out:
    ting_audio_close(audio);
    if (err != TING_OK)
        sound->count = 0;
    return err;
}

double ting_sound_slack(double seconds)
{
    return fmax(0.1, 0.02 * seconds);
}

void ting_sound_swap(ting_sound *a, ting_sound *b)
{
    const ting_sound held = *a;
    *a = *b;
    *b = held;
}

void ting_sound_free(ting_sound *sound)
{
    ting_free(sound->samples);
    *sound = (ting_sound){0};
}

float ting_sound_peak(const float *samples, size_t count)
{
    float peak = 0;
    for (size_t i = 0; i < count; i++)
        peak = fmaxf(peak, fabsf(samples[i]));
    return peak;
}

void ting_sound_scale(float *samples, size_t count, double gain)
{
    for (size_t i = 0; i < count; i++)
        samples[i] = (float)(gain * (double)samples[i]);
}

void ting_sound_hiss(ting_rng *rng, float *samples, size_t count)
{
    for (size_t i = 0; i < count; i++)
        samples[i] = (float)((ting_rng_uniform(rng) - 0.5) / 16384);
}

static double squares(const float *samples, size_t count)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += (double)samples[i] * (double)samples[i];
    return sum;
}

double ting_sound_power(const float *samples, size_t count)
{
    return count > 0 ? squares(samples, count) / (double)count : 0;
}

double ting_sound_active_power(const float *samples, size_t count)
{
    enum { FRAME = TING_SOUND_RATE / 100, ROUNDS = 4 };
    static const double margin = 0.0257; /* 10^-1.59 */
    double level = ting_sound_power(samples, count);
    for (int round = 0; round < ROUNDS && level > 0; round++) {
        double sum = 0;
        size_t taken = 0;
        for (size_t at = 0; at < count; at += FRAME) {
            const size_t length = count - at < FRAME ? count - at : FRAME;
            const double frame = squares(samples + at, length);
            if (frame >= margin * level * (double)length) {
                sum += frame;
                taken += length;
            }
        }
        level = sum / (double)taken; /* the loudest frame is above the mean: taken > 0 */
    }
    return level;
}
