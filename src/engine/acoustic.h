/* SPDX-License-Identifier: Apache-2.0 */
/*
 * acoustic.h - the acoustic part of a model: encoder, predictor and joiner, features, tokens, loaded from one
 * network of a model file.
 */
#ifndef TING_ENGINE_ACOUSTIC_H
#define TING_ENGINE_ACOUSTIC_H

#include "feat/feature.h"
#include "model/am_keys.h"
#include "text/pinyin.h"

typedef struct ting_acoustic { /* immutable after opening, and shared by threads */
    ting_params *params;
    ting_zipformer *encoder;
    ting_transducer *transducer;
    ting_feature_config features;
    ting_texts tokens;  /* text of each id; at least as many as the joiner has outputs */
    ting_piece *pieces; /* [tokens.count] what each token is in pinyin */
} ting_acoustic;

/* Loads network "am" of an opened file, which must stay open. Errors: not found (no such network), model (keys,
 * shapes, tokens), format (the features line), memory. Free with ting_acoustic_free. */
ting_err ting_acoustic_open(const ting_gguf *file, ting_precision precision, ting_acoustic *out);
void ting_acoustic_free(ting_acoustic *acoustic);

#endif
