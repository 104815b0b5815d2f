/* SPDX-License-Identifier: Apache-2.0 */
/*
 * imported.h - an acoustic network as the importers of public models give it: settings, features, tokens, tensors.
 *
 *     ting_imported model;
 *     TRY(ting_public_import("folder", &model));
 *     to run it:     ting_am_net_new(&model.config, ...), ting_table_view view = {&model.tensors, ""}; ting_table_source(&view, "folder")
 *     to convert it: ting_imported_put_keys(&model, writer), and its tensors under "am." (engine/tool_convert.c)
 *     ting_imported_free(&model);
 */
#ifndef TING_MODEL_IMPORTED_H
#define TING_MODEL_IMPORTED_H

#include "model/am_net.h"
#include "model/gguf.h"
#include "model/pickle.h"

typedef struct ting_imported { /* start with {0} */
    ting_am_config config;
    char *features;     /* line of ting_feature_print */
    ting_texts tokens;  /* at least as many as the heads have outputs */
    char *remark;       /* what of the public model is left out, or NULL */
    ting_pickle pickle; /* that tensors may borrow from */
    ting_table tensors; /* sealed; under the names of the network, and of am_file.h for a global normalisation */
} ting_imported;

void ting_imported_free(ting_imported *model);

/* Builds the network and loads it once: every tensor is there, with its shape, and a token for each output. Errors: model,
 * format, memory. */
ting_err ting_imported_check(const ting_imported *model, const char *label);

/* Puts the keys of network "am". */
void ting_imported_put_keys(const ting_imported *model, ting_gguf_writer *writer);

#endif
