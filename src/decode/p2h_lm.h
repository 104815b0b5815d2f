/* SPDX-License-Identifier: Apache-2.0 */
/*
 * p2h_lm.h - lines of characters that a network and a language model find good together: at each place of a line the network says how
 * good each character is there, the language model how good it is behind those before it.
 *
 *     score(line) = sum over places of log p_network(character) + weight x log p_lm(line </s>)
 *
 * Searched from left to right; after each place the best `beam` beginnings go on. A hotword takes several places at once: what it earns
 * counts as a whole, at its end.
 */
#ifndef TING_DECODE_P2H_LM_H
#define TING_DECODE_P2H_LM_H

#include "base/arena.h"
#include "decode/hotwords.h"
#include "decode/p2h_place.h"
#include "model/ngram.h"

#include <stdbool.h>

typedef struct ting_p2h_lm {
    const ting_ngram *ngram;
    const uint32_t *word; /* [characters of the network's table] the word of each; TING_NGRAM_UNKNOWN: it has none */
    double unknown;       /* log p of a character that has no word, given that it is one: <unk> stands for all of them */
    double weight;
    int beam;
} ting_p2h_lm;

/* Up to nbest different lines, best first: which character of each place, choices [nbest, length], and scores [nbest]; *count: how
 * many. A place that stays empty (TING_P2H_NOTHING) is no word. Where hotword match m begins stands -1 - m, and what follows up to its
 * end says nothing. hotwords, matches: NULL for none. Work in the arena. Errors: memory. */
ting_err ting_p2h_lm_search(const ting_p2h_lm *lm, ting_arena *arena, const ting_p2h_place *places, int length,
                            const ting_hotwords *hotwords, const ting_hotword_matches *matches, int nbest, int *choices,
                            double *scores, int *count);

/* Which characters are worth a closer look: alive[t][i] becomes true where a beginning that is still alive `reach` places behind place t,
 * or at the end, has the i-th character there. alive [length] of [characters of the place], cleared by the caller. Work in the arena.
 * Errors: memory. */
ting_err ting_p2h_lm_glance(const ting_p2h_lm *lm, ting_arena *arena, const ting_p2h_place *places, int length, int reach,
                            bool *const *alive);

#endif
