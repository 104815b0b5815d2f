/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vocabulary.h - the words of a language model, and how a text is cut into them.
 *
 *     text --text/plain.h--> what is spoken --> from the left, the longest word that stands there each time
 *
 * A list of characters cuts into characters. A character that no word begins with is one "<unk>". The words begin with "<unk>", "<s>" and
 * "</s>" (model/ngram_table.h), which no text is cut into.
 */
#ifndef TING_MODEL_VOCABULARY_H
#define TING_MODEL_VOCABULARY_H

#include "base/str.h"
#include "model/gguf.h"

/* The first three, each with its zero byte, for ting_texts_make. */
void ting_vocabulary_begin(ting_str *block);

/* Whether it is one of them: no word of a list can be. */
bool ting_vocabulary_is_special(const char *word, size_t length);

typedef struct ting_vocabulary ting_vocabulary;

/* Borrows the words. Returns owned in *out, free with ting_vocabulary_free. Errors: format (the first three are others, an empty word, one
 * that stands twice), memory. */
ting_err ting_vocabulary_new(const ting_texts *words, ting_vocabulary **out);
void ting_vocabulary_free(ting_vocabulary *vocabulary);

/* Whether one of the words is a hanzi: of a list of an acoustic model's tokens none is. */
bool ting_vocabulary_has_hanzi(const ting_texts *words);

/* TING_NGRAM_UNKNOWN for a word that is not there. */
uint32_t ting_vocabulary_find(const ting_vocabulary *vocabulary, const char *word, size_t length);

typedef struct ting_cut { /* start with {0}; reused by every call; free with ting_cut_free */
    uint32_t *ids;        /* [count] */
    size_t count, room;
    size_t characters; /* of the plain text, spaces left out */
    size_t unknown;    /* ids that are <unk> */
    ting_str plain;
} ting_cut;

/* Errors: memory. */
ting_err ting_vocabulary_cut(const ting_vocabulary *vocabulary, const char *text, size_t length, ting_cut *out);
void ting_cut_free(ting_cut *cut);

#endif
