/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuse.h - language models of the options -> what an acoustic search adds (decode/fusion.h): each token of the acoustic model gets the
 * word of the same text. Tokens that a model lacks (letters, rare syllables) are <unk> to it, as long as three of four are there; blank
 * and others in angle brackets do not count.
 */
#ifndef TING_ENGINE_FUSE_H
#define TING_ENGINE_FUSE_H

#include "decode/fusion.h"
#include "engine/am.h"
#include "tingxie.h"

typedef struct ting_fuse {
    ting_fusion fusion; /* count 0: there is none */
    uint32_t *word[TING_FUSION_MODELS]; /* owned */
} ting_fuse;

/* Of fuse_lm and lodr_lm, which it borrows. Free with ting_fuse_close, also after an error. Errors: model (words that are other tokens),
 * unsupported (a model that looks from both sides; lodr_lm is no n-gram model), memory. */
ting_err ting_fuse_open(const ting_am *am, const ting_options *options, ting_fuse *out);
void ting_fuse_close(ting_fuse *fuse);

#endif
