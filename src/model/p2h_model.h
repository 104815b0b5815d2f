/* SPDX-License-Identifier: Apache-2.0 */
/*
 * p2h_model.h - a pinyin-to-hanzi network with its tables, out of a model file and into one.
 *
 * Network "p2h" of docs/FORMATS.md, architecture "transformer-p2h" (one-to-one), "transformer-s2s" or "birnn-attention" (encoder and
 * decoder). Settings are integers under tingxie.p2h.: the members of ting_p2h_shape, ting_s2s_shape or ting_bahdanau_shape by name
 * (pair_rows, layers, width, ...); of Transformers norm (0 after, 1 before), activation and input_activation (text), and the real eps.
 */
#ifndef TING_MODEL_P2H_MODEL_H
#define TING_MODEL_P2H_MODEL_H

#include "base/str.h"
#include "model/bahdanau.h"
#include "model/gguf.h"
#include "model/p2h_tables.h"
#include "model/transformer_p2h.h"
#include "model/transformer_s2s.h"

typedef struct ting_p2h_model {
    ting_p2h_tables tables;
    ting_params *params;
    ting_p2h_net *net; /* one-to-one; NULL: one of the next two, which have an encoder and a decoder */
    ting_s2s_net *s2s;
    ting_bahdanau_net *birnn;
} ting_p2h_model;

/* Reads network "p2h" of an opened file; the weights are packed for `kern` in `precision`. Immutable afterwards and
 * shared by threads; the file may be closed. Free with ting_p2h_model_close. Errors: not found (no such network),
 * model, format, memory. */
ting_err ting_p2h_model_open(const ting_gguf *file, const ting_kern *kern, ting_precision precision,
                             ting_p2h_model *out);
void ting_p2h_model_close(ting_p2h_model *model);

/* "Transformer", "Transformer with encoder and decoder" or "BiRNN with attention"; static. */
const char *ting_p2h_kind_name(const ting_p2h_model *model);

/* An encoder-decoder of either form: the functions of transformer_s2s.h or bahdanau.h. */
ting_tensor ting_p2h_encode(ting_ctx *ctx, const ting_p2h_model *model, const int *ids, ting_segments segments);
ting_tensor ting_p2h_run_decoder(ting_ctx *ctx, const ting_p2h_model *model, ting_tensor memory, ting_segments memory_segments,
                                 const int *ids, ting_segments segments, const int *of_memory);

/* The same one character after the other: ting_s2s_steps_new or ting_bahdanau_steps_new; ting_s2s_step or ting_bahdanau_step. */
typedef struct ting_p2h_steps { /* start with {0}; free with ting_p2h_steps_end */
    const ting_p2h_model *model;
    ting_transformer_steps *s2s;
    ting_bahdanau_steps *birnn;
} ting_p2h_steps;
ting_err ting_p2h_steps_begin(ting_ctx *ctx, const ting_p2h_model *model, ting_tensor memory, ting_segments memory_segments, int most,
                              int longest, ting_p2h_steps *out);
void ting_p2h_steps_end(ting_p2h_steps *steps);
ting_tensor ting_p2h_step(ting_ctx *ctx, ting_p2h_steps *steps, const int *ids, const int *parents, int count);

ting_tensor ting_p2h_decoder_logits(ting_ctx *ctx, const ting_p2h_model *model, ting_tensor hidden);
ting_linear_params ting_p2h_decoder_output(const ting_p2h_model *model); /* borrowed */

/* Appends the settings of the network, a line "name value" each: what the shapes of its parameters do not show is in it. */
void ting_p2h_model_settings(const ting_p2h_model *model, ting_str *out);

/* Puts the tables alone. Errors: memory. */
ting_err ting_p2h_tables_put(ting_gguf_writer *writer, const ting_p2h_tables *tables);

/* Puts settings, tables and weights (each matrix and table as `dtype`, vectors as F32) of the model's network. The
 * values are borrowed until the writer is freed. The caller has begun the schema and puts licence and training
 * record. */
ting_err ting_p2h_model_put(ting_gguf_writer *writer, const ting_p2h_model *model, ting_dtype dtype);

#endif
