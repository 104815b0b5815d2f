/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ctc.h - connectionist temporal classification (Graves 2006), a loss that records itself.
 *
 *     loss = sum over utterances of -log sum over alignments of prod_t softmax(logits_t)[alignment_t]
 *
 * An alignment becomes the target when repeats are merged and blanks dropped. The sums run in log space
 * and double precision.
 */
#ifndef TING_LOSS_CTC_H
#define TING_LOSS_CTC_H

#include "nn/ctx.h"

/* logits [T, V], one segment an utterance; targets are the labels of all utterances one after the other, with their
 * own segments (empty ones are allowed). -> the sum of the losses, one element. each [segments], if not NULL, gets
 * them one by one. A target that no alignment gives (too few frames) has an infinite loss and no gradient. A label
 * that is blank or outside 0 .. V - 1 is TING_ERR_ARGUMENT. */
ting_tensor ting_ctc_loss(ting_ctx *ctx, ting_tensor logits, ting_segments frames,
                          const int *targets, ting_segments labels, int blank, ting_real *each);

#endif
