/* SPDX-License-Identifier: Apache-2.0 */
/* transformer_p2h.c - the one-to-one pinyin-to-hanzi network; see transformer_p2h.h. */
#include "model/transformer_p2h.h"

#include "base/mem.h"
#include "model/p2h_tables.h"

#include <math.h>
#include <stdio.h>

enum { LAYERS_MAX = 64, HASHES = 2, TRIPLE_PLACES = 3, PARTS_MAX = 1 + (2 + TRIPLE_PLACES) * HASHES };

struct ting_p2h_net {
    ting_p2h_shape shape;
    const ting_param *embedding;
    const ting_param *pairs[HASHES], *triples[HASHES];
    ting_linear_params input, to_detour, from_detour, output;
    ting_transformer_layer layer[LAYERS_MAX], map[LAYERS_MAX];
    ting_linear_params conv[LAYERS_MAX];
    ting_linear_params final_norm;
};

ting_err ting_p2h_shape_check(const ting_p2h_shape *s)
{
    const struct {
        const char *name;
        int value, low, high;
    } rules[] = {
        {"syllables", s->syllables, TING_P2H_FIRST, UINT16_MAX},
        {"characters", s->characters, TING_P2H_FIRST, UINT16_MAX},
        {"embedding", s->embedding, 1, 8192},
        {"width", s->layer.width, 1, 8192},
        {"heads", s->layer.heads, 1, 256},
        {"inner", s->layer.inner, 1, 65536},
        {"layers", s->layers, 1, LAYERS_MAX},
        {"map_layers", s->map_layers, 0, LAYERS_MAX},
        {"conv_taps", s->conv_taps, 0, 64},
        {"detour_dim", s->detour_dim, 0, 8192},
        {"pair_rows", s->pair_rows, 0, 1 << 24},
        {"triple_rows", s->triple_rows, 0, 1 << 24},
        {"triple_places", s->triple_places, s->triple_rows > 0 ? 1 : 0, TRIPLE_PLACES},
        {"ngram_dim", s->ngram_dim, s->pair_rows + s->triple_rows > 0 ? HASHES : 0, 4096},
    };
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++)
        if (rules[i].value < rules[i].low || rules[i].value > rules[i].high)
            return ting_fail(TING_ERR_MODEL, "pinyin-to-hanzi network: %s is %d, expected %d to %d", rules[i].name,
                             rules[i].value, rules[i].low, rules[i].high);
    if (s->layer.width % s->layer.heads != 0)
        return ting_fail(TING_ERR_MODEL, "pinyin-to-hanzi network: %d heads do not divide the width %d", s->layer.heads,
                         s->layer.width);
    if (s->triple_places == 2)
        return ting_fail(TING_ERR_MODEL, "pinyin-to-hanzi network: triple_places is 2, expected 1 or %d",
                         (int)TRIPLE_PLACES);
    if (s->ngram_dim % HASHES != 0)
        return ting_fail(TING_ERR_MODEL, "pinyin-to-hanzi network: ngram_dim is %d, expected an even number",
                         s->ngram_dim);
    return TING_OK;
}

static void declare_input(ting_p2h_net *net, ting_params *params)
{
    const ting_p2h_shape *s = &net->shape;
    int columns = s->embedding;
    const ting_init zero = ting_init_constant(0);
    net->embedding = ting_param_init(
        ting_params_add(params, TING_PARAM_VALUES, 2, (int[]){s->syllables, s->embedding}, "embedding.weight"),
        ting_transformer_embedding(s->layer.width));
    for (int i = 0; i < HASHES && s->pair_rows > 0; i++)
        net->pairs[i] = ting_param_init(ting_params_add(params, TING_PARAM_VALUES, 2,
                                                        (int[]){s->pair_rows, s->ngram_dim / HASHES}, "pairs.%d.weight", i),
                                        zero);
    for (int i = 0; i < HASHES && s->triple_rows > 0; i++)
        net->triples[i] = ting_param_init(
            ting_params_add(params, TING_PARAM_VALUES, 2, (int[]){s->triple_rows, s->ngram_dim / HASHES},
                            "triples.%d.weight", i), zero);
    columns += (s->pair_rows > 0 ? 2 * s->ngram_dim : 0) + (s->triple_rows > 0 ? s->triple_places * s->ngram_dim : 0);
    net->input = ting_transformer_linear(params, s->layer.width, columns, "", "input_embedding_projecter");
}

