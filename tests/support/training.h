/* SPDX-License-Identifier: Apache-2.0 */
/* training.h - what tests of trainings read and compare. */
#ifndef TING_TESTS_TRAINING_H
#define TING_TESTS_TRAINING_H

#include <stddef.h>

/* A corpus for pinyin to hanzi in the temporary folder: so many sentences of two to seven random syllables out of
 * five, to learn from. Returns its owned path. */
char *ting_tiny_corpus(const char *name, int sentences);

/* All blocks of the checkpoints in two folders are bitwise the same, but for what is only shown: the curve, whose points hold
 * times, and the samples of the last measurement, which a kill in the middle of it costs. */
void ting_assert_same_state(const char *a, const char *b);

/* And but for the place: the second one took steps that changed nothing. */
void ting_assert_same_state_but_place(const char *a, const char *b);

/* A checkpoint without one of its blocks, as versions before wrote them. */
void ting_remove_block(const char *path, const char *name);

/* A network's record of its training in a model file holds this text. */
void ting_assert_record(const char *path, const char *network, const char *part);

/* How far apart the weights and averages of the checkpoints in two folders are: the Euclidean norm of the difference
 * by that of the first, the larger of both. */
double ting_checkpoint_distance(const char *a, const char *b);

/* A folder holds files of these names, ascending, and no others. */
void ting_assert_names(const char *folder, const char *const *names, size_t count);

#endif
