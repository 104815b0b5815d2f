/* SPDX-License-Identifier: Apache-2.0 */
/*
 * p2h_trainer.h - trains a pinyin-to-hanzi network from a recipe and a corpus, or goes on from a checkpoint.
 *
 * In `folder`: checkpoint (the full state, replaced atomically), curves.html (loss and error rate). A folder that
 * holds a checkpoint is continued, exactly as if it had never stopped: same batches, same dropout, same numbers.
 *
 * p2h_task.h says what the loss is. Steps whose loss or gradient is not finite change nothing, are said and counted;
 * many in a row stop the training.
 */
#ifndef TING_TRAIN_P2H_TRAINER_H
#define TING_TRAIN_P2H_TRAINER_H

#include "train/tool_p2h.h"

/* Errors: io, format (recipe, corpus, checkpoint), model, memory, numeric, cancelled. */
ting_err ting_p2h_train(const ting_tool_train_options *options);

#endif
