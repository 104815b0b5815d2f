/* SPDX-License-Identifier: Apache-2.0 */
/* attention_parts.h - what the two ways of running an attention decoder share: internal to attention_decoder.c and _steps.c. */
#ifndef TING_MODEL_ATTENTION_PARTS_H
#define TING_MODEL_ATTENTION_PARTS_H

#include "model/attention_decoder.h"
#include "model/transformer.h"

typedef struct ting_attention_reader { /* one direction */
    int layers;                        /* 0: it is not there */
    const ting_param *embedding;       /* [vocab, width] */
    ting_transformer_layer layer[TING_ATTENTION_MOST_LAYERS];
    ting_linear_params norm, output;
} ting_attention_reader;

struct ting_attention_decoder {
    ting_attention_config config;
    ting_transformer_shape shape;
    ting_attention_reader reader[2]; /* by ting_direction */
};

/* Sticky error if the decoder lacks it. */
const ting_attention_reader *ting_attention_reader_of(ting_ctx *ctx, const ting_attention_decoder *decoder,
                                                      ting_direction direction);

/* ids [count] -> rows x sqrt(width), without positions. */
ting_tensor ting_attention_embed(ting_ctx *ctx, const ting_attention_reader *reader, const int *ids, int count);

/* What the last layer gives -> logits. */
ting_tensor ting_attention_output(ting_ctx *ctx, const ting_attention_decoder *decoder, const ting_attention_reader *reader,
                                  ting_tensor x);

#endif
