/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clip_label.h - the label of a clip as syllables: its pinyin where it has any, else its text read with the tables.
 *
 * Text is brought to plain.h's form first; 一 and 不 have the tones they are spoken with, as in label.h. The reader
 * counts what it has read. One thread at a time.
 */
#ifndef TING_DATA_CLIP_LABEL_H
#define TING_DATA_CLIP_LABEL_H

#include "base/str.h"
#include "data/label.h"
#include "data/manifest.h"
#include "text/g2p.h"
#include "text/syllable.h"

typedef struct ting_clip_label {
    const int *ids; /* [count] syllables (text/pinyin.h), TING_PINYIN_NONE for what is none; borrows until the next */
    int count;
    int frames;          /* that CTC needs for the reader's table (loss/ctc.h) */
    uint32_t unread;     /* the first character without a reading, 0: none */
    size_t unread_count; /* of them */
    char wrong[32];      /* the first word of the pinyin that is no syllable (cut), "": none */
    int hanzi;           /* in the text; with pinyin, `count` should be the same. -1: no text */
} ting_clip_label;

typedef struct ting_label_reader { /* start with {0} and a lexicon; free with ting_label_reader_free */
    const ting_lexicon *lexicon;   /* borrowed; NULL: text is counted, not read */
    ting_token_table table;        /* what a network would be taught */
    size_t hanzi, syllables;       /* read so far */
    size_t *examples;              /* [TING_PINYIN_COUNT] of each syllable */
    unsigned char *seen;           /* a bit for each code point: hanzi that were there */
    ting_str plain;
    ting_g2p_line line;
    ting_words words;
    int *ids;
    size_t room;
    int *units; /* [unit_count] tokens of the label, numbered somehow */
    int unit_count;
    size_t unit_room;
} ting_label_reader;

/* *out is all zero, hanzi -1, where the clip has neither text nor pinyin. Errors: memory. */
ting_err ting_label_read(ting_label_reader *reader, const ting_clip *clip, ting_clip_label *out);
void ting_label_reader_free(ting_label_reader *reader);

/* Different hanzi so far. */
size_t ting_label_reader_hanzi(const ting_label_reader *reader);

#endif
