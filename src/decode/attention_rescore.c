/* SPDX-License-Identifier: Apache-2.0 */
/* attention_rescore.c - see attention_rescore.h. */
#include "decode/attention_rescore.h"

#include <math.h>

/* Adds weight times the log-probability of each line, as one direction reads it. */
static void add_direction(ting_ctx *ctx, const ting_attention_decoder *decoder, ting_direction direction, ting_tensor memory,
                          ting_segments memory_segments, const int *tokens, ting_segments lines, const int *of_memory,
                          double weight, ting_rescored *out)
{
    const ting_attention_lines l = ting_attention_lines_make(ctx, decoder, direction, tokens, lines);
    if (ctx->err != TING_OK)
        return;
    ting_tensor logits = ting_attention_logits(ctx, decoder, direction, memory, memory_segments, &l, of_memory);
    if (ctx->err != TING_OK)
        return;
    for (int h = 0; h < lines.count; h++)
        for (int r = l.segments.start[h]; r < l.segments.start[h + 1]; r++) {
            const ting_real *x = ting_row(logits, r);
            out[h].attention += weight * (double)(x[l.targets[r]] - ctx->kern->log_sum_exp(logits.cols, x));
        }
}

ting_err ting_attention_rescore(ting_ctx *ctx, const ting_attention_decoder *decoder, ting_tensor memory,
                                ting_segments memory_segments, const int *tokens, ting_segments lines, const int *of_memory,
                                const double *first, const ting_rescore_options *options, ting_rescored *out)
{
    ting_err err = TING_OK;
    const ting_arena_mark mark = ting_arena_tell(ctx->arena);
    const double reverse = ting_attention_decoder_settings(decoder)->reverse_layers > 0 ? options->reverse : 0;
    const double weight[2] = {[TING_FORWARD] = 1 - reverse, [TING_BACKWARD] = reverse};
    for (int h = 0; h < lines.count; h++)
        out[h] = (ting_rescored){0};
    for (int d = 0; d < 2; d++)
        if (weight[d] != 0)
            add_direction(ctx, decoder, (ting_direction)d, memory, memory_segments, tokens, lines, of_memory, weight[d], out);
    TRY(ctx->err);
    for (int h = 0; h < lines.count; h++) {
        out[h].score = out[h].attention + options->ctc_weight * first[h];
        if (isnan(out[h].score))
            FAIL(TING_ERR_NUMERIC, "the attention decoder's score of hypothesis %d is not a number", h);
    }
out:
    ting_arena_rewind(ctx->arena, mark);
    return err;
}

void ting_rescored_order(const ting_rescored *scores, int count, int *order)
{
    for (int i = 0; i < count; i++) {
        int at = i;
        for (; at > 0 && scores[order[at - 1]].score < scores[i].score; at--)
            order[at] = order[at - 1];
        order[at] = i;
    }
}
