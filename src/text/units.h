/* SPDX-License-Identifier: Apache-2.0 */
/*
 * units.h - text -> the units that an error rate counts.
 *
 * Text is brought to Unicode NFKC with case folded, so that full width equals half width and capitals equal
 * small letters. Then
 *     a hanzi, a kana, a bopomofo letter   is one unit
 *     a digit                              is one unit ("2019" is four, as it is read out)
 *     a run of other letters               is one unit, a word, with apostrophes inside ("don't"), in any
 *                                          alphabet: a language with spaces between words gets a word
 *                                          error rate; or one unit a letter, on request
 *     punctuation, symbols, spaces         are nothing; or one unit each (a run of spaces is one), on request
 * Bytes that are not UTF-8 become one unit U+FFFD each.
 *
 * Units are numbers: the code point, or for words 0x110000 + the place in a table of words, which grows;
 * units of several texts compare if they come from one table.
 */
#ifndef TING_TEXT_UNITS_H
#define TING_TEXT_UNITS_H

#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct ting_words_table ting_words_table;

ting_words_table *ting_words_table_new(void); /* owned; NULL when out of memory */
void ting_words_table_free(ting_words_table *table);

/* The number of a word, added if new. Errors: memory. */
ting_err ting_words_table_number(ting_words_table *table, const char *word, size_t length, int *number);

/* Borrows until the next word is added. */
const char *ting_words_table_word(const ting_words_table *table, int number, size_t *length);

/* The number of the table's first word. */
enum { TING_FIRST_WORD = 0x110000 };

typedef struct ting_units_options {
    bool letters;     /* one unit a letter instead of words */
    bool punctuation; /* punctuation, symbols and spaces count */
} ting_units_options;

typedef struct ting_units { /* start with {0}; reused by every call; free with ting_units_free */
    int *ids;        /* [count] */
    size_t *offsets; /* [count] in text */
    int *lengths;    /* [count] bytes */
    int count, room;
    ting_str text;   /* normalised */
    int32_t *points; /* private */
    size_t point_room;
} ting_units;

/* Errors: memory; argument (over 2^28 bytes). */
ting_err ting_units_read(ting_words_table *table, const ting_units_options *options, const char *text,
                         size_t size, ting_units *out);
void ting_units_free(ting_units *units);

#endif
