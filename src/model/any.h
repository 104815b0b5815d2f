/* SPDX-License-Identifier: Apache-2.0 */
/*
 * any.h - a tensor file of whatever format: GGUF, safetensors, .npy, .npz, pickle, .pt, ONNX, told apart by
 * their first bytes, not by their names.
 */
#ifndef TING_MODEL_ANY_H
#define TING_MODEL_ANY_H

#include "model/gguf.h"
#include "model/npy.h"
#include "model/onnx.h"
#include "model/pickle.h"
#include "model/safetensors.h"

typedef enum ting_any_format {
    TING_ANY_GGUF, TING_ANY_SAFETENSORS, TING_ANY_NPY, TING_ANY_PICKLE, TING_ANY_ONNX
} ting_any_format;

typedef struct ting_any {
    ting_any_format format;
    size_t bytes;            /* of the file */
    const ting_table *table; /* its tensors */
    union {
        ting_gguf gguf;
        ting_safetensors safetensors;
        ting_npy npy;
        ting_pickle pickle;
        ting_onnx onnx;
    };
    ting_table from_pickle;
} ting_any;

/* Errors: those of the formats; the path comes first. Not to be copied: table may point into it. */
ting_err ting_any_open(const char *path, ting_any *out);
void ting_any_close(ting_any *any);

const char *ting_any_format_name(ting_any_format format);

#endif
