/* SPDX-License-Identifier: Apache-2.0 */
/* augment_parts.h - what the files of augmentation share: augment.h is for everybody else. */
#ifndef TING_DATA_AUGMENT_PARTS_H
#define TING_DATA_AUGMENT_PARTS_H

#include "data/augment.h"
#include "data/augment_filter.h"

typedef struct ting_shelf { /* sounds kept in memory */
    ting_sound *sounds;
    double *powers; /* mean square of each, > 0 */
    int count;
    size_t room, powers_room;
} ting_shelf;

struct ting_augment {
    ting_augment_plan plan; /* its text is not to be used: it was the caller's */
    ting_filters filters;
    ting_shelf rooms;       /* cut and turned by ting_room_trim */
    size_t *delays;         /* [rooms.count] sample of the direct sound */
    ting_shelf noise[TING_AUGMENT_NOISES];
};

/* Loads the sounds of a list, each up to `longest` samples. A source without a list gives an empty shelf. Free with
 * ting_shelf_free, also after an error. */
ting_err ting_shelf_load(const char *base, const ting_augment_source *source, size_t longest, const ting_log *log,
                         ting_shelf *out);
void ting_shelf_free(ting_shelf *shelf);

/* The loudest sample of an impulse response is its direct sound, *delay; the end is cut where what follows is 45 dB
 * below everything. */
void ting_room_trim(ting_sound *room, size_t *delay);

/* Resonances times `factor`, by the envelope of the spectrum (augment_formant.c). Error: memory; x is as it was. */
ting_err ting_formant_shift(const ting_filters *filters, double factor, float *x, size_t count);

/* Steps of the channel: room, noises, then what a microphone and a line do (equaliser, band, telephone). */
ting_err ting_channel_room(const ting_augment *augment, ting_rng *rng, ting_sound *sound);
ting_err ting_channel_noise(const ting_augment *augment, ting_rng *rng, ting_sound *sound);
ting_err ting_channel_line(const ting_augment *augment, ting_rng *rng, ting_sound *sound);

#endif
