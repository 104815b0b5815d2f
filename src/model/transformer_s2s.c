/* SPDX-License-Identifier: Apache-2.0 */
/* transformer_s2s.c - see transformer_s2s.h. */
#include "model/transformer_s2s.h"

#include "base/mem.h"
#include "model/p2h_tables.h"

#include <math.h>
#include <stdio.h>

enum { LAYERS_MAX = 64 };

struct ting_s2s_net {
    ting_s2s_shape shape;
    const ting_param *syllable_table, *character_table;
    ting_transformer_layer encoder[LAYERS_MAX], decoder[LAYERS_MAX];
    ting_linear_params encoder_norm, decoder_norm;
    ting_linear_params output;
};

ting_err ting_s2s_shape_check(const ting_s2s_shape *s)
{
    const struct {
        const char *name;
        int value, low, high;
    } rules[] = {
        {"syllables", s->syllables, TING_P2H_FIRST, UINT16_MAX},
        {"characters", s->characters, TING_P2H_FIRST, UINT16_MAX},
        {"encoder_layers", s->encoder_layers, 1, LAYERS_MAX},
        {"decoder_layers", s->decoder_layers, 1, LAYERS_MAX},
        {"width", s->layer.width, 1, 8192},
        {"heads", s->layer.heads, 1, 256},
        {"inner", s->layer.inner, 1, 65536},
    };
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++)
        if (rules[i].value < rules[i].low || rules[i].value > rules[i].high)
            return ting_fail(TING_ERR_MODEL, "encoder-decoder network: %s is %d, expected %d to %d", rules[i].name,
                             rules[i].value, rules[i].low, rules[i].high);
    if (s->layer.width % s->layer.heads != 0)
        return ting_fail(TING_ERR_MODEL, "encoder-decoder network: %d heads do not divide the width %d",
                         s->layer.heads, s->layer.width);
    return TING_OK;
}

ting_s2s_net *ting_s2s_net_new(const ting_s2s_shape *shape, ting_params *params)
{
    ting_s2s_net *net = ting_alloc(1, sizeof *net);
    if (net == NULL)
        return NULL;
    const int width = shape->layer.width, depth = shape->encoder_layers + shape->decoder_layers;
    const ting_init embedding = ting_transformer_embedding(width), zero = ting_init_constant(0);
    char prefix[64];
    net->shape = *shape;
    net->syllable_table = ting_param_init(
        ting_params_add(params, TING_PARAM_VALUES, 2, (int[]){shape->syllables, width}, "encoder.embedding.weight"),
        embedding);
    for (int i = 0; i < shape->encoder_layers; i++) {
        snprintf(prefix, sizeof prefix, "encoder.layers.%d.", i);
        net->encoder[i] = ting_transformer_declare(params, &shape->layer, TING_LAYER_ENCODER, depth, prefix);
    }
    net->character_table = ting_param_init(
        ting_params_add(params, TING_PARAM_VALUES, 2, (int[]){shape->characters, width}, "decoder.embedding.weight"),
        embedding);
    for (int i = 0; i < shape->decoder_layers; i++) {
        snprintf(prefix, sizeof prefix, "decoder.layers.%d.", i);
        net->decoder[i] = ting_transformer_declare(params, &shape->layer, TING_LAYER_DECODER, depth, prefix);
    }
    if (shape->layer.norm == TING_NORM_BEFORE) {
        net->encoder_norm = ting_norm_declare(params, width, "encoder.", "norm");
        net->decoder_norm = ting_norm_declare(params, width, "decoder.", "norm");
    }
    if (shape->tied)
        net->output = (ting_linear_params){
            net->character_table,
            ting_param_init(ting_params_add(params, TING_PARAM_VALUES, 1, &shape->characters, "output.bias"), zero)};
    else
        net->output = ting_linear_declare_init(params, shape->characters, width, embedding, zero, "", "output");
    return net;
}

void ting_s2s_net_free(ting_s2s_net *net)
{
    ting_free(net);
}

const ting_s2s_shape *ting_s2s_net_shape(const ting_s2s_net *net)
{
    return &net->shape;
}

