/* SPDX-License-Identifier: Apache-2.0 */
/* wenet.h - a folder as WeNet's training leaves it, with a small random Conformer of seven tokens, for tests. */
#ifndef TING_TESTS_WENET_H
#define TING_TESTS_WENET_H

#include "model/am_net.h"

enum { TING_WENET_BINS = 20 };

extern const char ting_wenet_settings[]; /* its train.yaml */
extern const char ting_wenet_units[];    /* its units.txt */
extern const ting_am_config ting_wenet_config;           /* without a decoder */
extern const ting_attention_config ting_wenet_attention; /* one that the settings tell of */
extern const float ting_wenet_mean[TING_WENET_BINS], ting_wenet_scale[TING_WENET_BINS];

/* Writes a file into a folder. */
void ting_wenet_put(const char *folder, const char *name, const char *text);

/* final.pt of this network, with one tensor of a decoder; with mean and deviation if `normalised`; without the tensor
 * `without` (NULL: all). */
void ting_wenet_save_checkpoint(const char *folder, const ting_am_net *net, bool normalised, const char *without);

/* All of it, into a folder that is there. */
void ting_wenet_save(const char *folder, unsigned seed, bool normalised);

#endif
