/* SPDX-License-Identifier: Apache-2.0 */
/* attention_loss.c - see attention_loss.h. */
#include "loss/attention_loss.h"

#include "loss/cross_entropy.h"
#include "nn/op.h"

ting_tensor ting_attention_loss(ting_ctx *ctx, const ting_attention_decoder *decoder, ting_tensor memory,
                                ting_segments memory_segments, const int *tokens, ting_segments lines,
                                const ting_attention_loss_options *options)
{
    const ting_attention_config *c = ting_attention_decoder_settings(decoder);
    const double reverse = c->reverse_layers > 0 ? options->reverse : 0;
    const double weight[2] = {[TING_FORWARD] = 1 - reverse, [TING_BACKWARD] = reverse};
    const ting_cross_entropy_options how = {.smoothing = ting_smoothing_of_others(options->smoothing, c->vocab),
                                            .sum = true,
                                            .divergence = true};
    ting_tensor sum = {0};
    for (int d = 0; d < 2; d++) {
        if (weight[d] == 0)
            continue;
        const ting_attention_lines l = ting_attention_lines_make(ctx, decoder, (ting_direction)d, tokens, lines);
        ting_tensor logits = ting_attention_logits(ctx, decoder, (ting_direction)d, memory, memory_segments, &l, NULL);
        ting_tensor loss = ting_cross_entropy(ctx, logits, l.targets, &how);
        loss = ting_scale(ctx, loss, (ting_real)weight[d]);
        sum = sum.rows == 0 ? loss : ting_add(ctx, sum, loss);
    }
    return ctx->err == TING_OK ? sum : (ting_tensor){0};
}
