/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hanzi.h - what the engine asks of a pinyin-to-hanzi network: syllables of one sentence in, ranked lines of
 * characters out. Sentences (sentence.h) need one character a syllable; a writer made for lines of text alone may give
 * lines of any length.
 */
#ifndef TING_ENGINE_HANZI_H
#define TING_ENGINE_HANZI_H

#include "base/arena.h"
#include "base/err.h"

enum { TING_HANZI_TEXT = 5 }; /* bytes of one character in UTF-8, terminator included */

typedef struct ting_hanzi_line {
    char (*characters)[TING_HANZI_TEXT]; /* [count] */
    int count;
    double score; /* log-probability of the line */
} ting_hanzi_line;

typedef struct ting_hanzi_page {
    ting_hanzi_line *lines; /* [line_count], best first; at least one */
    int line_count;
    char (*alternatives)[TING_HANZI_TEXT]; /* [count of line 0, alternatives] other characters than its; "" ends a row */
} ting_hanzi_page;

/* Writes syllables (ids of text/pinyin.h; TING_PINYIN_NONE is unknown) in hanzi. Everything returned lives in
 * the arena. Errors: memory, numeric. */
typedef struct ting_hanzi_writer {
    ting_err (*write)(void *self, const int *syllables, int count, int nbest, int alternatives, ting_arena *arena,
                      ting_hanzi_page *out);
    void *self;
} ting_hanzi_writer;

#endif
