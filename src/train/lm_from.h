/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lm_from.h - the network that a training of a language model begins with: its words, its classes of words and its weights.
 *
 *     TRY(ting_lm_from_open(path, &recipe->net, &from));
 *     TRY(ting_lm_text_open(root, base, &from.model.words, ..));  the texts are cut into its words
 *     ... a net of recipe->net with class_start of ting_lm_net_config(from.model.net) ...
 *     TRY(ting_lm_from_load(&from, params));
 */
#ifndef TING_TRAIN_LM_FROM_H
#define TING_TRAIN_LM_FROM_H

#include "model/lm_model.h"
#include "model/schema.h"

typedef struct ting_lm_from { /* start with {0}; not to be copied; free with ting_lm_from_close */
    ting_gguf file;
    ting_network network;
    ting_lm_model model;
} ting_lm_from;

/* Network "lm" of a model file, which must be of the same shape. Errors: io, format, not found, memory; model (n-grams, or a setting that
 * differs, by its name). */
ting_err ting_lm_from_open(const char *path, const ting_lm_config *wanted, ting_lm_from *out);
void ting_lm_from_close(ting_lm_from *from);

/* All values of the registry's parameters, which have memory. Errors: not found, model (another shape). */
ting_err ting_lm_from_load(ting_lm_from *from, ting_params *params);

#endif
