/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gguf.h - GGUF version 3 (ggml's model file): typed keys and named tensors in one file.
 *
 *     "GGUF" | u32 3 | u64 tensors | u64 keys
 *     keys:    string name, u32 type, value       string: u64 length, bytes; array: u32 type, u64 count, values
 *     tensors: string name, u32 dims, u64 sizes (the fastest first), u32 type, u64 offset
 *     padding to general.alignment, then data; every tensor begins at a multiple of the alignment
 *
 * Reading maps the file; every count, length and offset is checked, names that stand twice refuse it.
 * Tensor types F32, F16, BF16, I8, Q8_0, I32, I64, F64. Shapes are in torch order here (slowest first).
 * An int8 matrix is an I8 tensor "<name>" and an F32 tensor "<name>.scale" with one value per output.
 * docs/FORMATS.md says which keys a Tingxie file has.
 *
 *     ting_gguf file;
 *     TRY(ting_gguf_open(path, &file));
 *     ting_keys am = {&file, "tingxie.am."};
 *     int64_t bins;
 *     TRY(ting_keys_integer(&am, "features.bins", 1, 512, &bins));
 *     ting_table_view view = {&file.table, "am."};
 *     ting_source source = ting_table_source(&view, path);
 */
#ifndef TING_MODEL_GGUF_H
#define TING_MODEL_GGUF_H

#include "base/file.h"
#include "model/table.h"

#include <stdbool.h>
#include <stdint.h>

typedef enum ting_gguf_type { /* of a key, numbered as in the file */
    TING_GGUF_U8, TING_GGUF_I8, TING_GGUF_U16, TING_GGUF_I16, TING_GGUF_U32, TING_GGUF_I32, TING_GGUF_F32,
    TING_GGUF_BOOL, TING_GGUF_STRING, TING_GGUF_ARRAY, TING_GGUF_U64, TING_GGUF_I64, TING_GGUF_F64,
    TING_GGUF_TYPES
} ting_gguf_type;

typedef struct ting_gguf_entry {
    char *key;                  /* owned */
    char *text;                 /* owned; of a string, else NULL */
    ting_gguf_type type;        /* ARRAY: of its items, see is_array */
    bool is_array;
    uint64_t count;             /* items of an array, else 1 */
    const unsigned char *value; /* borrows from the file; strings with their lengths */
    size_t bytes;
} ting_gguf_entry;

typedef struct ting_gguf {
    ting_file file;
    char *label;              /* the path, for messages */
    ting_gguf_entry *entries; /* [count], by key */
    size_t count;
    ting_table table;
    size_t alignment;
} ting_gguf;

/* Maps and checks a file; `out` is zeroed on failure. Immutable afterwards, and shared by threads. Errors:
 * io, format, unsupported (another version or byte order, a tensor type), memory; the path comes first. */
ting_err ting_gguf_open(const char *path, ting_gguf *out);

/* The same for bytes in memory, aligned to TING_ALIGN, borrowed until close. */
ting_err ting_gguf_parse(const void *bytes, size_t size, const char *label, ting_gguf *out);
void ting_gguf_close(ting_gguf *file);

/* ---- keys ---- */

typedef struct ting_keys { /* the keys that begin with `prefix` ("tingxie.am.", or "" for all) */
    const ting_gguf *file;
    const char *prefix;
} ting_keys;

typedef struct ting_texts { /* owned strings in one block; free with ting_texts_free */
    const char **items;
    size_t count;
    char *block;
} ting_texts;

void ting_texts_free(ting_texts *texts);

/* `count` texts that stand in `bytes` bytes, a zero byte behind each; and those of another list. Copied. Errors: memory. */
ting_err ting_texts_make(const char *block, size_t bytes, size_t count, ting_texts *out);
ting_err ting_texts_copy(const ting_texts *from, ting_texts *out);

bool ting_keys_has(const ting_keys *keys, const char *key);

/* All getters name file and key in their sentence. Errors: not found; model (another type, a value out of
 * range). The text borrows until close. */
ting_err ting_keys_text(const ting_keys *keys, const char *key, const char **out);
ting_err ting_keys_integer(const ting_keys *keys, const char *key, int64_t least, int64_t most,
                           int64_t *out);
ting_err ting_keys_real(const ting_keys *keys, const char *key, double *out); /* integers too; finite */
ting_err ting_keys_flag(const ting_keys *keys, const char *key, bool *out);

/* An array of integers within least..most into out[room]; its length to count. */
ting_err ting_keys_integers(const ting_keys *keys, const char *key, int least, int most, int *out,
                            size_t room, size_t *count);

/* An array of strings; `out` is owned. Errors: memory too. */
ting_err ting_keys_texts(const ting_keys *keys, const char *key, ting_texts *out);

/* Item i < count of an entry of any numeric type, for listings. */
double ting_gguf_number(const ting_gguf_entry *entry, uint64_t i);
const char *ting_gguf_type_name(ting_gguf_type type);
size_t ting_gguf_type_bytes(ting_gguf_type type); /* 0 for strings and arrays */

/* ---- writing ---- */

typedef struct ting_gguf_writer ting_gguf_writer;

/* Returns an owned writer, free with ting_gguf_writer_free; NULL when out of memory. Puts fail stickily;
 * save reports it. Keys are copied. */
ting_gguf_writer *ting_gguf_writer_new(void);
void ting_gguf_writer_free(ting_gguf_writer *writer);

void ting_gguf_put_text(ting_gguf_writer *writer, const char *key, const char *text); /* NULL: puts nothing */
void ting_gguf_put_integer(ting_gguf_writer *writer, const char *key, int64_t value); /* I32, or I64 if wide */
void ting_gguf_put_real(ting_gguf_writer *writer, const char *key, double value);     /* F32 if exact, else F64 */
void ting_gguf_put_flag(ting_gguf_writer *writer, const char *key, bool value);
void ting_gguf_put_integers(ting_gguf_writer *writer, const char *key, const int *values, size_t count);
void ting_gguf_put_texts(ting_gguf_writer *writer, const char *key, const char *const *texts,
                         size_t count);

/* Of all keys that were put so far, in their order (base/hash.h); 0 when a put has failed. */
uint64_t ting_gguf_keys_fingerprint(const ting_gguf_writer *writer);

/* Copies an entry of another file. */
void ting_gguf_put_entry(ting_gguf_writer *writer, const ting_gguf_entry *entry);

/* Adds a tensor, converted to `dtype` while saving (precision.h): F32, F16, BF16, I8, or its own type. An
 * I8 tensor with scales, and any that becomes I8, brings its "<name>.scale". Borrows data and scales until
 * the writer is freed; copies the name. */
void ting_gguf_put_tensor(ting_gguf_writer *writer, const char *name, const ting_stored *tensor,
                          ting_dtype dtype);

/* Writes everything, tensors streamed one after the other. Atomic: a failed write leaves what stood at
 * path. Errors: those of the puts, io, format (a key or tensor put twice), memory. */
ting_err ting_gguf_save(ting_gguf_writer *writer, const char *path);

#endif
