/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lexicon.h - readings of characters and of phrases, loaded from tables.
 *
 * A table is UTF-8 text, one entry a line: hanzi, a tab, syllables separated by spaces in any notation of
 * pinyin.h. An entry of one character lists its readings, commonest first; a longer one (up to
 * TING_PHRASE_MAX characters) gives one syllable for each character. Further columns are ignored; empty
 * lines and lines that begin with # are skipped.
 *
 *     长 <tab> zhang3 chang2
 *     长大 <tab> zhang3 da4
 *
 * Tables are added in order of trust. Readings of a character are appended to those it has already; of
 * two entries for a phrase the first stays.
 *
 * Phrases are a tree of characters: children of the first character hang on the character's own entry,
 * deeper ones are found by a hash of (node, character), so that a match costs one probe per character.
 *
 * Read-only after the last table: any number of threads may look up.
 */
#ifndef TING_TEXT_LEXICON_H
#define TING_TEXT_LEXICON_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TING_PHRASE_MAX = 32, TING_READINGS_MAX = 16 };

typedef enum ting_lexicon_trust {
    TING_LEXICON_COMMON, /* readings in use today */
    TING_LEXICON_RARE    /* a dictionary of everything: fills the gaps, makes no character a polyphone */
} ting_lexicon_trust;

typedef struct ting_lexicon ting_lexicon;

ting_lexicon *ting_lexicon_new(void); /* owned; NULL when out of memory */
void ting_lexicon_free(ting_lexicon *lexicon);

/* Errors: io; format (path, line, what is wrong); memory. The lexicon holds the lines before the bad one. */
ting_err ting_lexicon_add(ting_lexicon *lexicon, const char *path, ting_lexicon_trust trust);

/* The same from `size` bytes in memory; `name` stands for the path in messages. */
ting_err ting_lexicon_add_text(ting_lexicon *lexicon, const char *name, const char *text, size_t size,
                               ting_lexicon_trust trust);

/* Adds the tables of the project's folder: char-pinyin-8105.tsv, char-pinyin-freq.tsv, phrase-pinyin.tsv, and as
 * RARE char-pinyin.tsv. In the phrases 一 and 不 get their dictionary tones (yi1, bu4): the table has
 * sandhi in some. */
ting_err ting_lexicon_add_folder(ting_lexicon *lexicon, const char *folder);

/* The same with the phrases as the table has them, sandhi of 一 and 不 in some of them: the mixture that pinyin
 * made by the usual programs from the same table has (AISHELL's lists, say). */
ting_err ting_lexicon_add_folder_as_written(ting_lexicon *lexicon, const char *folder);

typedef struct ting_readings {
    const uint16_t *ids; /* [count] syllables, commonest first; borrows until the next add */
    int count;           /* 0: unknown character */
    int common;          /* the first `common` come from COMMON tables */
} ting_readings;

ting_readings ting_lexicon_readings(const ting_lexicon *lexicon, uint32_t hanzi);

/* The longest phrase (2 characters or more) at the start of text [count]; returns its length and its
 * syllables, or 0. */
int ting_lexicon_match(const ting_lexicon *lexicon, const uint32_t *text, int count, const uint16_t **ids);

#endif
