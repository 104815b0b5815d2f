/* SPDX-License-Identifier: Apache-2.0 */
/*
 * p2h_task.h - what the trainer asks of a pinyin-to-hanzi network of either form: parameters, the loss of a batch, errors.
 *
 * Characters of clean sentences choose among the characters of their syllable (loss/choice_entropy.h), those of spoiled ones among all.
 * The decoder of an encoder-decoder reads <S> c1 .. cn and is asked for c1 .. cn, of spoiled sentences for </S> too.
 */
#ifndef TING_TRAIN_P2H_TASK_H
#define TING_TRAIN_P2H_TASK_H

#include "data/p2h_batch.h"
#include "model/p2h_model.h"
#include "train/p2h_recipe.h"
#include "train/trainer.h"

typedef struct ting_p2h_task {
    const ting_p2h_recipe *recipe;
    const ting_p2h_corpus *corpus;
    ting_p2h_model model; /* its tables borrow from the corpus */
    ting_p2h_sampler *sampler;
    const char *from; /* for the record, see ting_task; borrowed */
} ting_p2h_task;

/* Declares, allocates and initialises the network of the recipe for the corpus's tables, and what hands out batches.
 * ranks: among which batches are divided. Borrows recipe and corpus. Free with ting_p2h_task_free. Errors: format (a
 * source that the corpus lacks), model, memory. */
ting_err ting_p2h_task_make(ting_p2h_task *task, const ting_p2h_recipe *recipe, const ting_p2h_corpus *corpus,
                            const ting_ranks *ranks);
void ting_p2h_task_free(ting_p2h_task *task);

/* The task as the trainer sees it; borrows. A unit is a character; held-out lines are measured with each syllable
 * limited to its own characters. */
ting_err ting_p2h_task_view(ting_p2h_task *task, ting_task *out);

#endif
