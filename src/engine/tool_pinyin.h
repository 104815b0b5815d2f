/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tool_pinyin.h - text to toned pinyin, and pinyin from one notation to another, a line at a time.
 *
 *     TRY(ting_tool_pinyin_open(&options, &tool));
 *     while (there is a line)
 *         TRY(ting_tool_pinyin_line(tool, line, length, &out));   appends one line
 *     counts = ting_tool_pinyin_counts_so_far(tool);
 *     ting_tool_pinyin_close(tool);
 *
 * One thread at a time per tool.
 */
#ifndef TING_ENGINE_TOOL_PINYIN_H
#define TING_ENGINE_TOOL_PINYIN_H

#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>

typedef enum ting_tool_notation { /* of zhong1 guo2 */
    TING_TOOL_NUMBERED,           /* zhong1 guo2 */
    TING_TOOL_MARKED,             /* zhōng guó */
    TING_TOOL_TOKENS,             /* zh ōng g uó */
    TING_TOOL_PLAIN               /* zhong guo */
} ting_tool_notation;

typedef enum ting_tool_sandhi { /* tones of 一 and 不 */
    TING_TOOL_SANDHI_NONE,      /* the dictionary's: yi1 ge4 */
    TING_TOOL_SANDHI_TABLE,     /* as the phrase table has it: in some phrases */
    TING_TOOL_SANDHI_SPOKEN     /* by rule: yi2 ge4, bu2 shi4 */
} ting_tool_sandhi;

typedef enum ting_tool_other { /* what becomes of characters without a syllable */
    TING_TOOL_KEEP,            /* they stand between the syllables, neighbours together: "wo3 you3 2 ge4 iPhone ，" */
    TING_TOOL_DROP,            /* they are left out */
    TING_TOOL_MARK             /* each gives a "?" */
} ting_tool_other;

typedef enum ting_tool_pinyin_format {
    TING_TOOL_PINYIN_TEXT, /* one line of syllables */
    TING_TOOL_PINYIN_TSV,  /* a line for each character: character, syllable, source; then an empty line */
    TING_TOOL_PINYIN_JSON  /* one object a line: text, pinyin, and the characters as in TSV */
} ting_tool_pinyin_format;

typedef struct ting_tool_pinyin_options {
    const char *lexicon;         /* folder; NULL: the usual places */
    const char *const *first;    /* [first_count] own tables: hanzi, tab, syllables; they win */
    int first_count;
    const char *polyphones;      /* g2pM's folder; "": the usual places; NULL: no polyphone model */
    bool no_phrases;             /* the polyphone model reads all it knows, to measure it; needs one */
    ting_tool_sandhi sandhi;
    bool convert;                /* lines are pinyin: change the notation; words that are none go by `other` */
    ting_tool_notation notation;
    ting_tool_other other;
    ting_tool_pinyin_format format;
} ting_tool_pinyin_options;

typedef struct ting_tool_pinyin_counts {
    long lines, syllables;
    long others;    /* not hanzi and not white space (convert: words that are no pinyin) */
    long unknown;   /* hanzi without a reading */
    long malformed; /* bytes that are not UTF-8 */
    long phrase, single, commonest, model; /* where the syllables came from */
} ting_tool_pinyin_counts;

typedef struct ting_tool_pinyin ting_tool_pinyin;

/* Copies the notation and so on; the strings need not outlive the call. Errors: those of the tables. */
ting_err ting_tool_pinyin_open(const ting_tool_pinyin_options *options, ting_tool_pinyin **out);
void ting_tool_pinyin_close(ting_tool_pinyin *tool);

/* Appends the result of one line (without its line end) and a line end; any bytes are accepted. Errors: memory. */
ting_err ting_tool_pinyin_line(ting_tool_pinyin *tool, const char *line, size_t length, ting_str *out);

ting_tool_pinyin_counts ting_tool_pinyin_counts_so_far(const ting_tool_pinyin *tool);

#endif
