/* SPDX-License-Identifier: Apache-2.0 */
/*
 * transformer_s2s.h - toned syllables to hanzi with an encoder and a decoder (Vaswani 2017).
 *
 *     syllable ids [T] -> embedding x sqrt(width) + sinusoid -> encoder layers -> memory [T, width]
 *     character ids [U], <S> first -> embedding x sqrt(width) + sinusoid -> decoder layers, each place
 *     seeing those before it and the whole memory -> [U, width] -> logits [U, characters] of the next character
 *
 * Training gives the decoder <S> c1 .. cn and asks for c1 .. cn </S>. With `tied` the output layer's matrix is
 * the decoder's embedding (Press and Wolf 2017): one parameter, whose gradient is the sum of both uses.
 * Parameters: encoder.embedding.weight, encoder.layers.N.*, decoder.embedding.weight, decoder.layers.N.*,
 * encoder.norm.* and decoder.norm.* with pre-norm, output.weight (unless tied), output.bias.
 */
#ifndef TING_MODEL_TRANSFORMER_S2S_H
#define TING_MODEL_TRANSFORMER_S2S_H

#include "model/transformer_steps.h"

typedef struct ting_s2s_shape {
    int syllables, characters; /* sizes of the tables */
    int encoder_layers, decoder_layers;
    ting_transformer_shape layer;
    bool tied;
    ting_real input_dropout;
} ting_s2s_shape;

typedef struct ting_s2s_net ting_s2s_net;

/* Errors: model, naming the number that is out of range. */
ting_err ting_s2s_shape_check(const ting_s2s_shape *shape);

/* Declares all parameters; they start as transformer.h says. Returns an owned net, free with ting_s2s_net_free; it borrows
 * the registry. NULL when out of memory. */
ting_s2s_net *ting_s2s_net_new(const ting_s2s_shape *shape, ting_params *params);
void ting_s2s_net_free(ting_s2s_net *net);
const ting_s2s_shape *ting_s2s_net_shape(const ting_s2s_net *net);

/* ids [T] below shape->syllables -> memory [T, width]. */
ting_tensor ting_s2s_encode(ting_ctx *ctx, const ting_s2s_net *net, const int *ids, ting_segments segments);

/* ids [U] below shape->characters; segment s of `segments` looks at segment of_memory[s] of the memory (NULL: at its
 * own number). -> [U, width]. */
ting_tensor ting_s2s_decode(ting_ctx *ctx, const ting_s2s_net *net, ting_tensor memory, ting_segments memory_segments,
                            const int *ids, ting_segments segments, const int *of_memory);

/* The same one character after the other: ids [count], <S> in the first step, of hypotheses of these steps -> [count, width]. */
ting_err ting_s2s_steps_new(ting_ctx *ctx, const ting_s2s_net *net, ting_tensor memory, ting_segments memory_segments, int most,
                            int longest, ting_transformer_steps **out);
ting_tensor ting_s2s_step(ting_ctx *ctx, const ting_s2s_net *net, ting_transformer_steps *steps, const int *ids, const int *parents,
                          int count);

/* The output layer: logits [U, characters]. */
ting_tensor ting_s2s_logits(ting_ctx *ctx, const ting_s2s_net *net, ting_tensor hidden);

/* Its parameters, borrowed. */
ting_linear_params ting_s2s_net_output(const ting_s2s_net *net);

#endif
