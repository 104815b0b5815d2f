/* SPDX-License-Identifier: Apache-2.0 */
/*
 * p2h_trainer.h - trains a pinyin-to-hanzi network from a recipe and a corpus, or goes on from a checkpoint.
 *
 * In `folder`: checkpoint (the full state, replaced atomically), curves.html (loss and error rate). A folder that
 * holds a checkpoint is continued, exactly as if it had never stopped: same batches, same dropout, same numbers.
 *
 * A step: the loss is the mean over all characters; characters of clean sentences choose among the characters of
 * their syllable (loss/choice_entropy.h), those of spoiled sentences among all. Steps whose loss or gradient is
 * not finite change nothing, are said and counted; many in a row stop the training.
 */
#ifndef TING_TRAIN_P2H_TRAINER_H
#define TING_TRAIN_P2H_TRAINER_H

#include "base/log.h"

#include <stdbool.h>

typedef struct ting_train_report {
    long step, steps;
    int epoch;
    double loss, rate, norm; /* means since the report before */
    double tokens_per_second;
    double errors; /* error rate on held-out lines, or < 0 when not measured at this step */
} ting_train_report;

typedef struct ting_train_options {
    const char *recipe, *corpus, *folder;
    int threads; /* 0: all processors */
    long finish; /* > 0: from the checkpoint on, let the rate fall to its end within so many steps, then stop */
    const ting_log *log;
    void (*report)(void *self, const ting_train_report *report); /* NULL: none */
    bool (*stop)(void *self); /* asked at each step; true: write a checkpoint and return TING_ERR_CANCELLED */
    void *self;
} ting_train_options;

/* Errors: io, format (recipe, corpus, checkpoint), model, memory, numeric, cancelled. */
ting_err ting_p2h_train(const ting_train_options *options);

#endif
