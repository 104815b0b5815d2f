/* SPDX-License-Identifier: Apache-2.0 */
/*
 * output.h - where a recording's result goes and in which form: lines for standard output, or one file a
 * recording below a folder.
 *
 * Lines. A single FILE gives its bare text on one line; otherwise each line begins with the path as given
 * and a tab. Text joins the sentences; tokens and pinyin join them with spaces; n-best gives a line a
 * hypothesis (rank<TAB>score<TAB>text, sentence after sentence); keywords a line a find
 * (start<TAB>end<TAB>probability<TAB>keyword).
 *
 * Files. DIR/a.wav below a given folder becomes OUT/a.txt (or the ending of the format), sub-folders are
 * kept; inputs that would share a name keep their own ending too (a.flac.txt). A file that is not older
 * than its recording is done. Files appear whole or not at all.
 */
#ifndef TING_CLI_OUTPUT_H
#define TING_CLI_OUTPUT_H

#include "cli/inputs.h"
#include "tingxie.h"

typedef enum ting_output_kind {
    TING_OUTPUT_TEXT,
    TING_OUTPUT_TOKENS,
    TING_OUTPUT_NBEST,
    TING_OUTPUT_KEYWORDS
} ting_output_kind;

typedef struct ting_output_options {
    ting_output_kind kind;
    bool pinyin; /* n-best lines carry pinyin instead of text */
    ting_format format;
    bool force; /* do again what is done */
} ting_output_options;

typedef struct ting_output {
    ting_output_options options;
    bool single;
    char **paths; /* [count] owned output files, or NULL: standard output */
    int count;
} ting_output;

/* Makes the folder and plans every file's place; `folder` NULL means standard output. Errors: argument (the combination makes
 * no sense), io (the folder), memory. Free with ting_output_free. */
ting_err ting_output_plan(const ting_inputs *inputs, const char *folder,
                          const ting_output_options *options, ting_output *out);
void ting_output_free(ting_output *output);

/* Whether input `index` has a finished output file. */
bool ting_output_is_done(const ting_output *output, const ting_input_file *file, int index);

/* Writes the file, *text NULL; or returns owned lines for standard output (free with ting_text_free).
 * Any thread. Errors: io, memory. */
ting_err ting_output_make(const ting_output *output, const ting_input_file *file, int index,
                          const ting_result *result, char **text);

#endif
