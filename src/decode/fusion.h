/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fusion.h - shallow fusion: what language models over the acoustic model's own tokens add inside an acoustic search.
 *
 *     gain(token | tokens before) = bonus + sum over models of weight x log p(token | <s> tokens before)
 *     gain(end | tokens)          =         sum over models of weight x log p(</s> | <s> tokens)
 *
 * N-grams or networks. A second model with a negative weight, n-grams of a low order, takes away what the acoustic model has itself
 * learnt of which token follows which: low-order density ratio (Zheng 2022, LODR).
 *
 *     TRY(ting_fuser_new(fusion, beam, &fuser));
 *     an empty sequence:  place = TING_FUSION_BEGIN
 *     in a row:           score + ting_fuser_gain(fuser, place, token)       of a sequence that gets one more token
 *     behind it:          TRY(ting_fuser_keep(fuser, ctx, kept, count))      the sequences that go on
 *     at the end:         score + ting_fuser_end(fuser, place)
 *
 * A place holds the models' states behind one sequence of tokens, and each gain that was asked there: sequences live for many rows and
 * ask for the same tokens in each. All networks' new states of a row are one batch.
 */
#ifndef TING_DECODE_FUSION_H
#define TING_DECODE_FUSION_H

#include "model/lm_net.h"
#include "model/ngram.h"

enum { TING_FUSION_MODELS = 2, TING_FUSION_BEGIN = 0 };

typedef struct ting_fusion_lm {
    const ting_ngram *ngram; /* one of the two, the other NULL; a network must be able to go token by token */
    const ting_lm_net *net;
    const uint32_t *word;    /* [vocab] the word of each token */
    double weight;
} ting_fusion_lm;

typedef struct ting_fusion { /* immutable; borrows; shared by searches and threads */
    int vocab;
    double bonus; /* for each token */
    ting_fusion_lm lms[TING_FUSION_MODELS];
    int count; /* of lms */
} ting_fusion;

typedef struct ting_fuser ting_fuser; /* of one search and one thread */

/* For up to `most` sequences at a time. Borrows the fusion. Returns owned in *out, free with ting_fuser_free. Errors: memory, those of
 * ops (of a network, which reads <s> here). */
ting_err ting_fuser_new(const ting_fusion *fusion, int most, ting_fuser **out);
void ting_fuser_free(ting_fuser *fuser);

/* What a token behind the sequence of a place adds, and the end of the sentence. A fuser of NULL adds nothing. */
double ting_fuser_gain(ting_fuser *fuser, int place, int token);
double ting_fuser_end(ting_fuser *fuser, int place);

typedef struct ting_fusion_kept {
    int *place; /* of the sequence, or, with a token, of the one that the token prolongs; gets the sequence's own */
    int token;  /* -1: none */
} ting_fusion_kept;

/* All sequences that go on, at most `most`; other places are forgotten. Arena and kernels are those of ctx. Errors: those of ops. */
ting_err ting_fuser_keep(ting_fuser *fuser, ting_ctx *ctx, const ting_fusion_kept *kept, int count);

#endif
