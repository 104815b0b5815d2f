/* SPDX-License-Identifier: Apache-2.0 */
/*
 * toy.h - spoken digits that nobody spoke: a corpus made in a second, to see a training at work where there is no data.
 *
 *     digits -> syllables -> per syllable: noise of the initial, then a buzz with the tone's pitch through two resonances
 *
 * Each sentence has a speaker's pitch, pace and vocal tract of its own. It teaches nothing about speech.
 */
#ifndef TING_DATA_TOY_H
#define TING_DATA_TOY_H

#include "base/rng.h"
#include "data/sound.h"

enum { TING_TOY_MOST = 16 };

typedef struct ting_toy {      /* a sentence; text and pinyin are those of its digits, terminated */
    int digits[TING_TOY_MOST]; /* [count] 0 .. 9 */
    int count;
    char text[3 * TING_TOY_MOST + 1];   /* "三七零" */
    char pinyin[6 * TING_TOY_MOST + 1]; /* "san1 qi1 ling2" */
} ting_toy;

/* A sentence of least to most <= TING_TOY_MOST digits, a function of the rng; its sound replaces what *sound holds. Errors: memory. */
ting_err ting_toy_make(ting_rng *rng, int least, int most, ting_toy *out, ting_sound *sound);

#endif
