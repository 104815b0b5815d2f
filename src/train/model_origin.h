/* SPDX-License-Identifier: Apache-2.0 */
/*
 * model_origin.h - what a model file says of itself, for the record of a training that begins with it or learns from it:
 *
 *     {"file": "am.gguf", "licence": "CC-BY-SA-4.0", "authors": "...", "source": "...", "training": {...}}
 *
 * so that licences, and what its own training heard, go on to what was made with the weights. "training" is the file's own
 * record, which may tell of a file before it; of more than 64 KiB it is left out. A folder with a public model has its name alone.
 */
#ifndef TING_TRAIN_MODEL_ORIGIN_H
#define TING_TRAIN_MODEL_ORIGIN_H

#include "base/str.h"

/* Appends the object; network: "am", "p2h" or "lm"; NULL: the name alone. Without the folders before the name, which are nobody's
 * business. Errors: those of opening a model; memory. */
ting_err ting_model_origin(const char *path, const char *network, ting_str *out);

#endif
