/* SPDX-License-Identifier: Apache-2.0 */
/*
 * am.h - the acoustic part of a model: network, features, tokens, loaded from one network of a model file or from a public
 * model's folder.
 */
#ifndef TING_ENGINE_AM_H
#define TING_ENGINE_AM_H

#include "feat/cmvn.h"
#include "model/am_net.h"
#include "model/gguf.h"
#include "text/pinyin.h"

typedef struct ting_am { /* immutable after opening, and shared by threads */
    ting_am_net *net;
    ting_feature_config features;
    ting_cmvn cmvn;     /* dim 0: none */
    ting_texts tokens;  /* text of each id; at least as many as the heads have outputs */
    bool writes;        /* tokens are characters: text comes straight from them */
    ting_piece *pieces; /* [tokens.count] what each token is in pinyin; all OTHER if it writes */
} ting_am;

/* Loads network "am" of an opened file, which may be closed afterwards. Errors: not found (no such network), model
 * (keys, shapes, tokens), format (the features line), unsupported, memory. Free with ting_am_free. */
ting_err ting_am_open(const ting_gguf *file, ting_precision precision, ting_am *out);

/* The same from a folder with a public model (model/public.h). Errors: io too. */
ting_err ting_am_open_folder(const char *folder, ting_precision precision, ting_am *out);
void ting_am_free(ting_am *acoustic);

#endif
