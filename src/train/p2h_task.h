/* SPDX-License-Identifier: Apache-2.0 */
/*
 * p2h_task.h - what the trainer asks of a pinyin-to-hanzi network of either form: parameters, the loss of a batch, errors.
 *
 * One-to-one: characters of clean sentences choose among the characters of their syllable (loss/choice_entropy.h), those
 * of spoiled ones among all. Encoder-decoder: the decoder reads <S> c1 .. cn and is asked for c1 .. cn </S>, always
 * among all.
 */
#ifndef TING_TRAIN_P2H_TASK_H
#define TING_TRAIN_P2H_TASK_H

#include "data/p2h_batch.h"
#include "model/p2h_model.h"
#include "train/recipe.h"

typedef struct ting_p2h_task {
    const ting_recipe *recipe;
    ting_p2h_model model; /* its tables borrow from the corpus */
    uint64_t shape_hash;  /* of everything but the rates of dropout, which a later run may change */
} ting_p2h_task;

/* Declares, allocates and initialises the network of the recipe for the corpus's tables. Borrows both. Free with
 * ting_p2h_task_free. Errors: model, memory. */
ting_err ting_p2h_task_make(ting_p2h_task *task, const ting_recipe *recipe, const ting_p2h_corpus *corpus);
void ting_p2h_task_free(ting_p2h_task *task);

/* Mean loss over the batch's characters, ready for backward; check ctx->err. */
ting_tensor ting_p2h_task_loss(const ting_p2h_task *task, ting_ctx *ctx, const ting_p2h_batch *batch);

/* Adds the number of wrong characters when each syllable may only become one of its own characters. */
ting_err ting_p2h_task_errors(const ting_p2h_task *task, ting_ctx *ctx, const ting_p2h_batch *batch, size_t *wrong);

#endif
