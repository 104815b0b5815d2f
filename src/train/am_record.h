/* SPDX-License-Identifier: Apache-2.0 */
/* am_record.h - what an exported acoustic network says of its training. */
#ifndef TING_TRAIN_AM_RECORD_H
#define TING_TRAIN_AM_RECORD_H

#include "train/am_recipe.h"
#include "train/trainer.h"

/* One JSON object: steps, epochs, losses, error rate, weights of the losses, features, every source, the models that
 * it began with and learnt from, with their licences, the whole recipe and what of it changed on the way. Owned by the C library: free().
 * NULL when out of memory or when a name is not UTF-8. */
char *ting_am_record(const ting_am_recipe *recipe, const ting_training *training);

#endif
