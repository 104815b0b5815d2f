/* SPDX-License-Identifier: Apache-2.0 */
/* lm.h - the inside of ting_lm (tingxie.h): an n-gram model or a network, with its words. For lm*.c. */
#ifndef TING_ENGINE_LM_H
#define TING_ENGINE_LM_H

#include "model/lm_model.h"
#include "model/ngram.h"
#include "model/vocabulary.h"
#include "tingxie.h"

struct ting_lm {
    ting_gguf file;   /* what the n-grams borrow from */
    ting_ngram *ngram; /* NULL: it is a network */
    ting_lm_model net;
    const ting_texts *words;
    ting_vocabulary *vocabulary;
};

static inline bool ting_lm_sees_whole(const ting_lm *lm)
{
    return lm->ngram == NULL && ting_lm_net_config(lm->net.net)->kind == TING_LM_BILSTM;
}

/* "ngram", or the name of the network's kind. */
static inline const char *ting_lm_name(const ting_lm *lm)
{
    return lm->ngram != NULL ? "ngram" : ting_lm_kind_name(ting_lm_net_config(lm->net.net)->kind);
}

#endif