static ting_linear_params declare_conv(ting_params *params, int width, int taps, int i)
{
    ting_linear_params p;
    p.weight = ting_param_init(
        ting_params_add(params, TING_PARAM_VALUES, 3, (int[]){width, width, taps}, "cnn_layers.%d.weight", i),
        ting_transformer_glorot(width, width * taps));
    p.bias = ting_param_init(ting_params_add(params, TING_PARAM_VALUES, 1, &width, "cnn_layers.%d.bias", i),
                             ting_init_constant(0));
    return p;
}

ting_p2h_net *ting_p2h_net_new(const ting_p2h_shape *shape, ting_params *params)
{
    ting_p2h_net *net = ting_alloc(1, sizeof *net);
    if (net == NULL)
        return NULL;
    const int width = shape->layer.width, depth = shape->layers + shape->map_layers;
    net->shape = *shape;
    declare_input(net, params);
    char prefix[64];
    for (int i = 0; i < shape->layers; i++) {
        snprintf(prefix, sizeof prefix, "enc_layers.%d.", i);
        net->layer[i] = ting_transformer_declare(params, &shape->layer, TING_LAYER_ENCODER, depth, prefix);
        if (shape->conv_taps > 0)
            net->conv[i] = declare_conv(params, width, shape->conv_taps, i);
    }
    if (shape->detour_dim > 0) {
        net->to_detour = ting_transformer_linear(params, shape->detour_dim, width, "", "to_bert_embedding_projecter");
        net->from_detour = ting_transformer_linear(params, width, shape->detour_dim, "", "to_hidden_state");
    }
    for (int i = 0; i < shape->map_layers; i++) {
        snprintf(prefix, sizeof prefix, "map_encoders.%d.", i);
        net->map[i] = ting_transformer_declare(params, &shape->layer, TING_LAYER_ENCODER, depth, prefix);
    }
    if (shape->layer.norm == TING_NORM_BEFORE)
        net->final_norm = ting_norm_declare(params, width, "", "final_norm");
    /* a few rows are read at a time, those of the characters that a syllable allows: never packed */
    ting_param *weight = ting_params_add(params, TING_PARAM_VALUES, 2, (int[]){shape->characters, width}, "final_layer.weight");
    ting_param *bias = ting_params_add(params, TING_PARAM_VALUES, 1, &shape->characters, "final_layer.bias");
    net->output = (ting_linear_params){ting_param_init(weight, ting_transformer_embedding(width)),
                                       ting_param_init(bias, ting_init_constant(0))};
    return net;
}

void ting_p2h_net_free(ting_p2h_net *net)
{
    ting_free(net);
}

const ting_p2h_shape *ting_p2h_net_shape(const ting_p2h_net *net)
{
    return &net->shape;
}

ting_linear_params ting_p2h_net_output(const ting_p2h_net *net)
{
    return net->output;
}

/* Row of a hash table for two or three syllables: multiplicative mixing, fixed for ever since tables are
 * trained with it. */
static int hash_row(uint32_t a, uint32_t b, uint32_t c, int function, int rows)
{
    uint32_t h = a * UINT32_C(0x9E3779B1) ^ (b + UINT32_C(0x7F4A7C15) * (uint32_t)(function + 1)) * UINT32_C(0x85EBCA77);
    h ^= h >> 15;
    h = (h ^ c * UINT32_C(0xC2B2AE3D)) * UINT32_C(0x27D4EB2F);
    h ^= h >> 13;
    h *= UINT32_C(0x165667B1);
    h ^= h >> 16;
    return (int)(h % (uint32_t)rows);
}

/* Which syllables stand in an n-gram: `count` from `first` on, relative to the place. */
typedef struct ngram {
    int first, count;
} ngram;

static const ngram pair_before = {-1, 2}, pair_after = {0, 2};
static const ngram triple_at[TRIPLE_PLACES] = {{-1, 3}, {-2, 3}, {0, 3}}; /* around, before, after */

/* Beyond the edges of the sentence stand <S> and </S>. */
static uint32_t syllable_at(const int *ids, int t, int start, int end)
{
    return t < start ? TING_P2H_BEGIN : t >= end ? TING_P2H_END : (uint32_t)ids[t];
}

static void hash_ids(const ting_p2h_net *net, const int *ids, ting_segments segments, ngram gram, int function,
                     int *rows)
{
    for (int s = 0; s < segments.count; s++) {
        const int start = segments.start[s], end = segments.start[s + 1];
        for (int t = start; t < end; t++) {
            uint32_t a = syllable_at(ids, t + gram.first, start, end);
            uint32_t b = syllable_at(ids, t + gram.first + 1, start, end);
            rows[t] = gram.count == 2 ? hash_row(a, b, 0, function, net->shape.pair_rows)
                                      : hash_row(a, b, syllable_at(ids, t + gram.first + 2, start, end),
                                                 HASHES + function, net->shape.triple_rows);
        }
    }
}

