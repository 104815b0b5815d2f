/* SPDX-License-Identifier: Apache-2.0 */
/* attention_decoder.c - see attention_decoder.h; one token after the other is attention_steps.c. */
#include "model/attention_decoder.h"

#include "base/mem.h"
#include "model/attention_parts.h"

#include <math.h>
#include <stdio.h>

static const ting_transformer_names layer_names = {
    .self = {"self_attn.linear_q", "self_attn.linear_k", "self_attn.linear_v", "self_attn.linear_out"},
    .cross = {"src_attn.linear_q", "src_attn.linear_k", "src_attn.linear_v", "src_attn.linear_out"},
    .inner = "feed_forward.w_1",
    .outer = "feed_forward.w_2",
    .norm = {"norm1", "norm3", "norm2"}, /* the second one there is that of cross-attention */
};

ting_err ting_attention_decoder_check(const ting_attention_config *c)
{
    const struct {
        const char *name;
        int value, low, high;
    } rules[] = {
        {"vocab", c->vocab, 2, 1 << 20},
        {"begin", c->begin, 0, c->vocab - 1},
        {"end", c->end, 0, c->vocab - 1},
        {"width", c->width, 1, 65536},
        {"heads", c->heads, 1, 4096},
        {"feedforward", c->feedforward, 1, 65536},
        {"layers", c->layers, 1, TING_ATTENTION_MOST_LAYERS},
        {"reverse_layers", c->reverse_layers, 0, TING_ATTENTION_MOST_LAYERS},
    };
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++)
        if (rules[i].value < rules[i].low || rules[i].value > rules[i].high)
            return ting_fail(TING_ERR_MODEL, "attention decoder: %s is %d, expected %d to %d", rules[i].name, rules[i].value,
                             rules[i].low, rules[i].high);
    if (c->width % c->heads != 0)
        return ting_fail(TING_ERR_MODEL, "attention decoder: %d heads do not divide the width %d", c->heads, c->width);
    return TING_OK;
}

/* One direction, its names below `prefix` and `part`. */
static void declare(ting_attention_decoder *decoder, ting_attention_reader *r, int layers, ting_params *params,
                    const char *prefix, const char *part)
{
    const ting_attention_config *c = &decoder->config;
    const int depth = c->layers + c->reverse_layers;
    const ting_init embedding = ting_transformer_embedding(c->width);
    char path[128];
    r->layers = layers;
    r->embedding = ting_param_init(ting_params_add(params, TING_PARAM_VALUES, 2, (int[]){c->vocab, c->width},
                                                   "%s%sembed.0.weight", prefix, part), embedding);
    for (int i = 0; i < layers; i++) {
        snprintf(path, sizeof path, "%s%sdecoders.%d.", prefix, part, i);
        r->layer[i] = ting_transformer_declare_named(params, &decoder->shape, TING_LAYER_DECODER, depth, path, &layer_names);
    }
    snprintf(path, sizeof path, "%s%s", prefix, part);
    r->norm = ting_norm_declare(params, c->width, path, "after_norm");
    r->output = ting_linear_declare_init(params, c->vocab, c->width, embedding, ting_init_constant(0), path, "output_layer");
}

ting_err ting_attention_decoder_new(const ting_attention_config *config, const char *prefix, ting_params *params,
                                    ting_attention_decoder **out)
{
    ting_err err = TING_OK;
    ting_attention_decoder *decoder = NULL;
    *out = NULL;
    TRY(ting_attention_decoder_check(config));
    decoder = ting_alloc(1, sizeof *decoder);
    if (decoder == NULL)
        return TING_ERR_MEMORY;
    decoder->config = *config;
    decoder->shape = (ting_transformer_shape){.width = config->width,
                                              .heads = config->heads,
                                              .inner = config->feedforward,
                                              .norm = TING_NORM_BEFORE,
                                              .act = config->act,
                                              .eps = (ting_real)1e-5,
                                              .dropout = config->dropout,
                                              .inner_dropout = config->dropout};
    const bool both = config->reverse_layers > 0;
    declare(decoder, &decoder->reader[TING_FORWARD], config->layers, params, prefix, both ? "left_decoder." : "");
    if (both)
        declare(decoder, &decoder->reader[TING_BACKWARD], config->reverse_layers, params, prefix, "right_decoder.");
    TRY(ting_params_declared(params));
    *out = decoder;
    decoder = NULL;
out:
    ting_free(decoder);
    return err;
}

