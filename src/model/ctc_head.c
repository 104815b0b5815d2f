/* SPDX-License-Identifier: Apache-2.0 */
/* ctc_head.c - see ctc_head.h. */
#include "model/ctc_head.h"

ting_ctc_head ting_ctc_head_declare(ting_params *params, const char *name, int vocab, int dim)
{
    return (ting_ctc_head){.output = ting_linear_declare(params, vocab, dim, "", name)};
}

ting_tensor ting_ctc_head_logits(ting_ctx *ctx, const ting_ctc_head *head, ting_tensor x)
{
    return ting_linear_apply(ctx, ting_dropout(ctx, x, head->dropout), head->output, TING_ACT_NONE);
}

ting_tensor ting_ctc_head_log_probs(ting_ctx *ctx, ting_tensor logits)
{
    ting_tensor y = ting_ctx_constant(ctx, logits.rows, logits.cols);
    for (int t = 0; t < y.rows; t++)
        ctx->kern->log_softmax(y.cols, ting_row(logits, t), ting_row(y, t));
    return y;
}
