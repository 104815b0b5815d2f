/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attention_loss.h - what an attention decoder is trained with: the divergence of its predictions from smoothed labels
 * (Szegedy 2016; WeNet's LabelSmoothingLoss), both directions weighed as in U2++ (Wu 2021).
 *
 *     loss = (1 - reverse) left + reverse right
 *     left = sum over lines and places t of KL(q_t || softmax(logits_t)),  q_t: 1 - smoothing of the next token, the rest
 *            shared by the vocab - 1 others
 */
#ifndef TING_LOSS_ATTENTION_LOSS_H
#define TING_LOSS_ATTENTION_LOSS_H

#include "model/attention_decoder.h"

typedef struct ting_attention_loss_options {
    double smoothing; /* [0, 1) */
    double reverse;   /* [0, 1] weight of the decoder that reads from the last token; ignored without one */
} ting_attention_loss_options;

/* tokens [n] of lines, one for each segment of memory [M, width] -> the loss, a sum, one element. A direction
 * without weight is not computed. Failures are sticky. */
ting_tensor ting_attention_loss(ting_ctx *ctx, const ting_attention_decoder *decoder, ting_tensor memory,
                                ting_segments memory_segments, const int *tokens, ting_segments lines,
                                const ting_attention_loss_options *options);

#endif
