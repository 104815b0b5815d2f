/* SPDX-License-Identifier: Apache-2.0 */
/*
 * p2h_rescore.h - the best lines of a search ranked anew by a language model: each gets weight x log p_lm(line </s>) more. All of them go
 * through a network (model/lm_net.h) together.
 */
#ifndef TING_DECODE_P2H_RESCORE_H
#define TING_DECODE_P2H_RESCORE_H

#include "decode/p2h.h"
#include "model/lm_net.h"
#include "model/ngram.h"

struct ting_p2h_rescorer {
    const ting_lm_net *net;   /* one of the two, the other NULL */
    const ting_ngram *ngram;
    const uint32_t *word; /* [characters of the table] the word of each; TING_NGRAM_UNKNOWN: it has none */
    double unknown;       /* see decode/p2h_lm.h */
    double weight;
    int lines; /* of the search that are ranked, at least 1 */
};

/* Adds to the scores of lines [count], which the caller sorts. rescorer NULL: nothing. Work in the arena of ctx, given back. Errors:
 * those of ops, memory. */
ting_err ting_p2h_rescore(ting_ctx *ctx, const ting_p2h_rescorer *rescorer, ting_p2h_line *lines, int count);

#endif
