/* SPDX-License-Identifier: Apache-2.0 */
/*
 * p2h_tables.h - the tables of a pinyin-to-hanzi network: syllables, characters, and who reads how.
 *
 * Ids 0 to 3 mean the same on both sides: padding (never in a batch: batches are ragged; the id exists
 * for files of the published family), sentence begin <S>, sentence end </S>, unknown. From
 * TING_P2H_FIRST on, syllables stand in ASCII order ("a1", "a2", ...) and characters in the order of
 * their code points, so both tables are searched by halves. A character's readings are the syllables
 * it may be written for; choices are the same pairs seen from the syllable.
 */
#ifndef TING_MODEL_P2H_TABLES_H
#define TING_MODEL_P2H_TABLES_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    TING_P2H_PAD = 0,
    TING_P2H_BEGIN = 1,
    TING_P2H_END = 2,
    TING_P2H_UNKNOWN = 3,
    TING_P2H_FIRST = 4,       /* the first real syllable or character */
    TING_P2H_SYLLABLE_MAX = 8 /* bytes of the longest, "zhuang1", with its terminator */
};

typedef struct ting_p2h_tables {
    int syllables; /* with the four special ones */
    char (*syllable)[TING_P2H_SYLLABLE_MAX]; /* [syllables], the special ones empty */
    int characters;
    uint32_t *character; /* [characters] code points, the special ones 0 */
    int *choice_start;   /* [syllables + 1] */
    int *choices;        /* characters that may be written for syllable s, ascending:
                            choices[choice_start[s]] .. choices[choice_start[s + 1] - 1] */
    int *toneless_start, *toneless_end; /* [syllables] likewise for the syllable's letters in any tone; */
    int *toneless;                      /* syllables that differ by tone alone share one list */
} ting_p2h_tables;

typedef struct ting_p2h_pair { /* the character has the reading */
    int character, syllable;
} ting_p2h_pair;

/* Makes the tables from syllables (without the special ones; strictly ascending), code points (likewise)
 * and pairs of ids in any order, duplicates allowed. Copies everything. Errors: format (order, range, names
 * that are not letters and a tone digit), memory. Free with ting_p2h_tables_free. */
ting_err ting_p2h_tables_make(ting_p2h_tables *out, int syllable_count, const char *const *syllables,
                              int character_count, const uint32_t *characters, size_t pair_count,
                              const ting_p2h_pair *pairs);
void ting_p2h_tables_free(ting_p2h_tables *tables);

/* Whether the names of two syllables differ in the tone at most. */
bool ting_p2h_same_letters(const char *a, const char *b);

/* Ids, or TING_P2H_UNKNOWN. `length` bytes at name; no tone digit means tone 5, as a syllable of its own
 * or, where the table has none, as the first tone it has. */
int ting_p2h_syllable(const ting_p2h_tables *tables, const char *name, size_t length);
int ting_p2h_character(const ting_p2h_tables *tables, uint32_t code_point);

typedef enum ting_p2h_limit {
    TING_P2H_FREE,     /* any character */
    TING_P2H_TONELESS, /* characters read with the syllable's letters in any tone */
    TING_P2H_EXACT     /* characters read so; if there are none, as TONELESS */
} ting_p2h_limit;

/* The characters allowed for a syllable under a limit: returns how many and sets *out (borrows from the
 * tables). 0 when the limit is FREE or no character has the syllable: then all are allowed. */
int ting_p2h_allowed(const ting_p2h_tables *tables, ting_p2h_limit limit, int syllable, const int **out);

#endif
