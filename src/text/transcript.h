/* SPDX-License-Identifier: Apache-2.0 */
/*
 * transcript.h - a file of utterances and their texts, in the forms the field uses, and finding the same
 * utterance in two of them.
 *
 *     manifest   tab separated, first line names the columns; id, path, text, pinyin, confidence are looked for
 *     TSV        path or id, tab, text, and perhaps a tab and confidences (further columns ignored)
 *     Kaldi      id, white space, text to the end of the line; a Kaldi "text" file
 *
 * A first line with a column called "text", "pinyin" or the one asked for makes a manifest; otherwise a tab
 * anywhere makes TSV. A line without text is an utterance with empty text. Empty lines are skipped; CRLF
 * and a byte order mark are tolerated. Bytes are not interpreted here.
 */
#ifndef TING_TEXT_TRANSCRIPT_H
#define TING_TEXT_TRANSCRIPT_H

#include "base/err.h"
#include "base/tsv.h"

#include <stddef.h>

typedef struct ting_utterance {
    ting_view id;   /* the path where there is no id */
    ting_view path; /* empty where there is none */
    ting_view text;
    ting_view pinyin; /* empty where there is none */
    ting_view confidences; /* numbers with spaces between; empty where there are none */
    long line;        /* in the file, from 1 */
} ting_utterance;

typedef struct ting_transcript ting_transcript;

/* Reads `size` bytes, which are borrowed until ting_transcript_free; `name` stands for the file in messages.
 * column: the manifest column to take as text, NULL for "text" (or "pinyin" if that is all there is). Errors:
 * argument (a column that is not there, with the names that are); format (not an utterance a line); memory. */
ting_err ting_transcript_read(const char *name, const char *bytes, size_t size, const char *column,
                              ting_transcript **out);
void ting_transcript_free(ting_transcript *transcript);

int ting_transcript_count(const ting_transcript *transcript);
const ting_utterance *ting_transcript_at(const ting_transcript *transcript, int index);

enum { TING_MATCH_NONE = -1, TING_MATCH_AMBIGUOUS = -2 };

/* The utterance that has this id, or this path, or else the same file name without folders and extension.
 * Where several have that name, the one whose path ends like the given id (whole folders) if it is one
 * alone, else TING_MATCH_AMBIGUOUS. */
int ting_transcript_find(const ting_transcript *transcript, ting_view id);

/* "a/b/c.wav" -> "c". A dot that begins the name, or that is followed by more than 5 letters or digits, is no extension. */
ting_view ting_view_stem(ting_view path);

#endif
