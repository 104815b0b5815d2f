/* SPDX-License-Identifier: Apache-2.0 */
/*
 * am_data.h - where the manifests of a recipe stand, and making them from a public corpus where they are missing.
 *
 * A recipe that names a corpus (`corpus: {name: aishell1}`) trains with one command: its manifests are made in <folder>/data at
 * the first start, and found there later.
 */
#ifndef TING_TRAIN_AM_DATA_H
#define TING_TRAIN_AM_DATA_H

#include "base/log.h"
#include "tingxie_train.h"
#include "train/am_recipe.h"

/* The folder that relative manifests start from, owned, in *out; NULL: the working directory. Errors: argument (a corpus is
 * given and the recipe names none; manifests are missing and none is given); those of ting_prepare_corpus. */
ting_err ting_am_data(const ting_am_recipe *recipe, const ting_train_options *options, const ting_log *log, char **out);

#endif
