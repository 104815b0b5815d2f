/* SPDX-License-Identifier: Apache-2.0 */
/* ctc_row.h - what both searches of a CTC head begin each row with. */
#ifndef TING_DECODE_CTC_ROW_H
#define TING_DECODE_CTC_ROW_H

#include "nn/ctx.h"

/* Row t of logits [T, vocab] as log-probabilities in row [vocab], the logit of blank lowered by the penalty first. */
static inline void ting_ctc_row(const ting_ctx *ctx, ting_tensor logits, int t, int vocab, int blank, double penalty,
                                ting_real *row)
{
    for (int i = 0; i < vocab; i++)
        row[i] = ting_row(logits, t)[i];
    row[blank] -= (ting_real)penalty;
    ctx->kern->log_softmax(vocab, row, row);
}

#endif
