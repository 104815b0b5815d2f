/* SPDX-License-Identifier: Apache-2.0 */
/*
 * transformer_p2h.h - toned syllables to hanzi, one character a syllable: a Transformer encoder.
 *
 *     syllable ids [T] -> embedding x sqrt(width), + sinusoid -> beside it the embeddings of the n-grams of
 *     syllables around each place -> linear map to `width` -> layers -> [T, width] -> linear [T, characters]
 *
 * One forward serves training, a single line and a batch; nothing is padded. The settings also give the
 * network of the public family TensorflowASR, TransformerO2OE ("the tutorial's"): post-norm, a causal
 * convolution beside each layer, a detour through bert_dim columns and more layers after it. Parameter names
 * are those of golden/transformer-p2h. The page docs/models/p2h-transformer.md has equations and shapes.
 *
 * N-gram embeddings. A word is mostly two or three syllables; a table of syllable pairs and triples, found by
 * hashing, knows it in one look-up, where attention would spend layers. Each of two hash functions picks a row
 * of ngram_dim / 2 numbers, so that two n-grams seldom share both halves. The pair (before, here), the pair (here,
 * after) and one or three triples stand at each place, the edges of the sentence counting as <S> and </S>.
 */
#ifndef TING_MODEL_TRANSFORMER_P2H_H
#define TING_MODEL_TRANSFORMER_P2H_H

#include "model/transformer.h"

typedef struct ting_p2h_shape {
    int syllables, characters; /* sizes of the tables */
    int embedding;             /* columns of the syllable embedding */
    int pair_rows, triple_rows; /* of each hash table; 0: none */
    int triple_places;          /* 1: the triple around a place; 3: those before and after it too, from the same table */
    int ngram_dim;              /* columns an n-gram takes: half from each table */
    ting_act input_act;         /* after the map to `width`: ELU in the tutorial's, else NONE */
    int layers;
    ting_transformer_shape layer;
    int conv_taps;  /* causal convolution beside each layer; 0: none */
    int detour_dim; /* "bert_dim"; 0: none */
    int map_layers; /* layers after the detour */
    ting_real input_dropout;
} ting_p2h_shape;

typedef struct ting_p2h_net ting_p2h_net;

/* Declares all parameters; they start as transformer.h says, tables of n-grams with 0, so that an n-gram never seen adds
 * nothing. Returns an owned net, free with ting_p2h_net_free; it borrows the registry. NULL when out of memory; wrong shapes
 * are reported by ting_p2h_shape_check. */
ting_p2h_net *ting_p2h_net_new(const ting_p2h_shape *shape, ting_params *params);
void ting_p2h_net_free(ting_p2h_net *net);

/* Errors: model, naming the number that is out of range. */
ting_err ting_p2h_shape_check(const ting_p2h_shape *shape);

const ting_p2h_shape *ting_p2h_net_shape(const ting_p2h_net *net);

/* ids [T], all below shape->syllables -> [T, width], what the output layer reads. */
ting_tensor ting_p2h_net_forward(ting_ctx *ctx, const ting_p2h_net *net, const int *ids, ting_segments segments);

/* The output layer: logits [T, characters]. */
ting_tensor ting_p2h_net_logits(ting_ctx *ctx, const ting_p2h_net *net, ting_tensor hidden);

/* Its parameters, never packed, for losses and searches that compute only some logits. */
ting_linear_params ting_p2h_net_output(const ting_p2h_net *net);

#endif
