/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gguf_read.c - bytes to keys and tensors; see gguf.h. Follows ggml's docs/gguf.md.
 *
 * Left out on purpose: versions 1 and 2, big-endian files, arrays of arrays, block types but Q8_0.
 */
#include "model/gguf.h"

#include "base/mem.h"
#include "base/utf8.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
    VERSION = 3,
    MOST_NAME = 1 << 12,
    LEAST_KEY = 8 + 4 + 1,         /* bytes of the shortest key: an empty name and a one-byte value */
    LEAST_TENSOR = 8 + 4 + 4 + 8,  /* of the shortest tensor entry */
    MOST_ALIGNMENT = 1 << 16,
    DEFAULT_ALIGNMENT = 32
};

typedef struct cursor {
    const unsigned char *at;
    size_t left;
    size_t size; /* of the whole */
} cursor;

static ting_err take(cursor *c, uint64_t bytes, const unsigned char **out, const char *what)
{
    *out = c->at;
    if (bytes > c->left)
        return ting_fail(TING_ERR_FORMAT,
                         "%s at byte %zu needs %" PRIu64 " bytes, %zu are left: the file is truncated or damaged",
                         what, c->size - c->left, bytes, c->left);
    c->at += bytes;
    c->left -= (size_t)bytes;
    return TING_OK;
}

static ting_err take_u32(cursor *c, uint32_t *out, const char *what)
{
    ting_err err = TING_OK;
    const unsigned char *bytes;
    *out = 0;
    TRY(take(c, sizeof *out, &bytes, what));
    memcpy(out, bytes, sizeof *out);
out:
    return err;
}

static ting_err take_u64(cursor *c, uint64_t *out, const char *what)
{
    ting_err err = TING_OK;
    const unsigned char *bytes;
    *out = 0;
    TRY(take(c, sizeof *out, &bytes, what));
    memcpy(out, bytes, sizeof *out);
out:
    return err;
}

/* A string: borrowed bytes, valid UTF-8 without a zero byte. */
static ting_err take_text(cursor *c, const char **out, size_t *length, const char *what)
{
    ting_err err = TING_OK;
    uint64_t bytes = 0;
    const unsigned char *text;
    *out = NULL;
    *length = 0;
    TRY(take_u64(c, &bytes, what));
    TRY(take(c, bytes, &text, what));
    if (memchr(text, '\0', (size_t)bytes) != NULL || ting_utf8_count((const char *)text, (size_t)bytes) < 0)
        FAIL(TING_ERR_FORMAT, "%s that ends at byte %zu is not UTF-8", what, c->size - c->left);
    *out = (const char *)text;
    *length = (size_t)bytes;
out:
    return err;
}

static char *copy_text(const char *text, size_t length)
{
    char *copy = ting_alloc(length + 1, 1);
    if (copy != NULL)
        memcpy(copy, text, length);
    return copy;
}

size_t ting_gguf_type_bytes(ting_gguf_type type)
{
    static const unsigned char bytes[TING_GGUF_TYPES] = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};
    return type < TING_GGUF_TYPES ? bytes[type] : 0;
}

const char *ting_gguf_type_name(ting_gguf_type type)
{
    static const char *const names[TING_GGUF_TYPES] = {"u8",   "i8",     "u16",   "i16", "u32", "i32", "f32",
                                                       "bool", "string", "array", "u64", "i64", "f64"};
    return type < TING_GGUF_TYPES ? names[type] : "unknown";
}

static ting_err take_value(cursor *c, ting_gguf_entry *entry)
{
    ting_err err = TING_OK;
    uint32_t type;
    const char *text;
    size_t length = 0;
    const unsigned char *values;
    entry->count = 1;
    TRY(take_u32(c, &type, "a value's type"));
    entry->is_array = type == TING_GGUF_ARRAY;
    if (entry->is_array) {
        TRY(take_u32(c, &type, "an array's type"));
        TRY(take_u64(c, &entry->count, "an array's length"));
    }
    if (type >= TING_GGUF_TYPES || type == TING_GGUF_ARRAY)
        FAIL(TING_ERR_UNSUPPORTED, "%s of type %" PRIu32 ", which is not known here",
             entry->is_array ? "an array" : "a value", type);
    entry->type = (ting_gguf_type)type;
    const unsigned char *start = c->at;
    if (type == TING_GGUF_STRING) {
        for (uint64_t i = 0; i < entry->count; i++)
            TRY(take_text(c, &text, &length, "a string"));
        if (!entry->is_array && (entry->text = copy_text(text, length)) == NULL)
            err = TING_ERR_MEMORY;
    } else {
        size_t each = ting_gguf_type_bytes(entry->type);
        uint64_t bytes = entry->count > UINT64_MAX / each ? UINT64_MAX : entry->count * each;
        TRY(take(c, bytes, &values, "a value"));
    }
    entry->value = start;
    entry->bytes = (size_t)(c->at - start);
out:
    return err;
}

