/* SPDX-License-Identifier: Apache-2.0 */
/*
 * simple_part.h - what forward and backward of the simple transducer loss share: an utterance, and its rows of
 * probabilities P = softmax(am), Q = softmax(lm).
 */
#ifndef TING_LOSS_SIMPLE_PART_H
#define TING_LOSS_SIMPLE_PART_H

#include "nn/ctx.h"
#include "nn/rec.h"

#include <stdbool.h>

typedef struct ting_simple_part { /* of an utterance of T frames and S states */
    ting_tensor am, lm;           /* [T, V], [S, V] */
    const int *targets;           /* [S - 1] */
    ting_real *log_am, *log_lm;   /* [T], [S]: log sum exp of the rows */
    ting_real *z;                 /* [T, S]: P Q^T; [T, S + 1] with the unigram's column; 0: see TING_SIMPLE_LEAST_Z */
    ting_real *blanks, *labels;   /* [T, S]: passages */
} ting_simple_part;

/* A sum of products of floats below this has lost digits: the normaliser of that state is summed up in logarithms. */
#define TING_SIMPLE_LEAST_Z ((ting_real)1e-25)

static inline int ting_simple_columns(const struct ting_rec_simple_transducer *op, const ting_simple_part *part)
{
    return part->lm.rows + (op->unigram != NULL);
}

/* Room in the arena for P and for Q with a row behind it, of the longest utterances; false after a failure. */
bool ting_simple_take_rows(ting_ctx *ctx, const struct ting_rec_simple_transducer *op, ting_real **p, ting_real **q);

/* x [rows, cols] -> p = softmax(x), log_sum [rows] (may be NULL) its log sum exp. */
void ting_simple_softmax(const ting_ctx *ctx, ting_tensor x, ting_real *p, ting_real *log_sum);

/* row = am[t] + lm[u]; returns its log sum exp. */
ting_real ting_simple_direct_sum(const ting_kern *kern, const ting_simple_part *part, int t, int u, ting_real *row);

#endif
