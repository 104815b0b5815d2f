/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hotwords.h - the words of a list in what was heard: the places of a confusion network of syllables (confusion.h) at which each of
 * them may have been said, in any tone.
 *
 *     list: 王俊凯 (wang2 jun4 kai3)        places: ta1 | shi4 | wang2 wan2 | jun1 | kai3 kai4 | le5
 *     ->    王俊凯 at places 2 to 4: wang2 as heard, jun in another tone, kai3 as heard
 *
 * Of a word of three syllables or more one may be missed: another one is heard in its place, or none at all.
 *
 * A word is found as a whole or not at all, so nothing has to be taken back; whether it is written is for the search to say
 * (p2h_lm.h), in which it competes with all other lines.
 */
#ifndef TING_DECODE_HOTWORDS_H
#define TING_DECODE_HOTWORDS_H

#include "decode/confusion.h"
#include "decode/p2h_place.h"
#include "model/p2h_tables.h"

enum { TING_HOTWORD_MOST = 32 }; /* syllables of a word */

typedef struct ting_hotword {
    const int *syllables;  /* [count] of the network's table */
    const int *characters; /* [count] of the network's table; TING_P2H_FOREIGN: something else is written there */
    int count;             /* 1 to TING_HOTWORD_MOST */
    double log_prob;       /* of the word whatever was said before: the language model may say more of it, not less */
} ting_hotword;

typedef struct ting_hotwords ting_hotwords;

/* Returns owned in *out, free with ting_hotwords_free. Copies. Errors: argument (the length or a syllable of a word), memory. */
ting_err ting_hotwords_new(const ting_p2h_tables *tables, const ting_hotword *list, int count, ting_hotwords **out);
void ting_hotwords_free(ting_hotwords *hotwords);

/* Word `number` of the list; borrowed. */
const ting_hotword *ting_hotwords_at(const ting_hotwords *hotwords, int number);

typedef struct ting_hotword_match {
    int number;                     /* in the list */
    int first, end;                 /* its places: first .. end - 1; some of them may be empty */
    double score;                   /* of what was heard */
    const ting_p2h_origin *origins; /* [count of the word] what each of its syllables was heard as */
    const int *places;              /* [count of the word]; that of its neighbour for one that was not heard */
} ting_hotword_match;

typedef struct ting_hotword_matches {
    ting_hotword_match *items; /* by end, then as found */
    int count;
} ting_hotword_matches;

/* input_weight: of what was heard, bonus: for each character, both as in p2h.h. Lives in the arena. Errors: memory. */
ting_err ting_hotwords_find(const ting_hotwords *hotwords, ting_arena *arena, const ting_confusion *network, double input_weight,
                            double bonus, ting_hotword_matches *out);

#endif
