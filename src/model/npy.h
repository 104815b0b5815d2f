/* SPDX-License-Identifier: Apache-2.0 */
/*
 * npy.h - numpy's array files: .npy (one array) and .npz (a zip of them).
 *
 *     "\x93NUMPY" | u8 major, u8 minor | u16 (major 1) or u32 header length | header | data
 *     {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }
 *
 * Types f4 f2 f8 i1 i4 i8, little-endian. Arrays stored by columns are copied into row-major order.
 */
#ifndef TING_MODEL_NPY_H
#define TING_MODEL_NPY_H

#include "base/file.h"
#include "base/str.h"
#include "model/table.h"

typedef struct ting_npy {
    ting_file file;
    void **members; /* [member_count] unpacked arrays of a .npz */
    size_t member_count;
    ting_table table; /* the array of a .npy is named "", those of a .npz as in numpy */
} ting_npy;

/* Members of a .npz that are no arrays, or of other types, refuse the file. Errors: io, format,
 * unsupported, memory; the path comes first. Immutable after opening. */
ting_err ting_npy_open(const char *path, ting_npy *out);

/* The same for bytes in memory, borrowed until close. */
ting_err ting_npy_parse(const void *bytes, size_t size, ting_npy *out);
void ting_npy_close(ting_npy *file);

/* Appends what stands before the elements, by rows, of an array of `shape` [dims] in a .npy file; its length is a multiple
 * of 64. dtype: one of the types above. */
void ting_npy_head(ting_str *out, ting_dtype dtype, int dims, const int64_t *shape);

#endif
