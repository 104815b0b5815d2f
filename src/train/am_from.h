/* SPDX-License-Identifier: Apache-2.0 */
/*
 * am_from.h - first weights out of a model file instead of random numbers: to go on without a checkpoint, or to fit a model to
 * other speech. Parameters are found by name; one that the file lacks, or has in another shape (a head for other tokens),
 * keeps its random start and is said.
 */
#ifndef TING_TRAIN_AM_FROM_H
#define TING_TRAIN_AM_FROM_H

#include "base/log.h"
#include "feat/feature.h"
#include "model/am_net.h"
#include "model/gguf.h"

typedef struct ting_am_start { /* what begins: all borrowed */
    ting_am_net *net;
    const ting_texts *tokens;
    const ting_feature_config *features;
} ting_am_start;

/* Where the file has other tokens, everything that belongs to a token starts anew. Errors: io, format, not found (no acoustic
 * network in the file), model (nothing in it fits; its weights mean something else here: another kind of encoder, other features,
 * another setting that no shape shows). */
ting_err ting_am_from(const ting_am_start *to, const char *path, const ting_log *log);

#endif
