/* SPDX-License-Identifier: Apache-2.0 */
/*
 * p2h_from.h - first weights out of a model file instead of random numbers: to go on without a checkpoint, or to fit
 * a model to another domain.
 *
 * The network must have the recipe's shape and the same syllables (the n-gram tables are found by their ids). Characters
 * are matched by code point: those that the model lacks keep their random start.
 */
#ifndef TING_TRAIN_P2H_FROM_H
#define TING_TRAIN_P2H_FROM_H

#include "train/p2h_task.h"

/* *known gets the number of characters that the model has too. Errors: those of opening a model; model, naming the
 * parameter that differs. */
ting_err ting_p2h_from(ting_p2h_task *task, const char *path, int *known);

#endif