static int by_key(const void *a, const void *b)
{
    return strcmp(((const ting_gguf_entry *)a)->key, ((const ting_gguf_entry *)b)->key);
}

static ting_err take_entries(cursor *c, uint64_t count, ting_gguf *out)
{
    ting_err err = TING_OK;
    if (count > c->left / LEAST_KEY)
        FAIL(TING_ERR_FORMAT, "%" PRIu64 " keys announced, %zu bytes follow: truncated or damaged", count,
             c->left);
    out->entries = ting_alloc((size_t)count, sizeof *out->entries);
    if (out->entries == NULL) {
        err = TING_ERR_MEMORY;
        goto out;
    }
    while (out->count < count) {
        ting_gguf_entry *entry = &out->entries[out->count];
        const char *key;
        size_t length;
        TRY(take_text(c, &key, &length, "a key"));
        if (length > MOST_NAME)
            FAIL(TING_ERR_FORMAT, "a key of %zu bytes, at most %d are allowed", length, MOST_NAME);
        entry->key = copy_text(key, length);
        if (entry->key == NULL) {
            err = TING_ERR_MEMORY;
            goto out;
        }
        out->count++;
        err = take_value(c, entry);
        if (err != TING_OK) {
            ting_fail_in(err, "key \"%s\"", entry->key);
            goto out;
        }
    }
    if (out->count > 1)
        qsort(out->entries, out->count, sizeof *out->entries, by_key);
    for (size_t i = 1; i < out->count; i++)
        if (strcmp(out->entries[i - 1].key, out->entries[i].key) == 0)
            FAIL(TING_ERR_FORMAT, "the key \"%s\" stands twice", out->entries[i].key);
out:
    return err;
}

static ting_err dtype_of(uint32_t type, ting_dtype *out)
{
    static const struct {
        unsigned char ggml, dtype;
    } known[] = {{0, TING_DTYPE_F32},  {1, TING_DTYPE_F16},  {8, TING_DTYPE_Q8_0}, {24, TING_DTYPE_I8},
                 {26, TING_DTYPE_I32}, {27, TING_DTYPE_I64}, {28, TING_DTYPE_F64}, {30, TING_DTYPE_BF16}};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (known[i].ggml == type) {
            *out = (ting_dtype)known[i].dtype;
            return TING_OK;
        }
    }
    return ting_fail(TING_ERR_UNSUPPORTED, "ggml type %" PRIu32 ", expected F32 F16 BF16 I8 Q8_0 I32 I64 F64",
                     type);
}

/* Name, shape and type; data holds the offset until the data's place is known. */
static ting_err take_tensor(cursor *c, const char **name, size_t *length, ting_stored *out,
                            uint64_t *offset)
{
    ting_err err = TING_OK;
    uint32_t dims, type;
    size_t elements;
    *out = (ting_stored){0};
    TRY(take_text(c, name, length, "a tensor's name"));
    TRY(take_u32(c, &dims, "a tensor's dimensions"));
    if (dims > TING_MAX_DIMS)
        FAIL(TING_ERR_UNSUPPORTED, "%" PRIu32 " dimensions, at most %d are supported", dims, TING_MAX_DIMS);
    out->dims = (int)dims;
    for (uint32_t i = 0; i < dims; i++) {
        uint64_t size;
        TRY(take_u64(c, &size, "a tensor's shape"));
        out->shape[dims - 1 - i] = size > INT64_MAX ? -1 : (int64_t)size;
    }
    TRY(take_u32(c, &type, "a tensor's type"));
    TRY(dtype_of(type, &out->dtype));
    TRY(ting_shape_elements(out->shape, dims, &elements));
    if (out->dtype == TING_DTYPE_Q8_0 && (dims == 0 || out->shape[dims - 1] % 32 != 0))
        FAIL(TING_ERR_FORMAT, "Q8_0 rows must be a multiple of 32 long");
    out->bytes = ting_dtype_bytes(out->dtype, elements);
    TRY(take_u64(c, offset, "a tensor's offset"));
out:
    if (err != TING_OK && *length > 0)
        ting_fail_in(err, "tensor \"%.*s\"", (int)(*length > 200 ? 200 : *length), *name);
    return err;
}

