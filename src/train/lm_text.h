/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lm_text.h - the sentences that a language model is trained and measured on, and its words, as a recipe says:
 *
 *     tokens:
 *       rare: 2                 characters seen less often are <unk>; or
 *       file: words.txt         a word a line: the longest that fits stands each time (model/vocabulary.h); or
 *       of: tingxie.gguf        the tokens of an acoustic model (train/lm_spell.h)
 *     exclude: [...]            data/text_source.h
 *     sources: [...]            those with `measure` are for measuring and never trained on
 */
#ifndef TING_TRAIN_LM_TEXT_H
#define TING_TRAIN_LM_TEXT_H

#include "base/log.h"
#include "data/text_source.h"
#include "model/vocabulary.h"
#include "train/lm_spell.h"

enum { TING_LM_MOST_SOURCES = 256 };

typedef struct ting_lm_text_counts {
    size_t sentences, characters, unknown; /* unknown: words cut that are <unk> */
    size_t excluded;                       /* sentences left out because they are held out */
    size_t unspelled;                      /* because the acoustic model's tokens cannot spell them */
} ting_lm_text_counts;

typedef struct ting_lm_text {
    const char *base; /* borrowed; NULL: the working directory */
    ting_text_source source[TING_LM_MOST_SOURCES];
    int sources;
    ting_texts words;
    ting_vocabulary *vocabulary;
    ting_lm_speller *speller; /* NULL: the vocabulary cuts */
    uint64_t *held; /* [held_count] sorted: hashes of plain texts never to train on */
    size_t held_count, held_room;
    ting_err failed; /* while they were gathered */
    ting_cut cut;
    int (*stop)(void *self);
    void *self;
} ting_lm_text;

/* Reads the keys `tokens`, `exclude` and `sources` of the map and makes the words. `words` (copied; NULL: none) are those that there are to
 * be, in the place of a list or of characters; those of an acoustic model must be the same. Borrows the map's document, base and log. Free
 * with ting_lm_text_free, also after an error. Errors: io, format, model (other words), memory, cancelled (`stop`, asked now and then,
 * says 1; may be NULL). */
ting_err ting_lm_text_open(ting_yaml *map, const char *base, const ting_texts *words, int (*stop)(void *self), void *self,
                           ting_lm_text *out);
void ting_lm_text_free(ting_lm_text *text);

/* Calls `take` with each sentence of a source, in words. Errors: those of take; io, format, memory, cancelled. */
ting_err ting_lm_text_each(ting_lm_text *text, int source, ting_err (*take)(void *self, const ting_cut *sentence), void *self,
                           ting_lm_text_counts *counts);

#endif
