/* SPDX-License-Identifier: Apache-2.0 */
/* lm_task.h - what the trainer asks of a language model that is a network: parameters, the loss of a batch (lm_loss.h), perplexity. */
#ifndef TING_TRAIN_LM_TASK_H
#define TING_TRAIN_LM_TASK_H

#include "model/lm_model.h"
#include "train/lm_batch.h"
#include "train/lm_from.h"
#include "loss/lm_loss.h"
#include "train/lm_recipe.h"
#include "train/trainer.h"

typedef struct ting_lm_task {
    const ting_lm_recipe *recipe;
    const ting_lm_sentences *learnt, *held; /* to train on; to measure on, may be empty */
    ting_lm_model model;                    /* words borrowed: not freed with the task */
    const ting_epoch_group *groups;         /* [group_count] of learnt */
    int group_count;
    ting_share share;
    ting_epoch epoch;
    uint64_t *counts;    /* [words] in learnt */
    ting_lm_draws draws; /* with samples */
    int *every;          /* [words] 0, 1, ...; with classes */
    uint64_t data_hash;
    const char *from; /* for the record, see ting_task; borrowed */
} ting_lm_task;

/* Declares, allocates and initialises the network of the recipe for these words; with the weights and classes of words of `from`, if that
 * is not NULL. Borrows everything but that. Free with ting_lm_task_free, also
 * after an error. Errors: model, memory; argument (nothing to train on). */
ting_err ting_lm_task_make(ting_lm_task *task, const ting_lm_recipe *recipe, const ting_texts *words, const ting_lm_sentences *learnt,
                           const ting_lm_sentences *held, const ting_epoch_group *groups, int group_count, ting_lm_from *from,
                           const ting_ranks *ranks);
void ting_lm_task_free(ting_lm_task *task);

/* The task as the trainer sees it; borrows. A unit is a place: a word, or the end of a sentence. Errors: memory. */
ting_err ting_lm_task_view(ting_lm_task *task, ting_task *out);

/* Sum of log p of all places of the first `most` pieces (0: of all), and their number. Resets the context's arena. Errors: memory,
 * cancelled (`stop`, may be NULL). */
ting_err ting_lm_task_measure(const ting_lm_task *task, ting_ctx *ctx, const ting_lm_sentences *sentences, size_t most,
                              int (*stop)(void *self), void *self, double *log_prob, size_t *places);

#endif
