/* SPDX-License-Identifier: Apache-2.0 */
/*
 * am_tokens.h - the tokens that an acoustic network is trained to write, as its recipe names them.
 *
 *     file: tokens.txt            that file
 *     table: parts, syllables     a table of pinyin (data/label.h)
 *     table: characters           what the texts are written with (data/characters.h). The table is made once, when the training
 *                                 starts, and kept as <folder>/tokens.txt; a training that starts from a model which writes
 *                                 characters has that model's, so that its heads go on
 */
#ifndef TING_TRAIN_AM_TOKENS_H
#define TING_TRAIN_AM_TOKENS_H

#include "data/manifest.h"
#include "model/gguf.h"
#include "train/am_recipe.h"

typedef struct ting_am_token_sources {
    const char *folder;          /* of the training */
    const char *from;            /* model to start with; NULL: none */
    ting_manifest *const *train; /* [count] what is trained on; count 0: the table must be there already */
    int count;
    int rank; /* of those who train together: 0 makes the table, the others read it then */
} ting_am_token_sources;

/* Free *out with ting_texts_free. Errors: io, format, model, argument (no text), memory. */
ting_err ting_am_tokens(const ting_am_recipe *recipe, const ting_am_token_sources *sources, ting_texts *out);

/* Those of a model: a file, or a folder with a public one. Likewise. */
ting_err ting_am_tokens_of(const char *path, ting_texts *out);

/* The one that stands for nothing: <blk>, <blank> or <eps>. `label` begins the sentence. Errors: format (none of them). */
ting_err ting_am_tokens_blank(const ting_texts *tokens, const char *label, int *out);

/* Whether they are characters: what is measured is then the character error rate. */
bool ting_am_tokens_write(const ting_texts *tokens);

#endif
