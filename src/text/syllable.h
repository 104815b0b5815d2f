/* SPDX-License-Identifier: Apache-2.0 */
/*
 * syllable.h - a recogniser's tokens, one at a time -> toned syllables with times and scores.
 *
 * Tokens are initials, finals and whole syllables (ting_piece_read of each entry of the token table) or
 * anything else. An initial waits for its final; everything else comes out at once, so a stream is behind
 * by at most one token.
 *
 *     ting_merger merger;
 *     ting_merger_start(&merger, parts, part_count);
 *     while (a token was emitted) {
 *         ting_syllable out[2];
 *         int count = ting_merger_feed(&merger, &hit, out);
 *         use(out, count);
 *     }
 *     count = ting_merger_finish(&merger, out);
 *
 * What cannot be is repaired and marked:
 *     final without initial      ìng    -> ying4   SPELLING    as pinyin writes it without an initial
 *     pair that does not exist   j àng  -> jiang4  CONFUSION   the nearest that exists, see syllable.c
 *     initial without final      sh     -> none    DROPPED     there is no telling which syllable it was
 * A pair that exists with another tone is left alone: neutral and sandhi tones are real.
 *
 * The merger allocates nothing. One thread at a time.
 */
#ifndef TING_TEXT_SYLLABLE_H
#define TING_TEXT_SYLLABLE_H

#include "base/err.h"
#include "text/pinyin.h"

typedef struct ting_hit { /* one emitted token */
    int token;
    double start, end; /* seconds, or any other unit: copied through */
    double log_prob;
} ting_hit;

typedef enum ting_repair {
    TING_REPAIR_NONE,
    TING_REPAIR_SPELLING,
    TING_REPAIR_CONFUSION,
    TING_REPAIR_DROPPED
} ting_repair;

typedef struct ting_syllable {
    int id;              /* TING_PINYIN_NONE: the token is no pinyin (letters, <unk>), or DROPPED */
    ting_repair repair;
    long first_hit;      /* number of its first token since the start, from 0 */
    int hits;            /* tokens it was made of: 1 or 2 */
    int token;           /* of the last of them */
    double start, end;   /* of its first token, of its last token */
    double log_prob;     /* sum over its tokens */
} ting_syllable;

typedef struct ting_merger {
    const ting_piece *parts;
    int part_count;
    bool waiting; /* `initial` has come and waits for a final */
    ting_hit initial;
    long hits; /* fed so far */
} ting_merger;

/* Borrows parts [part_count], indexed by token, until the last feed. */
void ting_merger_start(ting_merger *merger, const ting_piece *parts, int part_count);

/* Returns how many syllables came out: 0, 1 or 2. A token outside the table counts as OTHER. */
int ting_merger_feed(ting_merger *merger, const ting_hit *hit, ting_syllable out[2]);

/* At the end of the sound: gives the initial that still waits, as DROPPED. Returns 0 or 1; the merger can be
 * fed again. */
int ting_merger_finish(ting_merger *merger, ting_syllable out[1]);

/* Initial (may be none) and final (may be none) to the syllable they stand for, repaired if need be.
 * Returns the id or TING_PINYIN_NONE with DROPPED. */
int ting_pinyin_repair(ting_initial initial, ting_final final, int tone, ting_repair *repair);

/* ---- lines of pinyin ---- */

typedef struct ting_word {
    int id;        /* TING_PINYIN_NONE: unknown */
    size_t offset; /* in the line, bytes */
    size_t length; /* "zh ōng" is one word of 7 bytes */
} ting_word;

typedef struct ting_words { /* start with {0}; reused by every call; free with ting_words_free */
    ting_word *items;
    int count;
    size_t room;
} ting_words;

/*
 * Splits a line at white space and reads each word in any notation; an initial followed by a word that is a
 * final is one syllable (tokens notation), so "zh ōng g uó", "zhong1 guo2" and "zhōng guó" give the same. Words that
 * are no pinyin get TING_PINYIN_NONE; nothing is repaired. Errors: memory.
 */
ting_err ting_words_read(const char *line, size_t length, ting_words *out);
void ting_words_free(ting_words *words);

#endif
