/* SPDX-License-Identifier: Apache-2.0 */
/*
 * augment.h - one recording becomes many: changes of voice, of the way to the microphone, of features.
 *
 *     sound -> voice -> a  (the teacher's features are made of this)
 *              a -> channel -> b  (same length, same timing, spoiled) -> features -> masks -> the student
 *
 *     ting_augment_plan plan;
 *     TRY(ting_augment_plan_read(map, &plan));                  the group `augment` of a recipe
 *     TRY(ting_augment_new(&plan, log, &augment));
 *     ... on any number of threads, each with its own rng and sound:
 *     TRY(ting_augment_voice(augment, &rng, &sound));
 *     TRY(ting_augment_channel(augment, &rng, &sound));
 *     TRY(ting_augment_features(augment, &rng, TING_TIMING_KEPT, x, frames, bins));
 *     ting_augment_free(augment);
 *
 * Everything is a function of plan, files, rng and input: the same in any thread and order. A ting_augment does not
 * change once it is made and is shared by threads. Sound is 16 kHz, one channel, [-1, 1]. Empty sound stays empty, what
 * comes out is finite where what goes in is, and is at most 8 times as long and 10 s more. docs/AUGMENT.md has the
 * formulas and where they come from.
 */
#ifndef TING_DATA_AUGMENT_H
#define TING_DATA_AUGMENT_H

#include "base/log.h"
#include "data/sound.h"
#include "data/range.h"

/* A group that the recipe leaves out is not done (share 0). `share` is the probability of each; when a group is there
 * without one, the share that stands here. A number alone is a range of one value: `snr: 10`. */
typedef struct ting_augment_change {
    double share; /* 0.5 */
    ting_range by;
} ting_augment_change;

typedef struct ting_augment_source { /* sounds from files */
    const char *list; /* borrows from the recipe; NULL: made up. A TSV file with a column `path` or one path a line,
                         relative to the folder of the list */
    const char *only; /* paths of the list that begin so; NULL: all */
    double seconds;   /* most that is kept in memory: 0 to 36000, default 3600; the rest is left out with a remark */
} ting_augment_source;

typedef struct ting_augment_noise {
    ting_augment_source source; /* without a list: white to brown noise */
    double share;               /* 0.5 */
    ting_range snr;             /* dB, -20 to 60, default 0 to 25: speech (ting_sound_active_power) over noise */
    int voices_low, voices_high; /* sounds added up with equal power: 1 to 16, default 1; babble of speech: 3 to 8 */
} ting_augment_noise;

enum { TING_AUGMENT_SPEEDS = 16, TING_AUGMENT_NOISES = 8 };

