/* SPDX-License-Identifier: Apache-2.0 */
/*
 * corpora.h - public corpora as they are unpacked -> lists of clips.
 *
 * What is particular to a corpus is a row of ting_corpora and a reader of its labels; the rest (folder, text, pinyin,
 * lengths, files) is the same for all: corpora_prepare.c.
 */
#ifndef TING_DATA_CORPORA_H
#define TING_DATA_CORPORA_H

#include "base/str.h"
#include "data/manifest_parts.h"
#include "text/syllable.h"
#include "tingxie_train.h"

#include <stdbool.h>

typedef struct ting_corpus_reading { /* one part of one corpus on its way to a list */
    const char *root;                /* folder of the corpus */
    const char *part;                /* "train" */
    bool validated;                  /* see ting_corpus_options */
    ting_manifest_reader clips;      /* the list */
    ting_corpus_part *count;
    const ting_remarks *remarks;
    ting_str text, pinyin; /* of the clip at hand */
    ting_words words;
} ting_corpus_reading;

typedef struct ting_corpus {
    const char *name; /* on the command line */
    const char *title, *licence, *source;
    const char *inner;    /* the folder that its archive makes; it may be given itself, or the one above */
    const char *landmark; /* what is in that folder and tells that it is this corpus */
    const char *parts[TING_CORPUS_PARTS]; /* NULL: no more */
    bool has_validated;
    ting_err (*ready)(const char *root); /* whether all of it is unpacked; NULL: nothing is packed in it */
    ting_err (*read)(ting_corpus_reading *in);
} ting_corpus;

extern const ting_corpus ting_corpora[]; /* ends with {0} */

/* ---- for the readers ---- */

/* Adds a clip, its text and pinyin as the corpus has them (empty: none); a text of which nothing is left leaves it out.
 * Errors: memory. */
ting_err ting_corpus_add(ting_corpus_reading *in, ting_view id, const char *path, ting_view speaker, ting_view text,
                         ting_view pinyin);

/* Counts a sentence that is left out, and says why. */
void ting_corpus_leave_out(ting_corpus_reading *in, const char *format, ...) TING_PRINTF(2, 3);

#endif
