/* SPDX-License-Identifier: Apache-2.0 */
/* gguf_write.c - keys and tensors to a GGUF file; see gguf.h. */
#include "model/gguf.h"

#include "base/hash.h"
#include "base/mem.h"
#include "base/str.h"
#include "model/precision.h"

#include <stdlib.h>
#include <string.h>

enum { VERSION = 3, ALIGNMENT = TING_ALIGN, BLOCK = 1 << 15 /* elements converted at a time */ };

typedef struct pending {
    char *name;
    ting_stored tensor; /* borrowed data */
    ting_dtype dtype;   /* in the file */
    float *scale;       /* owned: of a tensor that becomes or stays I8 */
} pending;

struct ting_gguf_writer {
    ting_str keys; /* the bytes of all keys and values */
    char **names;  /* [key_count] */
    size_t key_count, key_room;
    pending *tensors;
    size_t tensor_count, tensor_room;
    ting_err err; /* sticky; its sentence is the thread's last */
};

ting_gguf_writer *ting_gguf_writer_new(void)
{
    ting_gguf_writer *writer = ting_alloc(1, sizeof *writer);
    if (writer != NULL)
        ting_gguf_put_integer(writer, "general.alignment", ALIGNMENT);
    return writer;
}

void ting_gguf_writer_free(ting_gguf_writer *writer)
{
    if (writer == NULL)
        return;
    for (size_t i = 0; i < writer->key_count; i++)
        ting_free(writer->names[i]);
    for (size_t i = 0; i < writer->tensor_count; i++) {
        ting_free(writer->tensors[i].name);
        ting_free(writer->tensors[i].scale);
    }
    ting_free(writer->names);
    ting_free(writer->tensors);
    ting_str_free(&writer->keys);
    ting_free(writer);
}

static void add_u32(ting_str *str, uint32_t value)
{
    ting_str_add_bytes(str, &value, sizeof value);
}

static void add_u64(ting_str *str, uint64_t value)
{
    ting_str_add_bytes(str, &value, sizeof value);
}

static void add_text(ting_str *str, const char *text)
{
    size_t length = strlen(text);
    add_u64(str, length);
    ting_str_add_bytes(str, text, length);
}

/* Writes a key and the type of its value. */
static bool begin_key(ting_gguf_writer *writer, const char *key, ting_gguf_type type, bool is_array)
{
    if (writer->err == TING_OK)
        writer->err = ting_reserve(&writer->names, writer->key_count, 1, &writer->key_room, sizeof *writer->names);
    if (writer->err != TING_OK)
        return false;
    char *copy = ting_strdup(key);
    if (copy == NULL) {
        writer->err = TING_ERR_MEMORY;
        return false;
    }
    writer->names[writer->key_count++] = copy;
    add_text(&writer->keys, key);
    if (is_array)
        add_u32(&writer->keys, TING_GGUF_ARRAY);
    add_u32(&writer->keys, type);
    return true;
}

void ting_gguf_put_text(ting_gguf_writer *writer, const char *key, const char *text)
{
    if (text != NULL && begin_key(writer, key, TING_GGUF_STRING, false))
        add_text(&writer->keys, text);
}

void ting_gguf_put_integer(ting_gguf_writer *writer, const char *key, int64_t value)
{
    int32_t narrow = (int32_t)value;
    if (strcmp(key, "general.alignment") == 0 && begin_key(writer, key, TING_GGUF_U32, false))
        ting_str_add_bytes(&writer->keys, &narrow, sizeof narrow); /* ggml demands this type here */
    else if (value == narrow && begin_key(writer, key, TING_GGUF_I32, false))
        ting_str_add_bytes(&writer->keys, &narrow, sizeof narrow);
    else if (value != narrow && begin_key(writer, key, TING_GGUF_I64, false))
        ting_str_add_bytes(&writer->keys, &value, sizeof value);
}

void ting_gguf_put_real(ting_gguf_writer *writer, const char *key, double value)
{
    float narrow = (float)value;
    if ((double)narrow == value) {
        if (begin_key(writer, key, TING_GGUF_F32, false))
            ting_str_add_bytes(&writer->keys, &narrow, sizeof narrow);
    } else if (begin_key(writer, key, TING_GGUF_F64, false)) {
        ting_str_add_bytes(&writer->keys, &value, sizeof value);
    }
}

