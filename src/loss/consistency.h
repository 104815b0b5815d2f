/* SPDX-License-Identifier: Apache-2.0 */
/*
 * consistency.h - CR-CTC (Yao 2024): two differently augmented views of the same sound should have the same posteriors;
 * a loss that records itself.
 *
 *     loss = sum_t  KL(b_t || a_t) + KL(a_t || b_t),   a_t, b_t the softmax of row t of either view
 *
 * In each term the left side is a fixed target: no gradient goes there. So one view learns from the other, and neither
 * is asked to become more even.
 *
 * Both views run as one ragged batch, first all utterances of one view, then all of the other: with N rows each,
 *
 *     ctc = ting_ctc_loss(ctx, logits, both, targets_twice, labels_twice, NULL);
 *     same = ting_consistency_loss(ctx, ting_rows(logits, 0, N), ting_rows(logits, N, N));
 *
 * icefall: half of (ctc + 0.2 same), since the batch holds every utterance twice; beside a transducer, half of (0.1 ctc
 * + 0.02 same). The views differ by SpecAugment's masks alone, 2.5 times as many over time as usual; time is warped
 * before they part, or the rows would not belong together.
 */
#ifndef TING_LOSS_CONSISTENCY_H
#define TING_LOSS_CONSISTENCY_H

#include "nn/ctx.h"

/* a, b [T, V]: logits, row t of both the same moment. -> one element. docs/derive/consistency.md */
ting_tensor ting_consistency_loss(ting_ctx *ctx, ting_tensor a, ting_tensor b);

#endif
