/* SPDX-License-Identifier: Apache-2.0 */
/* tool_augment.h - the job of `tingxie data augment`: one sound as a training would hear it (tool: see docs/LAYERS.md).
 */
#ifndef TING_TRAIN_TOOL_AUGMENT_H
#define TING_TRAIN_TOOL_AUGMENT_H

#include "base/err.h"
#include "base/log.h"

typedef struct ting_augment_job {
    const char *recipe;  /* a file with a group `augment`, or with its keys alone */
    const char *folder;  /* of lists with relative paths; NULL: the current one */
    const char *input;   /* any sound file */
    const char *output;  /* 16 kHz, 16 bits, WAV */
    int seed;            /* other numbers, other drawings */
    const ting_log *log; /* may be NULL */
} ting_augment_job;

/* Voice and channel; masks are of features and not done. Errors: io, format, memory; argument (both names are one
 * file). */
ting_err ting_tool_augment(const ting_augment_job *job);

#endif
