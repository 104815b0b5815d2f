/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dither.h - no digital silence. Muted meetings, edited films and noise gates give runs of zeros, whose logarithms are like no
 * recording's: networks hear words in them. A run longer than a quarter of a second goes on as noise of one step of 16 bits, 90 dB
 * below full scale; everything else passes as it is. What comes out is a function of the samples alone, however they are cut.
 */
#ifndef TING_AUDIO_DITHER_H
#define TING_AUDIO_DITHER_H

#include <stddef.h>
#include <stdint.h>

typedef struct ting_dither { /* from ting_dither_at; one thread at a time */
    uint64_t at;    /* samples so far */
    size_t zeros;   /* of them at the end */
    size_t longest; /* zeros that pass */
} ting_dither;

/* The beginning of a sound of `rate` samples a second. */
ting_dither ting_dither_at(int rate);

/* The next samples [count], -1 .. 1; out [count] may be the samples themselves. */
void ting_dither_run(ting_dither *dither, const float *samples, size_t count, float *out);

#endif
