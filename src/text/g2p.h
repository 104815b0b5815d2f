/* SPDX-License-Identifier: Apache-2.0 */
/*
 * g2p.h - hanzi text -> one toned syllable for each character, with where it came from.
 *
 * From left to right the longest phrase of the lexicon gives the syllables of its characters. A character
 * outside every phrase has its commonest reading; if it has several and a polyphone model is at hand, the
 * model chooses. What is not a hanzi (Latin, digits, punctuation, malformed bytes) is reported as such and
 * gets no syllable.
 *
 * 儿 is a syllable of its own (er5 inside phrases with erhua, er2 elsewhere). 一 and 不 have their
 * dictionary tones unless sandhi is asked for. Other sandhi (two third tones) is never written.
 */
#ifndef TING_TEXT_G2P_H
#define TING_TEXT_G2P_H

#include "text/lexicon.h"
#include "text/pinyin.h"

typedef enum ting_g2p_source {
    TING_G2P_OTHER,     /* not a hanzi: no syllable */
    TING_G2P_MALFORMED, /* a byte that is not UTF-8: no syllable */
    TING_G2P_UNKNOWN,   /* a hanzi that no table has: no syllable */
    TING_G2P_SINGLE,    /* its only reading in use */
    TING_G2P_COMMONEST, /* the first of several readings */
    TING_G2P_PHRASE,
    TING_G2P_MODEL,
    TING_G2P_SOURCE_COUNT
} ting_g2p_source;

const char *ting_g2p_source_name(ting_g2p_source source); /* "phrase", ...; static */

/* Chooses readings from the whole sentence. The function sets ids[i] where wanted[i] is not 0 and it has
 * an opinion, and leaves the others alone. Called by one thread at a time per polyphone. */
typedef struct ting_polyphone {
    ting_err (*choose)(void *self, const uint32_t *text, int count, const unsigned char *wanted, int *ids);
    void *self;
} ting_polyphone;

typedef struct ting_g2p_options { /* {0}: phrases, no model, dictionary tones */
    const ting_polyphone *model; /* NULL: none */
    bool model_only;             /* no phrases: the model is asked about every hanzi (to measure it) */
    bool sandhi;                 /* 一 and 不 as spoken: yi2 before tone 4, yi4 before 1 to 3; bu2 before 4 */
} ting_g2p_options;

typedef struct ting_g2p_item {
    uint32_t code_point; /* 0xFFFD for a malformed byte */
    size_t offset;       /* in the text, bytes */
    int length;          /* bytes */
    int id;              /* TING_PINYIN_NONE: no syllable */
    ting_g2p_source source;
    bool ends_word; /* last character of its phrase, or alone */
} ting_g2p_item;

typedef struct ting_g2p_line { /* start with {0}; reused by every call; free with ting_g2p_line_free */
    ting_g2p_item *items;
    int count;
    int room;           /* of all four arrays */
    uint32_t *text;     /* [count] */
    unsigned char *wanted;
    int *chosen;
} ting_g2p_line;

/* A syllable that was heard for a character, as pinyin orthography writes it: 一 is yi1 and 不 bu4 whatever tone they are
 * spoken with (GB/T 16159-2012 marks tones without sandhi); every other pair as it is. */
int ting_g2p_without_sandhi(uint32_t code_point, int id);

/* Any bytes are accepted. Errors: memory, argument (over 2^30 bytes), and those of the model. */
ting_err ting_g2p_read(const ting_lexicon *lexicon, const ting_g2p_options *options, const char *text,
                       size_t size, ting_g2p_line *out);
void ting_g2p_line_free(ting_g2p_line *line);

#endif
