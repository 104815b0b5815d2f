/* SPDX-License-Identifier: Apache-2.0 */
/* model.h - the networks of an opened model, for the other files of the engine; see tingxie.h. */
#ifndef TING_ENGINE_MODEL_H
#define TING_ENGINE_MODEL_H

#include "base/log.h"
#include "base/str.h"
#include "engine/am.h"
#include "engine/hanzi_p2h.h"
#include "tingxie.h"

typedef struct ting_hearing { /* the acoustic network; path NULL when there is none yet */
    ting_am am;
    char *path;
} ting_hearing;

typedef struct ting_writing { /* the pinyin-to-hanzi network; path NULL when there is none */
    ting_hanzi_p2h *p2h;
    char *path;
} ting_writing;

typedef struct ting_weighing { /* the language model beside it; lm NULL when there is none */
    char *path;
    ting_gguf file; /* mapped: the n-grams stay in it */
    ting_ngram *ngram;
    ting_p2h_lm *lm;
} ting_weighing;

typedef struct ting_ranking { /* the language model that ranks the best lines anew; rescorer NULL when there is none */
    char *path;
    ting_lm *lm;
    ting_p2h_rescorer *rescorer;
} ting_ranking;

struct ting_model {
    ting_model_options options;
    ting_log log; /* to the caller's function */
    ting_hearing hearing;
    ting_writing writing;
    ting_weighing weighing;
    ting_ranking ranking;
};

/* Appends what ting_model_describe says. */
void ting_model_describe_in(const ting_model *model, ting_str *out);

/* ting_model_open for the pinyin-to-hanzi network alone (options->hanzi is 1): of path, which must have one, or of the
 * first file of the places that has one. */
ting_err ting_model_open_writing(const char *path, const ting_model_options *options, ting_model **out);

#endif
