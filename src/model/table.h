/* SPDX-License-Identifier: Apache-2.0 */
/*
 * table.h - the named tensors of an opened file, whatever its format.
 *
 * Each reader (gguf, safetensors, npy, onnx, pickle) fills a table while it parses, then seals it: names
 * are sorted, and a name that stands twice refuses the file. A sealed table is immutable and may be
 * shared by threads. Tensors borrow from the file; those that had to be copied (misaligned, compressed)
 * are owned by the table.
 */
#ifndef TING_MODEL_TABLE_H
#define TING_MODEL_TABLE_H

#include "nn/param.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct ting_named {
    char *name; /* owned */
    ting_stored tensor;
    void *owned;  /* the memory of tensor.data when it isn't the file's, or NULL */
    size_t order; /* position in the file */
} ting_named;

typedef struct ting_table {
    ting_named *items; /* [count], by name once sealed */
    size_t count, room;
} ting_table; /* start with {0} */

/* Copies the name (`length` bytes, without NUL inside); `owned` (or NULL) is taken, also on failure. The
 * dtype's size, the shape and tensor->bytes must agree. Errors: format, memory. */
ting_err ting_table_add(ting_table *table, const char *name, size_t length, const ting_stored *tensor,
                        void *owned);

/* Sorts; errors: format when a name stands twice. */
ting_err ting_table_seal(ting_table *table);

/* Borrows until the table is freed; NULL when absent. Only on a sealed table. */
const ting_stored *ting_table_find(const ting_table *table, const char *name);

/* Whether it is the "<name>.scale" of an I8 tensor, which comes along with that. Only on a sealed table. Errors: memory. */
ting_err ting_table_is_scale(const ting_table *table, const char *name, bool *out);

void ting_table_free(ting_table *table);

/* A shape's product. Refused for negative dimensions and when those that are not 0 multiply to more than 2^40, so that no
 * product of some of them can overflow, either. Errors: format; unsupported above TING_MAX_DIMS dimensions. */
ting_err ting_shape_elements(const int64_t *shape, size_t dims, size_t *out);

/* Copies [shape] elements of `size` bytes that stand `stride` elements apart into row-major order. */
void ting_copy_strided(void *to, const void *from, size_t size, int dims, const int64_t *shape,
                       const int64_t *stride);

/* Index of a table's items in file order: owned, free with ting_free; NULL when out of memory. */
const ting_named **ting_table_in_file_order(const ting_table *table);

/* A view of a table as where parameters come from: the name asked for is looked up behind `prefix`
 * ("am.", "w.", ""), and an I8 tensor comes with its "<name>.scale". The view must outlive the source. */
typedef struct ting_table_view {
    const ting_table *table;
    const char *prefix;
} ting_table_view;

ting_source ting_table_source(ting_table_view *view, const char *label);

#endif
