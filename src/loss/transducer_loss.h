/* SPDX-License-Identifier: Apache-2.0 */
/*
 * transducer_loss.h - the loss of a transducer (Graves 2012), over the whole lattice or over a band of it (pruned RNN-T,
 * Kuang 2022); a loss that records itself.
 *
 *     loss = sum over utterances of -log sum over alignments of the product of softmax(logits) along them
 *
 * The joiner's rows of an utterance of T frames and U labels stand frame by frame, `width` states each: all U + 1 of them, or
 * in a band those from `first` of the frame on. ting_transducer_pairs gives the rows of encoder and predictor that make
 * them.
 */
#ifndef TING_LOSS_TRANSDUCER_LOSS_H
#define TING_LOSS_TRANSDUCER_LOSS_H

#include "nn/ctx.h"

typedef struct ting_transducer_targets {
    ting_segments frames; /* of the encoder */
    ting_segments labels; /* of the targets, one segment an utterance; empty ones are allowed */
    const int *targets;
    int blank;
    const int *width; /* [utterances] states of a frame; NULL: all, labels + 1 */
    const int *first; /* [frames in all] the first state of each frame; NULL: 0 */
} ting_transducer_targets;

/* Rows of the joiner for all utterances. */
int ting_transducer_rows(const ting_transducer_targets *targets);

/* For each row of the joiner: the encoder's row, and the predictor's, which has labels + 1 rows for each utterance.
 * encoder, predictor [ting_transducer_rows]. */
void ting_transducer_pairs(const ting_transducer_targets *targets, int *encoder, int *predictor);

/* logits [ting_transducer_rows, V] -> the sum of the losses, one element. each [utterances], if not NULL, gets them one by
 * one. An utterance that no alignment gives is left out of the sum, shows as infinity in `each`, has no gradient, and is
 * counted in *impossible (may be NULL). What `targets` points to must live until the tape has been walked. A label that is
 * blank or outside 0 .. V - 1: TING_ERR_ARGUMENT. docs/derive/transducer.md */
ting_tensor ting_transducer_loss(ting_ctx *ctx, ting_tensor logits, const ting_transducer_targets *targets, ting_real *each,
                                 int *impossible);

#endif
