/* SPDX-License-Identifier: Apache-2.0 */
/* tool_hanzi.h - lines of pinyin to lines of hanzi, for programs (tool: see docs/LAYERS.md). */
#ifndef TING_ENGINE_TOOL_HANZI_H
#define TING_ENGINE_TOOL_HANZI_H

#include "base/str.h"
#include "tingxie.h"

typedef struct ting_tool_hanzi ting_tool_hanzi;

typedef enum ting_tool_hanzi_limit { /* which characters a syllable may become */
    TING_TOOL_HANZI_EXACT,    /* those with this reading */
    TING_TOOL_HANZI_TONELESS, /* those with this reading in any tone */
    TING_TOOL_HANZI_FREE      /* any: the network decides */
} ting_tool_hanzi_limit;

typedef struct ting_tool_hanzi_options {
    const char *model; /* a model file, or a folder of some; NULL: the first one of the usual places with such a network */
    ting_precision precision;
    int threads;     /* 0: one for each processor */
    ting_tool_hanzi_limit limit;
    double other_tone; /* with TONELESS and FREE: added to the score of characters with another tone */
    const char *lm;    /* a file with a language model that weighs lines too; NULL: none */
    double lm_weight;
    const char *rescore_lm; /* as in ting_model_options */
    double rescore_weight;
    int rescore_lines;
} ting_tool_hanzi_options;

/* Returns owned, free with ting_tool_hanzi_free. One thread at a time. Errors: those of opening a model; argument (so many
 * threads cannot be started). */
ting_err ting_tool_hanzi_new(const ting_tool_hanzi_options *options, ting_tool_hanzi **out);
void ting_tool_hanzi_free(ting_tool_hanzi *hanzi);

/* One line: syllables in numbered, marked or plain notation (no digit and no mark: neutral), separated by spaces. Up to
 * `nbest` lines of hanzi are appended to `out`, each ended by \n; nbest above 1 gives "rank\tscore\ttext". Errors: format (the word
 * that is no syllable, by its place), memory; nothing was appended then. */
ting_err ting_tool_hanzi_line(ting_tool_hanzi *hanzi, const char *line, size_t length, int nbest, ting_str *out);

#endif
