/* SPDX-License-Identifier: Apache-2.0 */
/*
 * am_keys.h - the sizes of an acoustic model as keys of a model file, read and written in one place.
 *
 * Architecture "zipformer2-transducer", keys under "tingxie.am." (an array has an entry a stack):
 *
 *     encoder.layers encoder.dims encoder.heads encoder.query_dims encoder.value_dims encoder.pos_head_dims
 *     encoder.feedforward_dims encoder.kernels encoder.downsampling           arrays
 *     encoder.features encoder.embed_channels [3] encoder.pos_dim encoder.output_downsampling
 *     encoder.causal encoder.chunk encoder.left
 *     decoder.vocab decoder.context decoder.dim decoder.groups joiner.dim blank_id
 *
 * The features and tokens stand beside them (docs/FORMATS.md).
 */
#ifndef TING_MODEL_AM_KEYS_H
#define TING_MODEL_AM_KEYS_H

#include "model/schema.h"
#include "model/transducer.h"
#include "model/zipformer.h"

#define TING_AM_ARCHITECTURE "zipformer2-transducer"
#define TING_AM_PREFIX       "tingxie.am."
#define TING_AM_FEATURES     "features" /* a line of ting_feature_print */
#define TING_AM_BLANK        "blank_id"

/* keys with the prefix of the network. Checks ranges and that the parts fit each other. Errors: not found, model. */
ting_err ting_am_read_keys(const ting_keys *keys, ting_zipformer_config *encoder,
                           ting_transducer_config *transducer);

/* Puts the architecture and all keys above under TING_AM_PREFIX. */
void ting_am_put_keys(ting_gguf_writer *writer, const ting_zipformer_config *encoder,
                      const ting_transducer_config *transducer);

#endif