void ting_gguf_put_flag(ting_gguf_writer *writer, const char *key, bool value)
{
    unsigned char byte = value;
    if (begin_key(writer, key, TING_GGUF_BOOL, false))
        ting_str_add_bytes(&writer->keys, &byte, 1);
}

void ting_gguf_put_integers(ting_gguf_writer *writer, const char *key, const int *values, size_t count)
{
    if (!begin_key(writer, key, TING_GGUF_I32, true))
        return;
    add_u64(&writer->keys, count);
    for (size_t i = 0; i < count; i++)
        add_u32(&writer->keys, (uint32_t)values[i]);
}

uint64_t ting_gguf_keys_fingerprint(const ting_gguf_writer *writer)
{
    return writer->err == TING_OK && ting_str_ok(&writer->keys)
               ? ting_fingerprint(writer->keys.text, writer->keys.length)
               : 0;
}

void ting_gguf_put_texts(ting_gguf_writer *writer, const char *key, const char *const *texts,
                         size_t count)
{
    if (!begin_key(writer, key, TING_GGUF_STRING, true))
        return;
    add_u64(&writer->keys, count);
    for (size_t i = 0; i < count; i++)
        add_text(&writer->keys, texts[i]);
}

void ting_gguf_put_entry(ting_gguf_writer *writer, const ting_gguf_entry *entry)
{
    if (!begin_key(writer, entry->key, entry->type, entry->is_array))
        return;
    if (entry->is_array)
        add_u64(&writer->keys, entry->count);
    ting_str_add_bytes(&writer->keys, entry->value, entry->bytes);
}

static pending *add_pending(ting_gguf_writer *writer, const char *name, const char *suffix)
{
    ting_str full = {0};
    if (writer->err != TING_OK)
        return NULL;
    writer->err = ting_reserve(&writer->tensors, writer->tensor_count, 1, &writer->tensor_room, sizeof *writer->tensors);
    ting_str_addf(&full, "%s%s", name, suffix);
    if (writer->err != TING_OK || !ting_str_ok(&full)) {
        ting_str_free(&full);
        writer->err = TING_ERR_MEMORY;
        return NULL;
    }
    pending *item = &writer->tensors[writer->tensor_count++];
    *item = (pending){.name = full.text};
    return item;
}

