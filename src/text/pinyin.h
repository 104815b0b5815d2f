/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pinyin.h - toned Mandarin syllables: the inventory, and reading and writing every notation.
 *
 * A syllable is an int, id = 5 * base + (tone - 1). Bases are numbered from 0 in the order of
 * syllables.def (alphabetical by spelling, v for u-umlaut; later additions at the end), tones are 1 to 5, 5
 * being neutral. Every base has five ids, also where dictionaries lack the tone: a recogniser may hear
 * fang2 as neutral fang5, and it must be possible to write that down. ting_pinyin_usage tells such ids
 * from those in dictionaries. Ids never change between versions; the highest id may grow.
 *
 * Notations, for the syllables of 中, 绿, 有, 的, 二:
 *     numbered   zhong1   lv4   you3   de5   er4
 *     marked     zhōng    lǜ    yǒu    de    èr
 *     tokens     zh ōng   l ǜ   y ǒu   d e   èr     initial and final with mark, as the public Zipformer has
 *     plain      zhong    lv    you    de    er     the tone is lost
 *
 * Pure functions over constant tables: any thread. Text is UTF-8 given by pointer and length; it need not
 * end in '\0'.
 */
#ifndef TING_TEXT_PINYIN_H
#define TING_TEXT_PINYIN_H

#include <stdbool.h>
#include <stddef.h>

typedef enum ting_initial {
    TING_INITIAL_none,
#define TING_INITIAL(name, spelling) TING_INITIAL_##name,
#include "text/parts.def"
#undef TING_INITIAL
    TING_INITIAL_COUNT
} ting_initial;

typedef enum ting_final {
    TING_FINAL_none, /* an initial alone: never part of a syllable */
#define TING_FINAL(name, spelling, standalone) TING_FINAL_##name,
#include "text/parts.def"
#undef TING_FINAL
    TING_FINAL_COUNT
} ting_final;

enum {
#define TING_BASE(name, spelling, initial, final, common, rare) TING_BASE_##name,
#include "text/syllables.def"
#undef TING_BASE
    TING_PINYIN_BASES,
    TING_PINYIN_TONES = 5,
    TING_PINYIN_COUNT = TING_PINYIN_BASES * TING_PINYIN_TONES, /* ids are 0 .. TING_PINYIN_COUNT - 1 */
    TING_PINYIN_NONE = -1,                                     /* not a syllable */
    TING_PINYIN_ROOM = 16 /* bytes that any notation of one syllable needs, terminator included */
};

typedef enum ting_pinyin_notation {
    TING_PINYIN_NUMBERED,
    TING_PINYIN_MARKED,
    TING_PINYIN_TOKENS,
    TING_PINYIN_PLAIN
} ting_pinyin_notation;

typedef enum ting_pinyin_use {
    TING_PINYIN_UNUSED, /* dictionaries do not have this tone of the base */
    TING_PINYIN_RARE,   /* only in rare characters, interjections, dialect words */
    TING_PINYIN_COMMON
} ting_pinyin_use;

static inline int ting_pinyin_id(int base, int tone)
{
    return TING_PINYIN_TONES * base + tone - 1;
}

static inline int ting_pinyin_base(int id)
{
    return id / TING_PINYIN_TONES;
}

static inline int ting_pinyin_tone(int id)
{
    return id % TING_PINYIN_TONES + 1;
}

static inline int ting_pinyin_with_tone(int id, int tone)
{
    return ting_pinyin_id(ting_pinyin_base(id), tone);
}

ting_pinyin_use ting_pinyin_usage(int id);
ting_initial ting_pinyin_initial(int id); /* TING_INITIAL_none for "an1" */
ting_final ting_pinyin_final(int id);     /* as spelled: u for "ju4", v for "lv4" */

/* Static strings; "" for the none of each. Finals without mark, v for u-umlaut, "ê". */
const char *ting_initial_name(ting_initial initial);
const char *ting_final_name(ting_final final);

/* The syllable of an initial and a final with tone 1 to 5; TING_PINYIN_NONE when Mandarin has no such base.
 * Spelling is tolerant: v after j q x y is u; ue after l and n is ve. */
int ting_pinyin_join(ting_initial initial, ting_final final, int tone);

/* How far apart two syllables sound: 0 equal, 1 the tone differs, 2 initial or final differs, 3 both differ
 * or one of them is TING_PINYIN_NONE. */
int ting_pinyin_distance(int a, int b);

/* Writes one syllable and '\0' into out; returns its length in bytes. id must be valid. */
size_t ting_pinyin_write(int id, ting_pinyin_notation notation, char out[TING_PINYIN_ROOM]);

/*
 * Reads exactly one syllable in numbered, marked or plain notation, or in tokens notation with one space.
 * A syllable with neither digit nor mark is neutral (tone 5); digit 0 counts as 5. Accepted as well: upper
 * case, u-umlaut as ü, v, u: or u with combining diaeresis, combining tone marks, breves for carons,
 * lue and nue, r5 (erhua, as er5), and a mark with a needless equal digit or 5 (the mark counts).
 * TING_PINYIN_NONE when it is anything else: unknown spelling, two marks, tone 6, malformed UTF-8.
 */
int ting_pinyin_read(const char *text, size_t length);

/* One token of a recogniser's or a lexicon's token table. */
typedef enum ting_piece_kind {
    TING_PIECE_OTHER,    /* letters, <blk>, <unk>, hanzi, anything else */
    TING_PIECE_INITIAL,  /* "zh"; also "m", "n", "r", which as syllables would need a mark or digit */
    TING_PIECE_FINAL,    /* "ōng", "ong1", "e" (neutral), "ér"; may be a syllable by itself */
    TING_PIECE_SYLLABLE, /* "zhong1", "zhōng" */
    TING_PIECE_COUNT
} ting_piece_kind;

typedef struct ting_piece {
    ting_piece_kind kind;
    ting_initial initial;
    ting_final final;
    int tone;     /* 1 to 5; of finals and syllables */
    int syllable; /* id when kind is SYLLABLE, else TING_PINYIN_NONE */
} ting_piece;

/* Lower case only: "A" and "K" in a token table are Latin letters. */
ting_piece ting_piece_read(const char *token, size_t length);

#endif
