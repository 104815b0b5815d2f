/* SPDX-License-Identifier: Apache-2.0 */
/* outcome.h - how a training ended, from its curve: for the record in an exported model. */
#ifndef TING_TRAIN_OUTCOME_H
#define TING_TRAIN_OUTCOME_H

#include "train/trainer.h"

typedef struct ting_outcome {
    double seconds;      /* of training, over all runs */
    double loss, errors; /* the last finite loss, the last error rate; -1: none */
} ting_outcome;

ting_outcome ting_outcome_of(const ting_training *training);

#endif
