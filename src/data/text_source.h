/* SPDX-License-Identifier: Apache-2.0 */
/*
 * text_source.h - a text file that a settings file names, line by line.
 *
 *     name: cv-wiki
 *     file: train/cv-wiki.txt.xz      relative to a base folder; plain or xz
 *     licence: CC0-1.0
 *     format: text                    text: a sentence a line; pairs: a table with columns pinyin and text;
 *                                     words: the first column is the text; phrases: text and pinyin, no header
 *     leave_every: 500                lines 500, 1000, ... are left out
 *     only_every: 500                 only these are taken
 *     pinyin_column: 2                of pairs without a header line, with text_column; columns count from 1
 *     drop_last: 2000                 the last lines are left out
 *     only_last: 2000                 only the last lines are taken
 *     measure: false                  held out for measuring
 *
 * and of texts never to train on:
 *
 *     file: speech/manifest.tsv       a table with a header line
 *     column: text
 *     where: split                    optional: only rows whose column `where` ...
 *     is: dev                         ... says this
 */
#ifndef TING_DATA_TEXT_SOURCE_H
#define TING_DATA_TEXT_SOURCE_H

#include "base/tsv.h"
#include "base/yaml.h"
#include "data/lines.h"

typedef enum ting_text_format { TING_TEXT_PLAIN, TING_TEXT_PAIRS, TING_TEXT_WORDS, TING_TEXT_PHRASES } ting_text_format;

typedef struct ting_text_source { /* texts borrow from the document */
    const char *name, *file, *licence; /* licence "": not told */
    ting_text_format format;
    int leave_every, only_every, drop_last, only_last; /* 0: not given */
    int pinyin_column, text_column;                    /* of pairs without a header line, from 1; 0: the header line tells */
    bool measure;
} ting_text_source;

/* All of the group `item`. Errors: format, naming the line. */
ting_err ting_text_source_read(ting_yaml *item, ting_text_source *out);

typedef struct ting_text_line {
    ting_view text, pinyin; /* pinyin empty where the format has none; valid until the next line */
} ting_text_line;

typedef struct ting_text_reader {
    const ting_text_source *source; /* borrowed */
    char *path;                     /* owned */
    ting_lines lines;
    long first, last; /* lines within (first, last] are taken */
    int columns[2];   /* pinyin, text */
} ting_text_reader;

/* Close with ting_text_reader_close, also after an error. Errors: io, format, memory. */
ting_err ting_text_reader_open(const ting_text_source *source, const char *base, ting_text_reader *out);

/* The next line that is taken; *more false at the end. Errors: io, format. */
ting_err ting_text_reader_next(ting_text_reader *reader, ting_text_line *out, bool *more);
void ting_text_reader_close(ting_text_reader *reader);

/* Whether the output is none of the files that a list of sources or exclusions names; list NULL: there are none. Errors: argument (it is
 * one), format, memory. */
ting_err ting_text_sources_apart(ting_yaml *list, const char *base, const char *output);

/* Calls `each` with every text that the exclusion `item` names; it returns whether the text is of use. Errors: format (nothing is of use:
 * nothing would be held out, a missing column), io, memory. */
ting_err ting_text_exclusions(ting_yaml *item, const char *base, bool (*each)(void *self, ting_view text), void *self);

#endif
