/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lm_model.h - a network of lm_net.h with its words, out of a model file and into one.
 *
 * Network "lm" of docs/FORMATS.md, architecture "lm-" and the name of the kind ("lm-lstm"). Settings under tingxie.lm.: the members of
 * ting_lm_config by name, integers but for eps (real), activation and norm ("before", "after"); class_start, the array; tokens, the words
 * (model/vocabulary.h). An n-gram model is the same network with the architecture "ngram" (model/ngram.h).
 */
#ifndef TING_MODEL_LM_MODEL_H
#define TING_MODEL_LM_MODEL_H

#include "base/str.h"
#include "model/lm_net.h"
#include "model/schema.h"

typedef struct ting_lm_model {
    ting_texts words; /* owned; [config tokens] */
    ting_params *params;
    ting_lm_net *net;
} ting_lm_model;

/* Whether the architecture is one of these. */
bool ting_lm_model_is(const ting_network *lm);

/* Reads the network; the weights are packed for `kern` in `precision`. Immutable afterwards and shared by threads; the file may be closed.
 * Free with ting_lm_model_close. Errors: model, not found, format, memory. */
ting_err ting_lm_model_open(const ting_network *lm, const ting_kern *kern, ting_precision precision, ting_lm_model *out);
void ting_lm_model_close(ting_lm_model *model);

/* Puts settings, words and weights (each matrix and table as `dtype`, vectors as F32). The values are borrowed until the writer is
 * freed. The caller has begun the schema and puts licence and training record. */
void ting_lm_model_put(ting_gguf_writer *writer, const ting_lm_model *model, ting_dtype dtype);

/* The first setting that two networks' files would differ in, classes of words aside, such as "hidden"; NULL: none. Static. */
const char *ting_lm_settings_differ(const ting_lm_config *a, const ting_lm_config *b);

/* Puts the settings alone: for a fingerprint of what the shapes of the parameters do not show. */
void ting_lm_settings_put(ting_gguf_writer *writer, const ting_lm_config *config);

#endif
