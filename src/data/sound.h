/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sound.h - a recording in memory while it is prepared for training: 16 kHz, one channel, floats within [-1, 1].
 *
 *     ting_sound sound = {0};
 *     TRY(ting_sound_load("talk.flac", 0, &sound));
 *     ... sound.samples[0 .. sound.count) ...
 *     ting_sound_free(&sound);
 *
 * One thread at a time per sound. All functions take an empty sound.
 */
#ifndef TING_DATA_SOUND_H
#define TING_DATA_SOUND_H

#include "base/err.h"
#include "base/rng.h"

#include <stddef.h>

enum { TING_SOUND_RATE = 16000 }; /* samples a second */

typedef struct ting_sound { /* start with {0} */
    float *samples;         /* owned; NULL while room is 0 */
    size_t count, room;
} ting_sound;

/* Room for `count` samples in all; those beyond sound->count are undefined. Keeps what is there. Error: memory. */
ting_err ting_sound_reserve(ting_sound *sound, size_t count);

/* Replaces what the sound holds; copies. `samples` must not lie inside the sound. Error: memory. */
ting_err ting_sound_set(ting_sound *sound, const float *samples, size_t count);

/* Puts `count` zeros at sample `at` <= sound->count. Error: memory. */
ting_err ting_sound_insert(ting_sound *sound, size_t at, size_t count);

/* The first `longest` samples of any sound file (audio/audio.h); 0: all. Errors: those of ting_audio_open. */
ting_err ting_sound_load(const char *path, size_t longest, ting_sound *sound);

/* The piece of a file that a manifest's clip is (manifest.h): `seconds` long from `start` on, or to the end when seconds < 0; with
 * start < 0 the whole file, whatever `seconds` says. At most `longest` samples; 0: all. Errors: also format, when the file ends before
 * the piece begins. */
ting_err ting_sound_load_piece(const char *path, double start, double seconds, size_t longest, ting_sound *sound);

/* By how many seconds a sound may differ from what is said of it: rounded figures, and MP3 whose header only estimates. */
double ting_sound_slack(double seconds);

void ting_sound_swap(ting_sound *a, ting_sound *b);
void ting_sound_free(ting_sound *sound);

/* Largest magnitude; 0 of nothing. */
float ting_sound_peak(const float *samples, size_t count);
void ting_sound_scale(float *samples, size_t count, double gain);

/* White noise within one 16-bit step either way, for silence that is added: features of true zeros are those of no
 * recording. */
void ting_sound_hiss(ting_rng *rng, float *samples, size_t count);

/* Mean square; 0 of nothing. */
double ting_sound_power(const float *samples, size_t count);

/*
 * Mean square over the parts where somebody speaks: the 10 ms frames whose own mean square is at least the result less
 * 15.9 dB, the margin of ITU-T P.56. Pauses count for nothing, so that a sentence with long ones gets the same noise as
 * one without. Found by four rounds that begin with the mean over everything.
 */
double ting_sound_active_power(const float *samples, size_t count);

#endif
