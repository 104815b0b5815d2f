/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hanzi.h - what the engine asks of a pinyin-to-hanzi network: syllables of one sentence in, as they may have been heard, ranked
 * lines of characters out. Sentences (sentence.h) need one character a syllable; a writer made for lines of text alone may give
 * lines of any length.
 */
#ifndef TING_ENGINE_HANZI_H
#define TING_ENGINE_HANZI_H

#include "base/arena.h"
#include "base/err.h"
#include "decode/confusion.h"
#include "decode/p2h_place.h"

enum { TING_HANZI_TEXT = 5 }; /* bytes of one character in UTF-8, terminator included */

typedef struct ting_hanzi_input { /* one way in which the sentence was heard */
    const int *syllables; /* [count] ids of text/pinyin.h; TING_PINYIN_NONE is unknown */
    const double *starts; /* [count] seconds; NULL: not known */
    int count;
    double score; /* log-probability */
    const ting_confusion_other *others; /* [other_count] syllables that were nearly heard instead, in order of place */
    int other_count;
} ting_hanzi_input;

typedef struct ting_hanzi_line {
    const char **characters;             /* [count] one each; of a hotword that is written otherwise the whole, then "" */
    ting_p2h_origin *origins;            /* [count] the syllable that each stands for; NULL where the writer cannot say */
    int *said;                           /* [count] the syllable to be shown instead, a hotword's own, of text/pinyin.h, or
                                            TING_PINYIN_NONE; NULL: all as they were heard */
    int count;
    double score; /* log-probability of the line, with what was heard weighed in */
} ting_hanzi_line;

typedef struct ting_hanzi_page {
    ting_hanzi_line *lines; /* [line_count], best first; at least one */
    int line_count;
    const double *shares; /* [count of line 0] see ting_p2h_page; NULL: not known */
    char (*alternatives)[TING_HANZI_TEXT]; /* [count of line 0, alternatives] other characters than its; "" ends a row */
} ting_hanzi_page;

/* Writes in hanzi what was heard, input_count >= 1 ways. Everything returned lives in the arena. Errors: memory, numeric. */
typedef struct ting_hanzi_writer {
    ting_err (*write)(void *self, const ting_hanzi_input *inputs, int input_count, int nbest, int alternatives, ting_arena *arena,
                      ting_hanzi_page *out);
    void *self;
} ting_hanzi_writer;

#endif