/* Embeddings of the n-grams of one kind, one part a hash function. */
static int add_grams(ting_ctx *ctx, const ting_p2h_net *net, const int *ids, ting_segments segments, ngram gram,
                     ting_tensor *parts, int count)
{
    const int total = segments.start[segments.count];
    const ting_param *const *tables = gram.count == 3 ? net->triples : net->pairs;
    if (tables[0] == NULL)
        return count;
    const ting_real factor = (ting_real)sqrt((double)net->shape.layer.width);
    int *rows = ting_ctx_ints(ctx, total);
    if (rows == NULL)
        return count;
    for (int i = 0; i < HASHES; i++) {
        hash_ids(net, ids, segments, gram, i, rows);
        parts[count++] = ting_scale(ctx, ting_embedding(ctx, rows, total, tables[i]), factor);
    }
    return count;
}

/* [T] -> [T, width] */
static ting_tensor embed(ting_ctx *ctx, const ting_p2h_net *net, const int *ids, ting_segments segments)
{
    const ting_p2h_shape *s = &net->shape;
    const int total = segments.start[segments.count];
    ting_tensor parts[PARTS_MAX];
    int count = 0;
    ting_tensor x = ting_embedding(ctx, ids, total, net->embedding);
    x = ting_scale(ctx, x, (ting_real)sqrt((double)s->layer.width));
    parts[count++] = ting_add(ctx, x, ting_sinusoid(ctx, segments, s->embedding));
    count = add_grams(ctx, net, ids, segments, pair_before, parts, count);
    count = add_grams(ctx, net, ids, segments, pair_after, parts, count);
    for (int i = 0; i < s->triple_places; i++)
        count = add_grams(ctx, net, ids, segments, triple_at[i], parts, count);
    x = count > 1 ? ting_concat_cols(ctx, parts, count) : parts[0];
    x = ting_dropout(ctx, x, s->input_dropout);
    return ting_linear_apply(ctx, x, net->input, s->input_act);
}

ting_tensor ting_p2h_net_forward(ting_ctx *ctx, const ting_p2h_net *net, const int *ids, ting_segments segments)
{
    const ting_p2h_shape *s = &net->shape;
    const ting_tensor none = {0};
    ting_attention attention;
    ting_attention_full(ctx, segments, segments, s->layer.heads, false, &attention);
    for (int t = 0; t < segments.start[segments.count]; t++)
        if (ids[t] < 0 || ids[t] >= s->syllables) {
            ting_ctx_fail(ctx, TING_ERR_INTERNAL, "syllable id %d, the network has %d", ids[t], s->syllables);
            return none;
        }
    ting_tensor x = embed(ctx, net, ids, segments);
    ting_ctx_see(ctx, x, "input");
    for (int i = 0; i < s->layers; i++) {
        ting_tensor y = ting_transformer_layer_forward(ctx, &s->layer, &net->layer[i], x, &attention, none, NULL);
        if (s->conv_taps > 0) {
            y = ting_conv1d(ctx, y, segments, net->conv[i].weight, net->conv[i].bias, s->conv_taps - 1, 1);
            y = ting_add(ctx, ting_activate(ctx, TING_ACT_RELU, y), x);
        }
        x = y;
        ting_ctx_see(ctx, x, "enc_layers.%d", i);
    }
    if (s->detour_dim > 0) {
        x = ting_linear_apply(ctx, x, net->to_detour, TING_ACT_NONE);
        ting_ctx_see(ctx, x, "bert");
        x = ting_linear_apply(ctx, x, net->from_detour, TING_ACT_NONE);
    }
    for (int i = 0; i < s->map_layers; i++)
        x = ting_transformer_layer_forward(ctx, &s->layer, &net->map[i], x, &attention, none, NULL);
    if (net->final_norm.weight != NULL)
        x = ting_layer_norm(ctx, x, net->final_norm.weight, net->final_norm.bias, s->layer.eps);
    ting_ctx_see(ctx, x, "hidden");
    return x;
}

ting_tensor ting_p2h_net_logits(ting_ctx *ctx, const ting_p2h_net *net, ting_tensor hidden)
{
    return ting_linear_apply(ctx, hidden, net->output, TING_ACT_NONE);
}
