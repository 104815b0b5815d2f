/* SPDX-License-Identifier: Apache-2.0 */
/*
 * characters.h - the characters that texts are written with, as a table of tokens.
 *
 *     texts --plain.h--> characters that are spoken --> <blk>, then each of them, in order of code points
 *
 * A table belongs to the network that was trained with it: it is kept in a file (model/tokens.h) and in the model.
 */
#ifndef TING_DATA_CHARACTERS_H
#define TING_DATA_CHARACTERS_H

#include "data/manifest.h"
#include "model/gguf.h"

typedef struct ting_characters ting_characters;

/* Returns owned, free with ting_characters_free; NULL when out of memory. */
ting_characters *ting_characters_new(void);
void ting_characters_free(ting_characters *characters);

/* Adds those of all texts of a manifest. Texts that are not UTF-8 are passed over: they cannot be labelled either. Errors:
 * memory. */
ting_err ting_characters_add(ting_characters *characters, const ting_manifest *manifest);

/* The table; free with ting_texts_free. Errors: argument (no text has been added); memory. */
ting_err ting_characters_table(const ting_characters *characters, ting_texts *out);

#endif
