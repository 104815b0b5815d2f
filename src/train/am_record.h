/* SPDX-License-Identifier: Apache-2.0 */
/* am_record.h - what an exported acoustic network says of its training. */
#ifndef TING_TRAIN_AM_RECORD_H
#define TING_TRAIN_AM_RECORD_H

#include "train/am_recipe.h"
#include "train/trainer.h"

/* One JSON object: steps, epochs, losses, error rate, weights of the losses, features and how the recipe given trains, every
 * source, and the models that it began with and learnt from, with their licences. Owned by the C library: free().
 * NULL when out of memory or when a name is not UTF-8. */
char *ting_am_record(const ting_am_recipe *recipe, const ting_training *training);

#endif
