/* SPDX-License-Identifier: Apache-2.0 */
/*
 * p2h_read.h - sequences of syllables -> the characters that may stand at each place of each, as a one-to-one network sees them. A
 * sequence longer than the network was trained on is read in overlapping windows, each place from the window that shows most around it.
 */
#ifndef TING_DECODE_P2H_READ_H
#define TING_DECODE_P2H_READ_H

#include "decode/p2h_place.h"
#include "model/p2h_model.h"

typedef struct ting_p2h_reader {
    const ting_p2h_model *model; /* one-to-one */
    const ting_kern *kern;
    ting_pool *pool;
    ting_arena *arena;
    ting_p2h_limit limit; /* which characters a syllable allows */
    double other_tone;    /* added to the score of characters that have not the syllable's tone */
    int keep;             /* characters kept of each place, at least 1 */
} ting_p2h_reader;

typedef struct ting_p2h_sequence {
    const int *syllables; /* [count] ids of the network's table; TING_P2H_UNKNOWN is allowed */
    int count;
} ting_p2h_sequence;

/* places [count] get [count of the sequence] each, with normalised log-probabilities; they live in the arena, as does the work: what the
 * network needs for one batch of windows. Errors: numeric (the network gives no finite numbers), memory. */
ting_err ting_p2h_read(const ting_p2h_reader *reader, const ting_p2h_sequence *items, int count, ting_p2h_place **places);

#endif
