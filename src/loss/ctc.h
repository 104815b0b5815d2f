/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ctc.h - connectionist temporal classification (Graves 2006), a loss that records itself.
 *
 *     loss = sum over utterances of -log sum over alignments of prod_t softmax(logits_t)[alignment_t]
 *
 * An alignment becomes the target when repeats are merged and blanks dropped. The sums run in numbers
 * with the digits of a double whose exponent does not run out (base/wide.h).
 *
 * A target that no alignment gives (L labels and R repeats of the label before need L + R frames) has an infinite
 * loss. One such utterance must not cost a trainer the step of its whole batch, so they take no part: neither in the
 * sum nor in the gradient. The options count and show them.
 */
#ifndef TING_LOSS_CTC_H
#define TING_LOSS_CTC_H

#include "nn/ctx.h"

typedef struct ting_ctc_options {
    int blank;       /* class of the blank */
    ting_real *each; /* [segments], or NULL; gets the losses one by one, infinity where there is no alignment */
    int *impossible; /* NULL, or gets the number of utterances left out */
} ting_ctc_options;

/* logits [T, V], one segment an utterance; targets are the labels of all utterances one after the other, with their
 * own segments (empty ones are allowed). -> the sum of the finite losses, one element. NULL options: blank 0. A label
 * that is blank or outside 0 .. V - 1 is TING_ERR_ARGUMENT. */
ting_tensor ting_ctc_loss(ting_ctx *ctx, ting_tensor logits, ting_segments frames, const int *targets,
                          ting_segments labels, const ting_ctc_options *options);

/* The frames that a target needs: one for each label, and one for the blank between equal neighbours. */
int ting_ctc_frames(const int *labels, int count);

#endif
