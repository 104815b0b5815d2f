/* SPDX-License-Identifier: Apache-2.0 */
/*
 * am_file.h - an acoustic network as network "am" of a model file: what an importer or a training has made -> GGUF.
 *
 *     const ting_am_about about = {.name = "My model", .features = line, .tokens = tokens, .token_count = n, ...};
 *     TRY(ting_am_save("model.gguf", net, &about, TING_DTYPE_F32));
 *
 * engine/am.h reads it back.
 */
#ifndef TING_MODEL_AM_FILE_H
#define TING_MODEL_AM_FILE_H

#include "feat/cmvn.h"
#include "model/am_keys.h"

#define TING_AM_CMVN_MEAN  "features.mean" /* tensors, with cmvn=global in the features */
#define TING_AM_CMVN_SCALE "features.istd"

typedef struct ting_am_about { /* what a file says beside sizes and weights; texts may be NULL unless said otherwise */
    const char *name;              /* of the file, for people; not NULL */
    const char *features;          /* line of ting_feature_print; not NULL */
    const ting_cmvn *cmvn;         /* with cmvn=global, else NULL */
    const char *const *tokens;     /* [token_count] at least as many as the heads have outputs */
    size_t token_count;
    const char *licence;           /* SPDX expression of the weights */
    const char *authors, *source;
    const char *training;          /* record of the training: one JSON object */
} ting_am_about;

/* Puts keys and tensors of network "am", without the keys of the file as a whole (ting_schema_begin). Matrices become
 * `dtype` (ting_dtype_in_file); parameters that only train are left out. The values are the float or double ones of
 * ting_params_alloc, borrowed until the writer is freed, as is cmvn. Errors: model (features, cmvn or tokens do not fit the
 * network), format (the features line). */
ting_err ting_am_put(ting_gguf_writer *writer, const ting_am_net *net, const ting_am_about *about, ting_dtype dtype);

/* A file with this network alone; replaces `path` atomically. Errors: io, memory too. */
ting_err ting_am_save(const char *path, const ting_am_net *net, const ting_am_about *about, ting_dtype dtype);

/* Whether a features line, vectors and tokens belong to a network; label comes first in the sentence. Errors: model, format. */
ting_err ting_am_fits(const char *label, const ting_am_config *config, const char *features, const ting_cmvn *cmvn,
                      size_t token_count, ting_feature_config *out);

#endif
