/* SPDX-License-Identifier: Apache-2.0 */
/*
 * am.h - the acoustic part of a model: encoder, predictor and joiner, features, tokens, loaded from one
 * network of a model file.
 */
#ifndef TING_ENGINE_AM_H
#define TING_ENGINE_AM_H

#include "feat/feature.h"
#include "model/am_keys.h"
#include "text/pinyin.h"

typedef struct ting_am { /* immutable after opening, and shared by threads */
    ting_params *params;
    ting_zipformer *encoder;
    ting_transducer *transducer;
    ting_feature_config features;
    ting_texts tokens;  /* text of each id; at least as many as the joiner has outputs */
    ting_piece *pieces; /* [tokens.count] what each token is in pinyin */
} ting_am;

/* Loads network "am" of an opened file, which may be closed afterwards. Errors: not found (no such network), model
 * (keys, shapes, tokens), format (the features line), unsupported, memory. Free with ting_am_free. */
ting_err ting_am_open(const ting_gguf *file, ting_precision precision, ting_am *out);

/* The same from a folder with a public model in ONNX (model/import_zipformer_onnx.h). Errors: io too. */
ting_err ting_am_open_folder(const char *folder, ting_precision precision, ting_am *out);
void ting_am_free(ting_am *acoustic);

#endif
