/* SPDX-License-Identifier: Apache-2.0 */
/* attention_steps.c - the attention decoder one token after the other (transformer_steps.h); see attention_decoder.h. */
#include "base/mem.h"
#include "model/attention_parts.h"
#include "model/transformer_steps.h"

struct ting_attention_steps {
    const ting_attention_decoder *decoder;
    const ting_attention_reader *reader;
    ting_transformer_steps *layers;
};

ting_err ting_attention_steps_new(ting_ctx *ctx, const ting_attention_decoder *decoder, ting_direction direction,
                                  ting_tensor memory, ting_segments memory_segments, int most, int longest,
                                  ting_attention_steps **out)
{
    ting_err err = TING_OK;
    ting_attention_steps *s = NULL;
    const ting_attention_reader *reader = ting_attention_reader_of(ctx, decoder, direction);
    *out = NULL;
    TRY(ctx->err);
    s = ting_alloc(1, sizeof *s);
    if (s == NULL)
        return TING_ERR_MEMORY;
    *s = (ting_attention_steps){.decoder = decoder, .reader = reader};
    TRY(ting_transformer_steps_new(ctx, &decoder->shape, reader->layer, reader->layers, memory, memory_segments, most, longest,
                                   &s->layers));
    *out = s;
    s = NULL;
out:
    ting_attention_steps_free(s);
    return err;
}

void ting_attention_steps_free(ting_attention_steps *s)
{
    if (s == NULL)
        return;
    ting_transformer_steps_free(s->layers);
    ting_free(s);
}

ting_tensor ting_attention_steps_take(ting_ctx *ctx, ting_attention_steps *s, const int *tokens, const int *parents, int count)
{
    ting_tensor position = ting_ctx_constant(ctx, 1, s->decoder->config.width);
    if (ctx->err != TING_OK)
        return (ting_tensor){0};
    ting_sinusoid_fill(ctx, ting_transformer_steps_length(s->layers), 1, position);
    ting_tensor x = ting_add(ctx, ting_attention_embed(ctx, s->reader, tokens, count), position);
    x = ting_transformer_steps_take(ctx, s->layers, x, parents);
    return ctx->err == TING_OK ? ting_attention_output(ctx, s->decoder, s->reader, x) : x;
}
