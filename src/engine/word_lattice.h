/* SPDX-License-Identifier: Apache-2.0 */
/*
 * word_lattice.h - the hypotheses of a sentence as a graph: what they share stands there once.
 *
 *        ┌ 公 → 安 ┐              beginnings are a tree, ends are a tree that is read from the end,
 *     0 ─┤         ├→ 在 → 查 → 1    and each hypothesis has one link of its own between them
 *        └ 工 → 安 ┘
 *
 * The paths from first to last node are the hypotheses and nothing else. The acoustic and other scores along a path sum to the score of its
 * hypothesis: its own link takes what the characters' sounds leave of it.
 */
#ifndef TING_ENGINE_WORD_LATTICE_H
#define TING_ENGINE_WORD_LATTICE_H

#include "base/arena.h"
#include "base/err.h"
#include "tingxie.h"

typedef struct ting_word_link {
    int from, to;
    const ting_char *word; /* NULL: nothing is said */
    double acoustic, other; /* logarithms; other: pinyin to hanzi, language model, hotwords, and what weights make of the sound */
    double share;           /* of the probability of all hypotheses that goes through it, if their scores are log-probabilities */
} ting_word_link;

typedef struct ting_word_lattice {
    double *times; /* [node_count] seconds; nodes stand in order: a link goes to a later one. The first starts, the last ends */
    int node_count;
    ting_word_link *links; /* [link_count] */
    int link_count;
} ting_word_lattice;

/* Of hypotheses with equal characters the first counts. *out lives in the arena and borrows the sentence. Errors: memory. */
ting_err ting_word_lattice_make(const ting_sentence *sentence, ting_arena *arena, ting_word_lattice *out);

#endif