/* Walks the entries twice: to learn where the data begin, then to place each tensor in them. */
static ting_err take_tensors(cursor *c, uint64_t count, ting_gguf *out)
{
    ting_err err = TING_OK;
    cursor again = *c;
    const char *name;
    size_t length;
    ting_stored tensor;
    uint64_t offset;
    if (count > c->left / LEAST_TENSOR)
        FAIL(TING_ERR_FORMAT, "%" PRIu64 " tensors announced, %zu bytes follow: truncated or damaged", count,
             c->left);
    for (uint64_t i = 0; i < count; i++)
        TRY(take_tensor(c, &name, &length, &tensor, &offset));
    size_t used = c->size - c->left;
    size_t padding = (out->alignment - used % out->alignment) % out->alignment;
    const unsigned char *data = c->at + (padding < c->left ? padding : c->left);
    size_t data_bytes = padding < c->left ? c->left - padding : 0;
    for (uint64_t i = 0; i < count; i++) {
        TRY(take_tensor(&again, &name, &length, &tensor, &offset));
        if (offset > data_bytes || tensor.bytes > data_bytes - offset)
            FAIL(TING_ERR_FORMAT,
                 "tensor \"%.*s\": %zu bytes at %" PRIu64 " of %zu bytes of data: the file is truncated or damaged",
                 (int)(length > 200 ? 200 : length), name, tensor.bytes, offset, data_bytes);
        if (offset % out->alignment != 0)
            FAIL(TING_ERR_FORMAT, "tensor \"%.*s\": offset %" PRIu64 " is not a multiple of %zu",
                 (int)(length > 200 ? 200 : length), name, offset, out->alignment);
        tensor.data = data + offset;
        TRY(ting_table_add(&out->table, name, length, &tensor, NULL));
    }
    TRY(ting_table_seal(&out->table));
out:
    return err;
}

static ting_err take_alignment(ting_gguf *out)
{
    ting_err err = TING_OK;
    ting_keys all = {out, ""};
    int64_t alignment = DEFAULT_ALIGNMENT;
    if (ting_keys_has(&all, "general.alignment"))
        TRY(ting_keys_integer(&all, "general.alignment", 8, MOST_ALIGNMENT, &alignment));
    if ((alignment & (alignment - 1)) != 0)
        FAIL(TING_ERR_FORMAT, "general.alignment is %" PRId64 ", expected a power of two", alignment);
    out->alignment = (size_t)alignment;
out:
    return err;
}

static ting_err parse(const void *bytes, size_t size, ting_gguf *out)
{
    ting_err err = TING_OK;
    cursor c = {bytes, size, size};
    const unsigned char *magic;
    uint32_t version;
    uint64_t tensors, keys;
    TRY(take(&c, 4, &magic, "the magic"));
    if (memcmp(magic, "GGUF", 4) != 0)
        FAIL(TING_ERR_FORMAT, "not a GGUF file: it does not begin with \"GGUF\"");
    TRY(take_u32(&c, &version, "the version"));
    if (version != VERSION)
        FAIL(TING_ERR_UNSUPPORTED, "GGUF version %" PRIu32 ", expected %d%s", version, VERSION,
             version == UINT32_C(0x03000000) ? ": the file is big-endian" : "");
    TRY(take_u64(&c, &tensors, "the number of tensors"));
    TRY(take_u64(&c, &keys, "the number of keys"));
    TRY(take_entries(&c, keys, out));
    TRY(take_alignment(out));
    TRY(take_tensors(&c, tensors, out));
out:
    return err;
}

ting_err ting_gguf_parse(const void *bytes, size_t size, const char *label, ting_gguf *out)
{
    ting_err err = TING_OK;
    *out = (ting_gguf){0};
    out->label = ting_strdup(label);
    if (out->label == NULL) {
        err = TING_ERR_MEMORY;
        goto out;
    }
    err = parse(bytes, size, out);
    if (err != TING_OK)
        ting_fail_in(err, "%s", label);
out:
    if (err != TING_OK)
        ting_gguf_close(out);
    return err;
}

ting_err ting_gguf_open(const char *path, ting_gguf *out)
{
    ting_err err = TING_OK;
    ting_file file = {0};
    *out = (ting_gguf){0};
    TRY(ting_file_map(path, &file));
    TRY(ting_gguf_parse(file.data, file.size, path, out));
    out->file = file;
    file = (ting_file){0};
out:
    ting_file_unmap(&file);
    return err;
}

void ting_gguf_close(ting_gguf *file)
{
    for (size_t i = 0; i < file->count; i++) {
        ting_free(file->entries[i].key);
        ting_free(file->entries[i].text);
    }
    ting_free(file->entries);
    ting_free(file->label);
    ting_table_free(&file->table);
    ting_file_unmap(&file->file);
    *file = (ting_gguf){0};
}
