/* SPDX-License-Identifier: Apache-2.0 */
/*
 * adapt_tune.h - pinyin to hanzi, trained a little on the text that a model is adapted to.
 *
 *     runs of hanzi of the text, with pinyin of the lexicon -> p2h_task.h, from the model's weights -> trainer.h
 *     -> half way back to where they came from, so that other text does not suffer -> FOLDER/p2h.gguf
 */
#ifndef TING_TRAIN_ADAPT_TUNE_H
#define TING_TRAIN_ADAPT_TUNE_H

#include "base/log.h"
#include "engine/model.h"
#include "text/lexicon.h"
#include "tingxie_train.h"
#include "train/adapt_text.h"

/* Trains options->finetune steps, or goes on where a checkpoint in the folder stands. *path: the file of the network, owned, free with
 * ting_free. Characters that the network's table lacks are passed over. Fills in its part of the report. Errors: those of a training;
 * format (nothing in the text that the network can write). */
ting_err ting_adapt_tune(const ting_adapt_options *options, const ting_model *model, const ting_adapt_text *text,
                         const ting_lexicon *lexicon, const ting_log *log, ting_adapt_report *report, char **path);

#endif
