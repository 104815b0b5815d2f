/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lm_batch.h - sentences in memory -> batches of a token budget, for the networks of model/lm_net.h.
 *
 * A sentence is <s> w1 .. wn </s>: n + 1 places to be asked, each token for the one behind it. One that is longer than a network's
 * context is cut into pieces, which are asked alone. epoch.h makes the order; a batch is a function of (seed, epoch, place).
 * Memory: 4 bytes a token, 16 a sentence.
 */
#ifndef TING_TRAIN_LM_BATCH_H
#define TING_TRAIN_LM_BATCH_H

#include "base/arena.h"
#include "data/deal.h"
#include "data/epoch.h"
#include "model/vocabulary.h"
#include "nn/tensor.h"

typedef struct ting_lm_piece {
    size_t first;    /* its tokens in ids */
    uint32_t places; /* that are asked; it has one token more */
} ting_lm_piece;

typedef struct ting_lm_sentences { /* start with {0} and `most`; free with ting_lm_sentences_free */
    int most;                      /* places of a piece */
    uint32_t *ids;                 /* [count] */
    size_t count, room;
    ting_lm_piece *pieces;         /* [piece_count] */
    size_t piece_count, piece_room;
} ting_lm_sentences;

/* Errors: memory; unsupported (more than 2^32 - 1 pieces). */
ting_err ting_lm_sentences_add(ting_lm_sentences *sentences, const ting_cut *sentence);
void ting_lm_sentences_free(ting_lm_sentences *sentences);

/* Fingerprint of all of it. */
uint64_t ting_lm_sentences_hash(const ting_lm_sentences *sentences);

typedef struct ting_lm_batch { /* in the arena; rows of all pieces */
    ting_segments segments;
    int *ids, *targets; /* [rows]; -1: nothing is asked */
    int places;         /* targets that are asked */
} ting_lm_batch;

/* The pieces `items` [count]. whole: with the last token of each as a row of its own, for networks that look from both sides. Errors:
 * memory. */
ting_err ting_lm_batch_of(const ting_lm_sentences *sentences, const uint32_t *items, size_t count, bool whole, ting_arena *arena,
                          ting_lm_batch *out);

/* Pieces first .. first + *count - 1, as many as a budget of places holds, at least one and at most those that there are. Errors:
 * memory. */
ting_err ting_lm_batch_plain(const ting_lm_sentences *sentences, size_t first, int budget, bool whole, ting_arena *arena,
                             ting_lm_batch *out, size_t *count);

/* Batch `place` of an epoch, or a share of it: of no pieces where that is empty. Errors: memory. */
ting_err ting_lm_batch_take(const ting_lm_sentences *sentences, const ting_epoch *epoch, size_t place, ting_share share, bool whole,
                            ting_arena *arena, ting_lm_batch *out);

/* For ting_epoch_plan: `self` is the sentences. */
uint32_t ting_lm_piece_length(const void *self, uint32_t item);

#endif
