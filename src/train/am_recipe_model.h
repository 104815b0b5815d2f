/* SPDX-License-Identifier: Apache-2.0 */
/* am_recipe_model.h - the group `model` of a recipe: internal to am_recipe. */
#ifndef TING_TRAIN_AM_RECIPE_MODEL_H
#define TING_TRAIN_AM_RECIPE_MODEL_H

#include "train/am_recipe.h"

/* Sizes of a small Zipformer and Conformer, which the recipe's keys change. */
void ting_am_recipe_model_defaults(ting_encoder_kind kind, ting_am_config *model);

/* Frames of so many values go in, as the recipe's features have them. */
void ting_am_recipe_model_features(int values, ting_encoder_config *encoder);

/* Reads the map into recipe->model, heads, chunks. Errors: format, naming the line. */
ting_err ting_am_recipe_model_read(ting_yaml *map, ting_am_recipe *recipe);

#endif
