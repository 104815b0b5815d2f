/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lm_recipe.h - what `tingxie lm train RECIPE.yaml` makes and how: the groups `model`, `data` and `train` (docs/LM.md). The texts, groups
 * `tokens`, `exclude` and `sources`, are those of lm_text.h.
 *
 * Every key has a default (in lm_recipe.c, beside its range); unknown keys and wrong types are errors that name the line.
 */
#ifndef TING_TRAIN_LM_RECIPE_H
#define TING_TRAIN_LM_RECIPE_H

#include "data/text_source.h"
#include "model/lm_net.h"
#include "train/ngram_count.h"
#include "train/plan.h"

typedef struct ting_lm_recipe {
    bool ngram;
    /* n-grams */
    ting_ngram_plan plan;
    double prune; /* see train/ngram_prune.h; 0: not */
    /* networks */
    ting_lm_config net; /* tokens and class_start come from the text */
    int samples;        /* words that a place's word is told from while training; 0: all */
    int tokens, window; /* places of a batch, pieces sorted together */
    int measure_lines;  /* held-out sentences measured on the way; all of them at the end */
    ting_train_plan train;
    ting_yaml *weights; /* source to weight; NULL: all 1 */
} ting_lm_recipe;

/* Reads the groups of a document, which must outlive the recipe. Errors: format, naming the line. */
ting_err ting_lm_recipe_read(ting_yaml *root, ting_lm_recipe *out);

/* Times an epoch that a source is seen. Errors: format. */
ting_err ting_lm_recipe_weight(const ting_lm_recipe *recipe, const char *source, double *out);

/* Every source that has a weight is one of these. Errors: format, naming the line. */
ting_err ting_lm_recipe_check_weights(const ting_lm_recipe *recipe, const ting_text_source *sources, int count);

#endif