typedef struct ting_augment_plan {
    const char *base; /* folder of relative list paths; NULL: the current one. Set by the caller, not by the recipe */

    /* voice */
    int speeds; /* `speed: [0.9, 1.0, 1.1]`: one is drawn; 0.5 to 2 each */
    double speed[TING_AUGMENT_SPEEDS];
    ting_augment_change tempo;   /* `factor` 0.5 to 2, default 0.85 to 1.2: faster, same pitch */
    ting_augment_change pitch;   /* `semitones` -12 to 12, default -2 to 2: same tempo; formants move along */
    ting_augment_change formant; /* `factor` 0.7 to 1.4, default 0.9 to 1.1: resonances alone, pitch and tempo stay */
    struct {
        double share;             /* 0.5 */
        ting_range before, after; /* seconds, 0 to 5, default 0 to 0.5 */
    } pad;

    /* channel, in this order */
    struct {
        ting_augment_source source; /* without a list: made-up rooms */
        double share;               /* 0.3 */
        ting_range decay;           /* of made-up rooms: seconds to -60 dB, 0.05 to 2, default 0.1 to 0.6 */
        ting_range direct;          /* direct over reverberant sound, dB, -20 to 40, default -3 to 12; measured rooms:
                                       at least that, otherwise as they are */
    } rooms;
    int noises; /* `noise`: a list of groups, each drawn by itself */
    ting_augment_noise noise[TING_AUGMENT_NOISES];
    ting_augment_change equaliser; /* `gain`: dB either way per octave band, 0 to 30, default 0 to 6 */
    struct {
        double share;         /* 0.3 */
        ting_range low, high; /* edges in Hz: 0 to 1000, default 20 to 200; 2000 to 8000, default 3400 to 7500 */
    } band;
    double telephone;              /* `telephone: {share: 0.1}`: 300-3400 Hz, 8 kHz, mu-law */
    ting_augment_change volume;    /* `gain`: dB, -60 to 30, default -15 to 6; less where the peak would pass 1 */
    ting_augment_change clipping;  /* `over`: dB of the peak above the limit, 0 to 30, default 1 to 12; share 0.1 */
    bool round;                    /* `round: true`: to 16-bit steps, as files have them; default false */

    /* features */
    struct {
        double share;        /* 0.9 */
        int bands, width;    /* `bands` 0 to 64, default 2; of up to `width` bins, 1 to 1024, default 27 */
        int spans, length;   /* `spans` 0 to 1000, default 10; of up to `length` frames, 1 to 10000, default 100 */
        double most;         /* of all frames that spans may take together: 0 to 1, default 0.15 */
        int warp;            /* frames: 0 none to 1000, default 80 */
    } mask;
} ting_augment_plan;

/* Reads all of the map, whose text `plan` then borrows. Unknown keys are errors. Errors: format, naming the line. */
ting_err ting_augment_plan_read(ting_yaml *map, ting_augment_plan *plan);

typedef struct ting_augment ting_augment;

/* Loads noises and rooms; a file that cannot be used is reported to the log (may be NULL) and left out, and a list
 * without any that can is an error. Copies the plan, whose text is not needed afterwards. Returns owned in *out, free
 * with ting_augment_free; NULL on failure. Errors: io, format, memory. */
ting_err ting_augment_new(const ting_augment_plan *plan, const ting_log *log, ting_augment **out);
void ting_augment_free(ting_augment *augment);

/* Speed, tempo, pitch, formants, silence at both ends. Error: memory; the sound is as it was. */
ting_err ting_augment_voice(const ting_augment *augment, ting_rng *rng, ting_sound *sound);

/* Room, noises, equaliser and band limits, telephone, volume, clipping, rounding. Length and timing stay to the sample.
 * Silence (below -80 dB of full scale) stays silence, or becomes noise at the level it has under speech at -30 dB.
 * Error: memory; the sound then has its length but is not to be used. */
ting_err ting_augment_channel(const ting_augment *augment, ting_rng *rng, ting_sound *sound);

/* Its two halves: up to the telephone; volume, clipping, rounding, which leave nothing that somebody could not have heard before. */
ting_err ting_augment_line(const ting_augment *augment, ting_rng *rng, ting_sound *sound);
void ting_augment_level(const ting_augment *augment, ting_rng *rng, ting_sound *sound);

typedef enum ting_timing { TING_TIMING_FREE, TING_TIMING_KEPT } ting_timing;

/* With the plan's share: the warp of time (unless timing is to be kept: a teacher heard it as it was), then masks. x is
 * [frames, bins]. Error: memory; x is then as it was. */
ting_err ting_augment_features(const ting_augment *augment, ting_rng *rng, ting_timing timing, float *x, int frames,
                               int bins);

/* The same for one of several views of an utterance: bent alike, by the `warp` that all of them get, and masked each by
 * its own rng. Each of the two happens with the plan's share. Error: memory; x is then as it was. */
ting_err ting_augment_view(const ting_augment *augment, ting_rng *rng, ting_rng warp, ting_timing timing, float *x,
                           int frames, int bins);

/* The two halves without the share. */
ting_err ting_augment_warp(const ting_augment *augment, ting_rng *rng, float *x, int frames, int bins);
void ting_augment_mask(const ting_augment *augment, ting_rng *rng, float *x, int frames, int bins);

#endif
