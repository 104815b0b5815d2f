/* SPDX-License-Identifier: Apache-2.0 */
/* outcome.h - how a training ended, from its curve: and what the record in an exported model says of any training. */
#ifndef TING_TRAIN_OUTCOME_H
#define TING_TRAIN_OUTCOME_H

#include "train/trainer.h"

#include <jansson.h>

typedef struct ting_outcome {
    double seconds;      /* of training, over all runs */
    double loss, errors; /* the last finite loss, the last error rate; -1: none */
} ting_outcome;

ting_outcome ting_outcome_of(const ting_training *training);

/* Adds to the record what the checkpoint kept: "from", "teacher" (model_origin.h), "recipe", "changes" (trainer.h). False when
 * out of memory or when one is damaged: none of it must get lost. */
bool ting_outcome_record(const ting_training *training, json_t *record);

#endif