/* ids [count] -> [count, width], without positions; the sticky error when one is outside of the table. */
static ting_tensor look_up(ting_ctx *ctx, const ting_param *table, const int *ids, int count)
{
    for (int t = 0; t < count; t++)
        if (ids[t] < 0 || ids[t] >= table->t.rows) {
            ting_ctx_fail(ctx, TING_ERR_INTERNAL, "id %d, %s has %d rows", ids[t], table->name, table->t.rows);
            return (ting_tensor){0};
        }
    return ting_scale(ctx, ting_embedding(ctx, ids, count, table), (ting_real)sqrt((double)table->t.cols));
}

static ting_tensor embed(ting_ctx *ctx, const ting_s2s_net *net, const ting_param *table, const int *ids, ting_segments segments)
{
    ting_tensor x = look_up(ctx, table, ids, segments.start[segments.count]);
    x = ting_add(ctx, x, ting_sinusoid(ctx, segments, net->shape.layer.width));
    return ting_dropout(ctx, x, net->shape.input_dropout);
}

static ting_tensor final_norm(ting_ctx *ctx, const ting_s2s_net *net, ting_tensor x, ting_linear_params norm)
{
    return norm.weight == NULL ? x : ting_layer_norm(ctx, x, norm.weight, norm.bias, net->shape.layer.eps);
}

ting_tensor ting_s2s_encode(ting_ctx *ctx, const ting_s2s_net *net, const int *ids, ting_segments segments)
{
    const ting_s2s_shape *s = &net->shape;
    ting_attention self;
    ting_attention_full(ctx, segments, segments, s->layer.heads, false, &self);
    ting_tensor x = embed(ctx, net, net->syllable_table, ids, segments);
    for (int i = 0; i < s->encoder_layers; i++) {
        x = ting_transformer_layer_forward(ctx, &s->layer, &net->encoder[i], x, &self, (ting_tensor){0}, NULL);
        ting_ctx_see(ctx, x, "encoder.layers.%d", i);
    }
    x = final_norm(ctx, net, x, net->encoder_norm);
    ting_ctx_see(ctx, x, "memory");
    return x;
}

ting_tensor ting_s2s_decode(ting_ctx *ctx, const ting_s2s_net *net, ting_tensor memory, ting_segments memory_segments,
                            const int *ids, ting_segments segments, const int *of_memory)
{
    const ting_s2s_shape *s = &net->shape;
    ting_attention self, across;
    ting_attention_full(ctx, segments, segments, s->layer.heads, true, &self);
    ting_attention_across(ctx, segments, memory_segments, of_memory, s->layer.heads, false, &across);
    ting_tensor x = embed(ctx, net, net->character_table, ids, segments);
    for (int i = 0; i < s->decoder_layers; i++) {
        x = ting_transformer_layer_forward(ctx, &s->layer, &net->decoder[i], x, &self, memory, &across);
        ting_ctx_see(ctx, x, "decoder.layers.%d", i);
    }
    x = final_norm(ctx, net, x, net->decoder_norm);
    ting_ctx_see(ctx, x, "hidden");
    return x;
}

ting_err ting_s2s_steps_new(ting_ctx *ctx, const ting_s2s_net *net, ting_tensor memory, ting_segments memory_segments, int most,
                            int longest, ting_transformer_steps **out)
{
    const ting_s2s_shape *s = &net->shape;
    return ting_transformer_steps_new(ctx, &s->layer, net->decoder, s->decoder_layers, memory, memory_segments, most, longest, out);
}

ting_tensor ting_s2s_step(ting_ctx *ctx, const ting_s2s_net *net, ting_transformer_steps *steps, const int *ids, const int *parents,
                          int count)
{
    ting_tensor position = ting_ctx_constant(ctx, 1, net->shape.layer.width);
    if (ctx->err != TING_OK)
        return (ting_tensor){0};
    ting_sinusoid_fill(ctx, ting_transformer_steps_length(steps), 1, position);
    ting_tensor x = ting_add(ctx, look_up(ctx, net->character_table, ids, count), position);
    return final_norm(ctx, net, ting_transformer_steps_take(ctx, steps, x, parents), net->decoder_norm);
}

ting_tensor ting_s2s_logits(ting_ctx *ctx, const ting_s2s_net *net, ting_tensor hidden)
{
    return ting_linear_apply(ctx, hidden, net->output, TING_ACT_NONE);
}

ting_linear_params ting_s2s_net_output(const ting_s2s_net *net)
{
    return net->output;
}
