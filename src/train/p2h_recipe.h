/* SPDX-License-Identifier: Apache-2.0 */
/*
 * p2h_recipe.h - what `tingxie train p2h RECIPE.yaml` trains and how: groups `model`, `data`, `train`.
 *
 * Every key has a default (in p2h_recipe.c, beside its range); unknown keys and wrong types are errors that name the
 * line. recipes/p2h.yaml and p2h-end.yaml made the model that the project ships, with a remark at each key.
 */
#ifndef TING_TRAIN_P2H_RECIPE_H
#define TING_TRAIN_P2H_RECIPE_H

#include "data/p2h_batch.h"
#include "base/yaml.h"
#include "model/bahdanau.h"
#include "model/transformer_p2h.h"
#include "train/plan.h"

typedef struct ting_p2h_recipe_weight {
    const char *source; /* borrows from the recipe's document */
    double weight;
    int line;
} ting_p2h_recipe_weight;

typedef enum ting_p2h_recipe_kind {
    TING_P2H_RECIPE_ONE_TO_ONE, TING_P2H_RECIPE_ENCODER_DECODER,
    TING_P2H_RECIPE_BIRNN /* Bahdanau 2015: model/bahdanau.h */
} ting_p2h_recipe_kind;

typedef struct ting_p2h_recipe {
    ting_yaml_doc doc;
    const char *path;
    ting_p2h_recipe_kind kind;
    ting_p2h_shape shape; /* syllables and characters come from the corpus; an encoder-decoder takes layers (of its
                             encoder), layer and input_dropout */
    ting_bahdanau_shape birnn;
    int decoder_layers;
    bool tied;
    /* data */
    int tokens, window;
    ting_p2h_spoil spoil;
    ting_p2h_recipe_weight *weights;
    int weight_count;
    /* train */
    ting_train_plan plan;
    double smoothing; /* of the labels */
    int measure_lines;
} ting_p2h_recipe;

/* A recipe that says nothing: borrows nothing, need not be freed. */
void ting_p2h_recipe_defaults(ting_p2h_recipe *out);

/* Errors: io; format, naming the line. Free with ting_p2h_recipe_free. */
ting_err ting_p2h_recipe_load(const char *path, ting_p2h_recipe *out);

/* The same of a text, such as a checkpoint keeps; label stands for its path. Both borrowed until the recipe is freed. */
ting_err ting_p2h_recipe_parse(const char *label, const char *text, ting_p2h_recipe *out);
void ting_p2h_recipe_free(ting_p2h_recipe *recipe);

/* The weight of every source of the corpus, 1 where the recipe names none. Errors: format, when the recipe names a
 * source that the corpus lacks. */
ting_err ting_p2h_recipe_weights(const ting_p2h_recipe *recipe, const ting_p2h_corpus *corpus, double *out);

#endif
