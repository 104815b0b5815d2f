/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ctc_head.h - from encoder rows to token log-probabilities: a linear layer and log-softmax (Graves 2006).
 * Parameters "<name>.weight" [vocab, dim] and "<name>.bias", which start as torch's linear layers do: "ctc_output.1" in icefall,
 * "ctc.ctc_lo" in WeNet.
 */
#ifndef TING_MODEL_CTC_HEAD_H
#define TING_MODEL_CTC_HEAD_H

#include "model/linear.h"

typedef struct ting_ctc_head {
    ting_linear_params output;
    ting_real dropout; /* of its input, in training; 0 unless the caller sets it. icefall: 0.1 */
} ting_ctc_head;

ting_ctc_head ting_ctc_head_declare(ting_params *params, const char *name, int vocab, int dim);

/* [T, dim] -> [T, vocab], before the softmax: what the loss takes. */
ting_tensor ting_ctc_head_logits(ting_ctx *ctx, const ting_ctc_head *head, ting_tensor x);

/* Row by row, without a gradient: what the decoders take. */
ting_tensor ting_ctc_head_log_probs(ting_ctx *ctx, ting_tensor logits);

#endif
