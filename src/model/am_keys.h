/* SPDX-License-Identifier: Apache-2.0 */
/*
 * am_keys.h - the sizes of an acoustic network as keys of a model file, read and written in one place.
 *
 * Architecture "<encoder>-<head>", as "zipformer2-transducer" or "conformer-ctc"; a transducer with a CTC head beside it is
 * named after the transducer. Keys under "tingxie.am.":
 *
 *     zipformer2  encoder.layers encoder.dims encoder.heads encoder.query_dims encoder.value_dims encoder.pos_head_dims
 *                 encoder.feedforward_dims encoder.kernels encoder.downsampling      arrays: an entry a stack
 *                 encoder.embed_channels [3] encoder.features encoder.pos_dim encoder.output_downsampling
 *                 encoder.chunk encoder.left (50 Hz rows)   encoder.causal (flag)
 *     conformer   encoder.features encoder.subsampling encoder.dim encoder.heads encoder.layers encoder.feedforward
 *                 encoder.kernel encoder.chunk (rows) encoder.left (chunks)   encoder.macaron encoder.causal (flags)
 *                 encoder.conv_norm "batch" "layer"   encoder.positions "absolute" "relative" "shifted"
 *                 encoder.activation as act_name.h has them
 *     cnn         encoder.convs encoder.channels encoder.stride_time encoder.stride_freq    arrays: an entry a block
 *                 encoder.features encoder.dim   encoder.activation
 *     transducer  decoder.vocab decoder.context decoder.dim decoder.groups joiner.dim
 *     CTC head    ctc.vocab   ctc.name: of its parameters
 *     attention   attention.layers attention.reverse_layers (0: one direction) attention.heads attention.feedforward
 *                 attention.begin attention.end (tokens)   attention.activation   beside a CTC head
 *     all         blank_id
 *
 * Features and tokens stand beside them (am_file.h).
 */
#ifndef TING_MODEL_AM_KEYS_H
#define TING_MODEL_AM_KEYS_H

#include "model/am_net.h"
#include "model/schema.h"

#define TING_AM_PREFIX   "tingxie.am."
#define TING_AM_FEATURES "features" /* a line of ting_feature_print */
#define TING_AM_BLANK    "blank_id"

/* The keys of a network whose architecture is known. Checks ranges and that the parts fit each other
 * (ting_am_net_check). Errors: unsupported (another architecture), not found, model. */
ting_err ting_am_read_keys(const ting_keys *keys, const char *architecture, ting_am_config *out);

/* Puts the architecture and all keys above under TING_AM_PREFIX. Checkpoints of trainings know them by their fingerprint: a new
 * key must be left out where it says what was always so. */
void ting_am_put_keys(ting_gguf_writer *writer, const ting_am_config *config);

#endif
