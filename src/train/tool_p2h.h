/* SPDX-License-Identifier: Apache-2.0 */
/* tool_p2h.h - what the commands `data p2h` and `train p2h` call. */
#ifndef TING_TRAIN_TOOL_P2H_H
#define TING_TRAIN_TOOL_P2H_H

#include "base/log.h"

#include <stdbool.h>
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

typedef struct ting_tool_train_report {
    long step, steps;
    int epoch;
    double loss, rate, norm; /* means since the report before */
    double tokens_per_second;
    double errors; /* error rate on held-out lines, or < 0 when not measured at this step */
} ting_tool_train_report;

typedef enum ting_tool_type { TING_TOOL_F32, TING_TOOL_F16, TING_TOOL_BF16, TING_TOOL_INT8 } ting_tool_type;

typedef struct ting_tool_train_options {
    const char *recipe, *corpus, *folder;
    int threads; /* 0: all processors */
    long finish; /* > 0: from the checkpoint on, let the rate fall to its end within so many steps, then stop */
    const char *from;        /* a model file to begin with; NULL: random numbers. Not with a checkpoint */
    const char *export_path; /* not NULL: train nothing, write the checkpoint's averaged weights as a model file */
    ting_tool_type export_type;
    const char *export_licence; /* SPDX expression */
    const ting_log *log;
    void (*report)(void *self, const ting_tool_train_report *report); /* NULL: none */
    bool (*stop)(void *self); /* asked at each step; true: write a checkpoint and return TING_ERR_CANCELLED */
    void *self;
} ting_tool_train_options;

/* Trains a pinyin-to-hanzi network, or goes on from the checkpoint in `folder` (train/p2h_trainer.h). Errors: io,
 * format (recipe, corpus, checkpoint), model, memory, numeric, cancelled. */
ting_err ting_tool_p2h_train(const ting_tool_train_options *options);

#endif
