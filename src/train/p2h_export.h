/* SPDX-License-Identifier: Apache-2.0 */
/* p2h_export.h - a trained pinyin-to-hanzi network as a model file, with licence and record of its training. */
#ifndef TING_TRAIN_P2H_EXPORT_H
#define TING_TRAIN_P2H_EXPORT_H

#include "model/p2h_model.h"
#include "train/p2h_recipe.h"
#include "train/trainer.h"

typedef struct ting_p2h_export {
    const ting_p2h_recipe *recipe;
    const ting_p2h_corpus *corpus;
    const ting_training *training;
    const ting_p2h_model *model; /* what to write */
    ting_dtype dtype;    /* of matrices and tables: F32, F16, BF16 or I8 */
    const char *licence, *authors; /* SPDX expression; who trained it. NULL: not stated */
    const ting_texts *added;       /* characters that were added to what it began with (model/p2h_widen.h); NULL: none */
} ting_p2h_export;

/* Replaces `path` atomically. Errors: io, memory. */
ting_err ting_p2h_export_save(const ting_p2h_export *export, const char *path);

#endif
