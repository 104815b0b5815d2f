/* SPDX-License-Identifier: Apache-2.0 */
/*
 * transformer.h - the layers that Transformer networks are made of (Vaswani 2017, "Attention is all you
 * need").
 *
 * A layer is self-attention, then (in a decoder) attention to another sequence, then two linear maps with
 * an activation between them, each with a residual connection:
 *
 *     after (post-norm, as published)     x = norm(x + dropout(part(x)))
 *     before (pre-norm, Xiong 2020)       x = x + dropout(part(norm(x)))
 *
 * Parameter names below a prefix follow the public family of pinyin-to-hanzi networks: mha.wq, mha.wk,
 * mha.wv, mha.dense, ffn.0, ffn.1, layernorm1, layernorm2, and in decoders cross.* and layernorm3, each
 * with .weight and .bias; or other names that the caller has.
 */
#ifndef TING_MODEL_TRANSFORMER_H
#define TING_MODEL_TRANSFORMER_H

#include "model/linear.h"

typedef enum ting_norm_place { TING_NORM_AFTER, TING_NORM_BEFORE } ting_norm_place;

typedef struct ting_transformer_shape {
    int width, heads, inner; /* d_model; heads divide it; rows between the two linear maps */
    ting_norm_place norm;
    ting_act act;
    ting_real eps, dropout;
    ting_real inner_dropout; /* between the two linear maps */
} ting_transformer_shape;

typedef struct ting_mha_params {
    ting_linear_params query, key, value, out;
} ting_mha_params;

typedef struct ting_transformer_layer {
    ting_mha_params self, cross; /* cross.query.weight NULL: an encoder layer */
    ting_linear_params inner, outer;
    ting_linear_params norm[3]; /* of self-attention, of the linear maps, of cross-attention */
} ting_transformer_layer;

/* First values: gains 1, biases 0; matrices N(0, 2 / (inputs + outputs)) (Glorot 2010), the last one of each residual part
 * divided by sqrt(2 depth), `depth` being the layers of the whole network (Radford 2019); embeddings and what reads their
 * like N(0, 1 / width), so that sqrt(width) times them has variance 1. */
ting_init ting_transformer_glorot(int outputs, int inputs);
ting_init ting_transformer_embedding(int width);

/* A linear layer that starts so, its bias with 0. */
ting_linear_params ting_transformer_linear(ting_params *params, int n, int k, const char *prefix, const char *name);

/* Declares the weight (gain) and bias of a layer norm, which start as 1 and 0. */
ting_linear_params ting_norm_declare(ting_params *params, int width, const char *prefix, const char *name);

typedef enum ting_layer_kind { TING_LAYER_ENCODER, TING_LAYER_DECODER } ting_layer_kind;
ting_transformer_layer ting_transformer_declare(ting_params *params, const ting_transformer_shape *shape,
                                                ting_layer_kind kind, int depth, const char *prefix);

/* The same under other names. */
typedef struct ting_transformer_names { /* of a layer's parts, below its prefix */
    const char *self[4], *cross[4];     /* query, key, value, out */
    const char *inner, *outer;
    const char *norm[3]; /* in the layer's order */
} ting_transformer_names;
ting_transformer_layer ting_transformer_declare_named(ting_params *params, const ting_transformer_shape *shape,
                                                      ting_layer_kind kind, int depth, const char *prefix,
                                                      const ting_transformer_names *names);

/* x [T, width] -> [T, width]. `self` says who sees whom; its spans outlive the tape. memory [M, width] and
 * `across` serve a decoder layer; ignored otherwise (across may be NULL). */
ting_tensor ting_transformer_layer_forward(ting_ctx *ctx, const ting_transformer_shape *shape,
                                           const ting_transformer_layer *layer, ting_tensor x,
                                           const ting_attention *self, ting_tensor memory,
                                           const ting_attention *across);

/* Keys and values of an attention, [T, width] each, kept from call to call: those of a memory, or of all rows so far. */
typedef struct ting_mha_kept {
    ting_tensor keys, values;
    const int *row; /* where the keys and values of each row of x go, before x is run; NULL: x has none of its own */
} ting_mha_kept;
ting_mha_kept ting_mha_keep(ting_ctx *ctx, const ting_mha_params *mha, ting_tensor x);

/* A decoder layer's next rows x [n, width], without a tape: the spans of `self` lie in what is kept of the past, those of
 * `across` in what is kept of the memory. */
ting_tensor ting_transformer_layer_step(ting_ctx *ctx, const ting_transformer_shape *shape,
                                        const ting_transformer_layer *layer, ting_tensor x, const ting_attention *self,
                                        const ting_mha_kept *past, const ting_attention *across,
                                        const ting_mha_kept *memory);

/* One full span a segment: queries of `queries`, keys of `keys` (the same for self-attention). In the
 * context's arena; the result is copied into *out. */
void ting_attention_full(ting_ctx *ctx, ting_segments queries, ting_segments keys, int heads, bool causal,
                         ting_attention *out);

/* The same where segment s looks at segment of_keys[s] of the keys (NULL: at its own number). */
void ting_attention_across(ting_ctx *ctx, ting_segments queries, ting_segments keys, const int *of_keys, int heads,
                           bool causal, ting_attention *out);

#endif