void ting_gguf_put_tensor(ting_gguf_writer *writer, const char *name, const ting_stored *tensor,
                          ting_dtype dtype)
{
    size_t rows = tensor->dims == 0 ? 1 : (size_t)tensor->shape[0];
    bool scaled = dtype == TING_DTYPE_I8 && (tensor->dtype != TING_DTYPE_I8 || tensor->scale != NULL);
    if (dtype != tensor->dtype && dtype != TING_DTYPE_F32 && dtype != TING_DTYPE_F16 &&
        dtype != TING_DTYPE_BF16 && dtype != TING_DTYPE_I8 && writer->err == TING_OK)
        writer->err = ting_fail(TING_ERR_UNSUPPORTED, "tensor \"%s\": %s cannot be written as %s", name,
                                ting_dtype_name(tensor->dtype), ting_dtype_name(dtype));
    pending *item = add_pending(writer, name, "");
    if (item == NULL)
        return;
    item->tensor = *tensor;
    item->dtype = dtype;
    if (!scaled)
        return;
    float *scale = ting_alloc(rows, sizeof *scale);
    item->scale = scale;
    if (scale == NULL) {
        writer->err = TING_ERR_MEMORY;
        return;
    }
    ting_row_scales(tensor, scale);
    item = add_pending(writer, name, ".scale");
    if (item == NULL)
        return;
    item->tensor = (ting_stored){.dtype = TING_DTYPE_F32,
                                 .dims = 1,
                                 .shape = {(int64_t)rows},
                                 .data = scale,
                                 .bytes = rows * sizeof *scale};
    item->dtype = TING_DTYPE_F32;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Names must differ; sorts a copy of the list. */
static ting_err refuse_twins(const char **names, size_t count, const char *what)
{
    if (count > 1)
        qsort((void *)names, count, sizeof *names, by_text);
    for (size_t i = 1; i < count; i++)
        if (strcmp(names[i - 1], names[i]) == 0)
            return ting_fail(TING_ERR_FORMAT, "the %s \"%s\" was put twice", what, names[i]);
    return TING_OK;
}

static ting_err check_names(const ting_gguf_writer *writer)
{
    ting_err err = TING_OK;
    size_t most = writer->key_count > writer->tensor_count ? writer->key_count : writer->tensor_count;
    const char **names = ting_alloc(most, sizeof *names);
    if (names == NULL) {
        err = TING_ERR_MEMORY;
        goto out;
    }
    for (size_t i = 0; i < writer->key_count; i++)
        names[i] = writer->names[i];
    TRY(refuse_twins(names, writer->key_count, "key"));
    for (size_t i = 0; i < writer->tensor_count; i++)
        names[i] = writer->tensors[i].name;
    TRY(refuse_twins(names, writer->tensor_count, "tensor"));
out:
    ting_free((void *)names);
    return err;
}

static size_t aligned(size_t bytes)
{
    return (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

static size_t file_bytes(const pending *item)
{
    return ting_dtype_bytes(item->dtype, ting_stored_elements(&item->tensor));
}

static uint32_t ggml_type(ting_dtype dtype)
{
    static const unsigned char types[TING_DTYPE_COUNT] = {
        [TING_DTYPE_F32] = 0,  [TING_DTYPE_F16] = 1,  [TING_DTYPE_Q8_0] = 8, [TING_DTYPE_I8] = 24,
        [TING_DTYPE_I32] = 26, [TING_DTYPE_I64] = 27, [TING_DTYPE_F64] = 28, [TING_DTYPE_BF16] = 30};
    return types[dtype];
}

/* Everything before the data, padded. */
static void make_head(const ting_gguf_writer *writer, ting_str *head)
{
    size_t offset = 0;
    ting_str_add(head, "GGUF");
    add_u32(head, VERSION);
    add_u64(head, writer->tensor_count);
    add_u64(head, writer->key_count);
    ting_str_add_bytes(head, writer->keys.text, writer->keys.length);
    for (size_t i = 0; i < writer->tensor_count; i++) {
        const pending *item = &writer->tensors[i];
        add_text(head, item->name);
        add_u32(head, (uint32_t)item->tensor.dims);
        for (int d = item->tensor.dims - 1; d >= 0; d--)
            add_u64(head, (uint64_t)item->tensor.shape[d]);
        add_u32(head, ggml_type(item->dtype));
        add_u64(head, offset);
        offset += aligned(file_bytes(item));
    }
    while (ting_str_ok(head) && head->length % ALIGNMENT != 0)
        ting_str_add_bytes(head, "", 1);
}

static void write_tensor(const pending *item, void *block, FILE *stream)
{
    static const char zeros[ALIGNMENT];
    size_t elements = ting_stored_elements(&item->tensor), bytes = file_bytes(item);
    for (size_t first = 0; first < elements; first += BLOCK) {
        size_t count = elements - first < BLOCK ? elements - first : BLOCK;
        ting_convert(&item->tensor, first, count, item->dtype, item->scale, block);
        fwrite(block, 1, ting_dtype_bytes(item->dtype, count), stream);
    }
    fwrite(zeros, 1, aligned(bytes) - bytes, stream);
}

ting_err ting_gguf_save(ting_gguf_writer *writer, const char *path)
{
    ting_err err = TING_OK;
    ting_file_writer file = {0};
    ting_str head = {0};
    void *block = NULL;
    TRY(writer->err);
    TRY(check_names(writer));
    make_head(writer, &head);
    block = ting_alloc(BLOCK, sizeof(double));
    if (!ting_str_ok(&head) || !ting_str_ok(&writer->keys) || block == NULL) {
        err = TING_ERR_MEMORY;
        goto out;
    }
    TRY(ting_file_create(path, &file));
    fwrite(head.text, 1, head.length, file.stream);
    for (size_t i = 0; i < writer->tensor_count && !ferror(file.stream); i++)
        write_tensor(&writer->tensors[i], block, file.stream);
    TRY(ting_file_commit(&file));
out:
    if (err != TING_OK && err != TING_ERR_IO)
        ting_fail_in(err, "%s", path);
    ting_file_abandon(&file);
    ting_str_free(&head);
    ting_free(block);
    return err;
}
