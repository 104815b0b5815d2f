/* SPDX-License-Identifier: Apache-2.0 */
/* tool_p2h.h - what the commands `data p2h` and `train p2h` call. */
#ifndef TING_TRAIN_TOOL_P2H_H
#define TING_TRAIN_TOOL_P2H_H

#include "base/log.h"

#include <stddef.h>

typedef struct ting_tool_p2h_files {
    const char *settings, *output;
    const char *base;    /* folder; NULL: paths are relative to the working directory */
    const char *lexicon; /* folder of pinyin tables */
} ting_tool_p2h_files;

typedef struct ting_tool_p2h_counts {
    size_t sentences, tokens;  /* written */
    size_t excluded;           /* lines dropped because their text is held out */
    size_t rare;               /* tokens whose character fell under the cut */
    size_t readings;
    int characters, syllables; /* of the tables */
} ting_tool_p2h_counts;

/* Text files to a corpus, as the settings file says (data/p2h_prepare.h). Errors: io, format, memory. */
ting_err ting_tool_p2h_prepare(const ting_tool_p2h_files *files, const ting_log *log, ting_tool_p2h_counts *counts);

#endif
