/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reading.h - what was heard of a sentence, several ways, as syllables; and how it reads: a line of the writer's, each character with
 * the syllable that it stands for, or a way in which it was heard.
 */
#ifndef TING_ENGINE_READING_H
#define TING_ENGINE_READING_H

#include "engine/sentence.h"

typedef struct ting_spoken { /* one acoustic hypothesis as syllables */
    const ting_heard *heard;
    ting_syllable *syllables; /* [count], without dropped initials and unwritten tokens */
    int *ids;                 /* [count] */
    double *starts;           /* [count] */
    int count;
    ting_confusion_other *others; /* [other_count] what was nearly heard instead, in order of place */
    int other_count;
} ting_spoken;

typedef struct ting_spoken_place { /* of a reading */
    const ting_spoken *from;
    ting_syllable syllable;
    const char *character; /* the writer's; NULL: there is none */
    double share;          /* of the probability of all lines that has it here; negative: not known */
    int row;               /* of the page's alternatives; a hotword that is written as a whole leaves rows out */
} ting_spoken_place;

typedef struct ting_reading { /* one hypothesis of the sentence */
    ting_spoken_place *places; /* [count] */
    int count;
    double score;
} ting_reading;

/* Borrows `heard`; the rest lives in the arena. Others are looked for where a writer can choose. Errors: memory. */
ting_err ting_spoken_make(const ting_sentence_maker *maker, const ting_heard *heard, ting_arena *arena, ting_spoken *out);

/* Each way as it was heard, the likeliest first, to out[count]. Errors: memory. */
ting_err ting_readings_plain(const ting_spoken *all, int count, ting_arena *arena, ting_reading *out);

/* The writer's lines for all ways together, best first, to out[most]; *found: how many. Their page too. Errors: those of the writer,
 * internal (a line that does not say which syllables it is of: times and pinyin could not be put beside it), memory. */
ting_err ting_readings_written(const ting_sentence_maker *maker, const ting_spoken *all, int count, int most, ting_arena *arena,
                               ting_reading *out, int *found, ting_hanzi_page *page);

#endif