void ting_attention_decoder_free(ting_attention_decoder *decoder)
{
    ting_free(decoder);
}

const ting_attention_config *ting_attention_decoder_settings(const ting_attention_decoder *decoder)
{
    return &decoder->config;
}

ting_attention_lines ting_attention_lines_make(ting_ctx *ctx, const ting_attention_decoder *decoder, ting_direction direction,
                                               const int *tokens, ting_segments segments)
{
    const int count = segments.count, rows = segments.start[count] + count;
    int *starts = ting_ctx_ints(ctx, count + 1), *in = ting_ctx_ints(ctx, rows), *targets = ting_ctx_ints(ctx, rows);
    if (ctx->err != TING_OK)
        return (ting_attention_lines){0};
    starts[0] = 0;
    for (int s = 0, at = 0; s < count; s++) {
        const int first = segments.start[s], length = segments.start[s + 1] - first;
        in[at] = decoder->config.begin;
        for (int i = 0; i < length; i++, at++)
            in[at + 1] = targets[at] = tokens[first + (direction == TING_FORWARD ? i : length - 1 - i)];
        targets[at++] = decoder->config.end;
        starts[s + 1] = at;
    }
    return (ting_attention_lines){.segments = {count, starts}, .in = in, .targets = targets};
}

const ting_attention_reader *ting_attention_reader_of(ting_ctx *ctx, const ting_attention_decoder *decoder,
                                                      ting_direction direction)
{
    const ting_attention_reader *r = &decoder->reader[direction];
    if (r->layers == 0)
        ting_ctx_fail(ctx, TING_ERR_INTERNAL, "attention decoder: it reads from the first token only");
    return r;
}

ting_tensor ting_attention_embed(ting_ctx *ctx, const ting_attention_reader *r, const int *ids, int count)
{
    for (int t = 0; t < count; t++)
        if (ids[t] < 0 || ids[t] >= r->embedding->t.rows) {
            ting_ctx_fail(ctx, TING_ERR_INTERNAL, "attention decoder: token %d of %d", ids[t], r->embedding->t.rows);
            return (ting_tensor){0};
        }
    return ting_scale(ctx, ting_embedding(ctx, ids, count, r->embedding), (ting_real)sqrt((double)r->embedding->t.cols));
}

ting_tensor ting_attention_output(ting_ctx *ctx, const ting_attention_decoder *decoder, const ting_attention_reader *r,
                                  ting_tensor x)
{
    x = ting_layer_norm(ctx, x, r->norm.weight, r->norm.bias, decoder->shape.eps);
    return ting_linear_apply(ctx, x, r->output, TING_ACT_NONE);
}

ting_tensor ting_attention_logits(ting_ctx *ctx, const ting_attention_decoder *decoder, ting_direction direction,
                                  ting_tensor memory, ting_segments memory_segments, const ting_attention_lines *lines,
                                  const int *of_memory)
{
    const ting_attention_config *c = &decoder->config;
    const ting_attention_reader *r = ting_attention_reader_of(ctx, decoder, direction);
    ting_attention self, across;
    if (ctx->err != TING_OK)
        return (ting_tensor){0};
    ting_attention_full(ctx, lines->segments, lines->segments, c->heads, true, &self);
    ting_attention_across(ctx, lines->segments, memory_segments, of_memory, c->heads, false, &across);
    ting_tensor x = ting_attention_embed(ctx, r, lines->in, lines->segments.start[lines->segments.count]);
    x = ting_add(ctx, x, ting_sinusoid(ctx, lines->segments, c->width));
    x = ting_dropout_in_place(ctx, x, c->position_dropout);
    for (int i = 0; i < r->layers; i++) {
        x = ting_transformer_layer_forward(ctx, &decoder->shape, &r->layer[i], x, &self, memory, &across);
        ting_ctx_see(ctx, x, "decoder.%s.%d", direction == TING_FORWARD ? "left" : "right", i);
    }
    return ting_attention_output(ctx, decoder, r, x);
}
