/* SPDX-License-Identifier: Apache-2.0 */
/*
 * safetensors.h - the tensor file of huggingface/safetensors.
 *
 *     [ u64 n ] [ n bytes of JSON ] [ data ]
 *     {"__metadata__": {"key": "text"}, "name": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}}
 *
 * Offsets count from the start of data. Types F32, F16, BF16, I8, I32, I64, F64; others refuse the file.
 *
 *     ting_safetensors file;
 *     TRY(ting_safetensors_open(path, &file));
 *     ting_table_view view = {&file.table, "w."};
 *     ting_source source = ting_table_source(&view, path);
 *     ... ting_params_load(params, &source, &options) ...
 *     ting_safetensors_close(&file);
 */
#ifndef TING_MODEL_SAFETENSORS_H
#define TING_MODEL_SAFETENSORS_H

#include "base/file.h"
#include "model/table.h"

typedef struct ting_text_pair {
    char *key, *value;
} ting_text_pair;

typedef struct ting_safetensors {
    ting_file file;
    ting_table table; /* tensors; borrow from the file */
    ting_text_pair *metadata;
    size_t metadata_count;
} ting_safetensors;

/* Maps and checks the file; `out` is zeroed on failure. Errors: io, format, unsupported, memory; the
 * sentence begins with the path. Immutable after opening. */
ting_err ting_safetensors_open(const char *path, ting_safetensors *out);

/* The same for bytes in memory, which are borrowed until close. */
ting_err ting_safetensors_parse(const void *bytes, size_t size, ting_safetensors *out);
void ting_safetensors_close(ting_safetensors *file);

/* A metadata text, or NULL; borrows until close. */
const char *ting_safetensors_metadata(const ting_safetensors *file, const char *key);

/* Writes the tensors, widest type first; scales of I8 tensors only if they are tensors of the table. Atomic: a failed
 * write leaves what stood at path. Errors: io, memory,
 * unsupported (Q8_0). */
ting_err ting_safetensors_save(const char *path, const ting_table *table, const ting_text_pair *metadata,
                               size_t metadata_count);

#endif
