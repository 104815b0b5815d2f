/* SPDX-License-Identifier: Apache-2.0 */
/*
 * am_from.h - first weights out of a model file instead of random numbers: to go on without a checkpoint, or to fit a model to
 * other speech. Parameters are found by name; one that the file lacks, or has in another shape (a head for other tokens),
 * keeps its random start and is said.
 */
#ifndef TING_TRAIN_AM_FROM_H
#define TING_TRAIN_AM_FROM_H

#include "base/log.h"
#include "model/am_net.h"
#include "model/gguf.h"

/* `tokens` are those of the network; where the file has others, everything that belongs to a token starts anew. Errors: io,
 * format, not found (no acoustic network in the file), model (nothing in it fits). */
ting_err ting_am_from(ting_am_net *net, const ting_texts *tokens, const char *path, const ting_log *log);

#endif
