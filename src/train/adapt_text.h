/* SPDX-License-Identifier: Apache-2.0 */
/*
 * adapt_text.h - the text that a model is adapted to: sentences, what is held out of them, and what the model cannot write yet.
 *
 *     files -> text/sentences.h -> text/plain.h -> every tenth different sentence is held out, and all that equal it
 */
#ifndef TING_TRAIN_ADAPT_TEXT_H
#define TING_TRAIN_ADAPT_TEXT_H

#include "base/str.h"
#include "base/tsv.h"
#include "engine/hanzi_p2h.h"
#include "model/p2h_widen.h"
#include "text/lexicon.h"

typedef struct ting_adapt_text {
    ting_str plain; /* a sentence a line */
    size_t sentences, held, characters; /* characters: of hanzi, Latin letters and digits */
} ting_adapt_text; /* start with {0}, free with ting_adapt_text_free */

void ting_adapt_text_free(ting_adapt_text *text);

/* Appends the sentences of a file, plain or xz, "-" for standard input. Errors: io, format, memory. */
ting_err ting_adapt_text_read(ting_adapt_text *text, const char *path);

/* Calls `take` with the sentences that are held out, or those that are not, or all. */
typedef enum ting_adapt_share { TING_ADAPT_KEPT, TING_ADAPT_HELD, TING_ADAPT_ALL } ting_adapt_share;
ting_err ting_adapt_text_each(const ting_adapt_text *text, ting_adapt_share share, ting_err (*take)(void *self, ting_view sentence),
                              void *self);

typedef struct ting_adapt_new { /* free with ting_adapt_new_free */
    ting_p2h_reading *readings; /* [count] that the network's table lacks */
    size_t count, room;
    uint32_t *characters; /* [character_count] hanzi of the text that can be written now, old and new, ascending */
    size_t character_count, character_room;
    uint32_t *strange; /* [strange_count] those that cannot: the lexicon has no common reading */
    size_t strange_count, strange_room;
} ting_adapt_new; /* start with {0} */

void ting_adapt_new_free(ting_adapt_new *found);

/* Common readings of the lexicon for hanzi of the text that the network cannot write. A reading whose syllable the network lacks is left
 * out. Errors: memory. */
ting_err ting_adapt_find_new(const ting_adapt_text *text, const ting_hanzi_p2h *p2h, const ting_lexicon *lexicon, ting_adapt_new *found);

/* Readings of a person's own table (text/lexicon.h): those that the network's lacks to `found`; entries of several characters are
 * sentences of the text too. Before find_new. Errors: io, format, memory. */
ting_err ting_adapt_take_table(const char *path, const ting_hanzi_p2h *p2h, ting_adapt_text *text, ting_adapt_new *found);

#endif
