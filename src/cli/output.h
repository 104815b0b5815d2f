/* SPDX-License-Identifier: Apache-2.0 */
/*
 * output.h - where a recording's result goes and in which form: lines for standard output, or one file a
 * recording below a folder.
 *
 * Lines. A single FILE gives its bare text on one line; otherwise each line begins with the path as given
 * (\n, \t, \r, \\, \xHH for what would break the line) and a tab. Text joins the sentences; tokens and pinyin join them with
 * spaces; n-best gives a line a hypothesis (rank<TAB>score<TAB>text, sentence after sentence); keywords a line a find
 * (start<TAB>end<TAB>probability<TAB>keyword).
 *
 * Files. IN/x/a.wav of a given folder IN becomes OUT/x/a.txt (or the ending of the format), a.wav given by itself OUT/a.txt.
 * Two inputs with one name are refused before anything is done. A result is done when OUT/.tingxie-done (done.h) says that it
 * was made of this recording, unchanged since, with the same options and models; otherwise it is made again. What another
 * recording, another program or a person wrote there is not replaced, unless with `force`. Files appear whole or not at all.
 */
#ifndef TING_CLI_OUTPUT_H
#define TING_CLI_OUTPUT_H

#include "cli/done.h"
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
    bool confidence; /* behind text a tab and the confidence of each of its characters */
    bool pinyin; /* n-best lines carry pinyin instead of text */
    ting_format format;
    bool force; /* do again what is done */
} ting_output_options;

typedef struct ting_planned { /* one result */
    char *name;      /* owned; below the folder */
    char *recording; /* owned; its whole path, or "-" */
    ting_file_mark mark; /* of the recording before it is read */
    bool done;
} ting_planned;

typedef struct ting_output {
    ting_output_options options;
    bool single;
    char *folder; /* owned; NULL: standard output, and nothing below */
    char *stamp;  /* owned */
    ting_done done;
    ting_planned *results; /* [count] owned */
    int count;
} ting_output;

/* Plans every result's name; `folder` NULL means standard output. Errors: argument (the combination makes no sense, two of
 * one name), memory. Free with ting_output_free. */
ting_err ting_output_plan(const ting_inputs *inputs, const char *folder,
                          const ting_output_options *options, ting_output *out);

/* Makes the folder and looks what is done there already with the options and models that the stamp (one line without tabs)
 * stands for. Does nothing for standard output. Errors: argument (something would be replaced that must not), io, memory. */
ting_err ting_output_recall(ting_output *output, const ting_inputs *inputs, const char *stamp);
void ting_output_free(ting_output *output);

/* Whether input `index` has a finished output file. */
bool ting_output_is_done(const ting_output *output, int index);

/* Writes the file, *text NULL; or returns owned lines for standard output (free with ting_text_free).
 * Any thread. Errors: io, memory. */
ting_err ting_output_make(const ting_output *output, const ting_input_file *file, int index,
                          const ting_result *result, char **text);

#endif
