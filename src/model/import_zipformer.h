/* SPDX-License-Identifier: Apache-2.0 */
/* import_zipformer.h - what the two files of the ONNX importer share. */
#ifndef TING_MODEL_IMPORT_ZIPFORMER_H
#define TING_MODEL_IMPORT_ZIPFORMER_H

#include "model/import_zipformer_onnx.h"
#include "model/onnx_walk.h"

enum { TING_IMPORT_NAME = 64 }; /* of a stack */

typedef struct ting_zipformer_import {
    ting_onnx encoder, decoder, joiner;
    ting_onnx_walk walk; /* of the encoder */
    ting_imported *out;
} ting_zipformer_import;

/* "encoder.encoders.1.encoder" or, without downsampling, "encoder.encoders.0". */
void ting_import_stack_name(const ting_zipformer_config *config, int stack,
                            char out[TING_IMPORT_NAME]);

/* All tensors of the encoder into the walk's table, checked against the settings as far as their place in the graph
 * needs it; sets pos_dim. Errors: model, unsupported, not found, memory. */
ting_err ting_import_encoder_tensors(ting_zipformer_import *im);

#endif
