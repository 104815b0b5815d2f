/* SPDX-License-Identifier: Apache-2.0 */
/* adapt_file.h - everything of an adapted model in one file. */
#ifndef TING_TRAIN_ADAPT_FILE_H
#define TING_TRAIN_ADAPT_FILE_H

#include "engine/model.h"
#include "tingxie_train.h"
#include "train/adapt_text.h"

/* The acoustic network, and others that its file has, as they are; pinyin to hanzi of the file `writing` with the new readings; the
 * n-grams with a record of what they were made of. Fills in what is new in the report. Errors: those of reading the model; io, memory,
 * unsupported. */
ting_err ting_adapt_file_write(const ting_adapt_options *options, const ting_model *model, const char *writing,
                               const ting_adapt_new *found, const ting_ngram_table *table, ting_adapt_report *report);

#endif
