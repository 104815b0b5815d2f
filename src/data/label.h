/* SPDX-License-Identifier: Apache-2.0 */
/*
 * label.h - what was said -> the tokens that an acoustic network is trained to emit.
 *
 *     hanzi --g2p--> syllables --table--> tokens      tables of initials and finals, or of syllables
 *     hanzi --------------------table--> tokens       tables of characters
 *
 * The kind is seen from the table: a syllable is one token where the table has it ("zhong1", "zhōng"), else an initial and a
 * final ("zh ōng"); a table without either writes characters. Pinyin that a corpus gives goes before the reading of its
 * text. 一 and 不 have the tones they are spoken with.
 */
#ifndef TING_DATA_LABEL_H
#define TING_DATA_LABEL_H

#include "model/gguf.h"
#include "text/g2p.h"
#include "tingxie_train.h"

/* PARTS (with tone marks) or SYLLABLES (numbered): a table of the inventory of pinyin.h, <blk> first, in the order of the inventory; for
 * CHARACTERS see data/characters.h. Free with ting_texts_free. Errors: memory. */
ting_err ting_token_table_make(ting_token_table kind, ting_texts *out);

typedef struct ting_labeller ting_labeller;

/* Borrows tokens and lexicon (NULL: text cannot be read, pinyin can) until ting_labeller_free. Errors: memory; model, when
 * the table has neither syllables nor hanzi. */
ting_err ting_labeller_new(const ting_texts *tokens, const ting_lexicon *lexicon, ting_labeller **out);
void ting_labeller_free(ting_labeller *labeller);

typedef struct ting_labels { /* start with {0}; free with ting_labels_free */
    int *ids;                /* [count], those of all utterances one after the other */
    size_t count, room;
} ting_labels;
void ting_labels_free(ting_labels *labels);

/* Appends the tokens of an utterance: of `pinyin` (syllables with white space between, any notation) if it is not NULL or
 * empty and the table is of syllables, else of what is spoken of `text` (text/plain.h), so that what `tingxie data check`
 * finds without a reading has no label here either. Nothing is appended on an error: format, naming the syllable or
 * character that has no token or no reading; argument (neither is given, or text without a lexicon); memory. One thread at
 * a time. */
ting_err ting_label_append(ting_labeller *labeller, const char *text, const char *pinyin, ting_labels *labels);

#endif
