/* SPDX-License-Identifier: Apache-2.0 */
/*
 * splice.h - sentences that nobody said: clips of words and syllables of one speaker, joined.
 *
 *     clip -> without the silence at its ends -> as fast as running speech (WSOLA) -> same loudness
 *          -> cross-faded onto the one before, or a pause -> sound and label
 *
 *     ting_spliced out = {0};
 *     for (...) {
 *         TRY(ting_splice(&plan, &rng, pieces, count, &out));      out.sound, out.label[0 .. out.labels)
 *     }
 *     ting_spliced_free(&out);
 *
 * splice_cover.h chooses the clips. Syllables are numbers of the caller's. A function of plan, rng and pieces; one
 * thread at a time per ting_spliced.
 */
#ifndef TING_DATA_SPLICE_H
#define TING_DATA_SPLICE_H

#include "data/sound.h"
#include "data/range.h"

typedef struct ting_splice_plan {
    ting_range syllable; /* seconds that a syllable takes, drawn once a sentence: 0.05 to 1, default 0.18 to 0.3. Read
                            news has 0.2, but clips hastened so far are hard to understand */
    double jitter;       /* each piece's speed differs by up to this share: 0 to 0.5, default 0.15 */
    double faster;       /* most that a piece is hastened: 1 to 3 times, default 1.6; never slowed down */
    double pause_share;  /* of the joints that get a pause: 0 to 1, default 0.1 */
    ting_range pause;    /* seconds, 0 to 3, default 0.05 to 0.4 */
    ting_range overlap;  /* seconds of cross-fade where there is no pause: 0 to 0.2, default 0 to 0.04 */
    double level;        /* dB either way by which pieces differ in loudness: 0 to 20, default 1.5 */
    double edge;         /* seconds before the first piece and behind the last: 0 to 3, default 0 */
} ting_splice_plan;

/* Reads all of the map, which may be NULL: defaults. Errors: format, naming the line. */
ting_err ting_splice_plan_read(ting_yaml *map, ting_splice_plan *plan);

typedef struct ting_splice_piece { /* borrows */
    const float *samples;          /* 16 kHz */
    size_t count;
    const int *label; /* its syllables */
    int labels;
} ting_splice_piece;

typedef struct ting_spliced { /* start with {0}; free with ting_spliced_free */
    ting_sound sound;
    int *label;
    size_t labels, label_room;
    size_t *starts; /* [pieces] the sample where each begins to be heard */
    size_t pieces, piece_room;
    ting_sound piece; /* work memory */
} ting_spliced;

/* Replaces what `out` holds. No pieces make an empty sound. The sound is within [-1, 1]. Error: memory; what
 * `out` holds is then not to be used. */
ting_err ting_splice(const ting_splice_plan *plan, ting_rng *rng, const ting_splice_piece *pieces, int count,
                     ting_spliced *out);
void ting_spliced_free(ting_spliced *spliced);

/*
 * Where somebody speaks: [*first, *end) begins 20 ms before the first and ends 20 ms behind the last 20 ms that are
 * above the background. The limit is 6 dB above the quietest tenth of the 10 ms frames, but 20 to 40 dB below the
 * active level (ting_sound_active_power). Where nothing is, all of it. Error: memory.
 */
ting_err ting_splice_trim(const float *samples, size_t count, size_t *first, size_t *end);

#endif
