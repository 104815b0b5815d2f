/* SPDX-License-Identifier: Apache-2.0 */
/*
 * p2h_batch.h - corpus -> batches of a token budget, with spoiled inputs.
 *
 * epoch.h makes the order; lengths and the budget are syllables. A batch is a function of (seed, epoch, place), a
 * sentence in it of these and its place in the batch: a share of a batch (deal.h) holds the same as the whole.
 *
 * Spoiling. In a share of the sentences each syllable may change its tone, its initial or its final, as a
 * recogniser's output does; elsewhere a character is now and then given another of its readings, as text
 * turned into pinyin does. Spoiled sentences come last in a batch: their characters need not be among the
 * choices of the syllables that stand there, the others are.
 */
#ifndef TING_DATA_P2H_BATCH_H
#define TING_DATA_P2H_BATCH_H

#include "base/arena.h"
#include "data/deal.h"
#include "data/p2h_corpus.h"
#include "loss/choice_entropy.h"
#include "nn/tensor.h"

typedef struct ting_p2h_spoil { /* probabilities */
    double share;   /* of sentences that are spoiled; in them, for each syllable: */
    double tone, initial, final;
    double reading; /* in the others: another reading of the character */
} ting_p2h_spoil;

typedef struct ting_p2h_sampler_options {
    const double *weight; /* [corpus sources] times an epoch */
    int tokens;           /* of a batch, at most (a longer sentence stands alone) */
    int window;           /* sentences sorted together */
    uint64_t seed;
    ting_p2h_spoil spoil;
    ting_share share; /* of each batch */
} ting_p2h_sampler_options;

typedef struct ting_p2h_sampler ting_p2h_sampler;

typedef struct ting_p2h_batch { /* in the arena */
    ting_segments segments;
    int tokens;
    int exact_tokens; /* the first ones: clean sentences */
    int *spoken;      /* [tokens] */
    int *written;     /* [tokens]; -1: not in the table */
    ting_choice *choices; /* [tokens] */
} ting_p2h_batch;

/* Borrows the corpus; copies the options. Owned, free with ting_p2h_sampler_free; NULL when out of memory. */
ting_p2h_sampler *ting_p2h_sampler_new(const ting_p2h_corpus *corpus, const ting_p2h_sampler_options *options);
void ting_p2h_sampler_free(ting_p2h_sampler *sampler);

/* Makes the order of an epoch current. Errors: memory; argument when all weights leave nothing. */
ting_err ting_p2h_sampler_epoch(ting_p2h_sampler *sampler, int epoch);
size_t ting_p2h_sampler_batches(const ting_p2h_sampler *sampler); /* of the current epoch */
size_t ting_p2h_sampler_tokens(const ting_p2h_sampler *sampler);  /* of the current epoch */

/* Batch `place` of the current epoch, or the share of it: of 0 sentences where that is empty. Errors: memory. */
ting_err ting_p2h_sampler_batch(ting_p2h_sampler *sampler, size_t place, ting_arena *arena, ting_p2h_batch *out);

/* Sentences first .. first + count - 1 of the corpus as they are: for measuring. */
ting_err ting_p2h_plain_batch(const ting_p2h_corpus *corpus, size_t first, size_t count, ting_arena *arena,
                              ting_p2h_batch *out);

#endif
