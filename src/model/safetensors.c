/* SPDX-License-Identifier: Apache-2.0 */
/*
 * safetensors.c - see safetensors.h; follows the format page of huggingface/safetensors. The reader
 * also takes gaps and overlaps in the data, which the reference refuses: they do no harm where every
 * range is checked.
 */
#include "model/safetensors.h"

#include "base/mem.h"
#include "base/str.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_HEADER = 8 << 20, HEADER_ALIGN = 8 };

static ting_err dtype_of(const char *name, ting_dtype *out)
{
    static const ting_dtype known[] = {TING_DTYPE_F32, TING_DTYPE_F16, TING_DTYPE_BF16, TING_DTYPE_I8,
                                       TING_DTYPE_I32, TING_DTYPE_I64, TING_DTYPE_F64};
    for (size_t i = 0; name != NULL && i < sizeof known / sizeof known[0]; i++) {
        if (strcmp(name, ting_dtype_name(known[i])) == 0) {
            *out = known[i];
            return TING_OK;
        }
    }
    return ting_fail(TING_ERR_UNSUPPORTED, "type %s, expected one of F32 F16 BF16 I8 I32 I64 F64",
                     name == NULL ? "missing" : name);
}

static ting_err read_shape(const json_t *shape, ting_stored *out)
{
    ting_err err = TING_OK;
    size_t dims = json_array_size(shape);
    if (!json_is_array(shape))
        FAIL(TING_ERR_FORMAT, "no shape");
    if (dims > TING_MAX_DIMS)
        FAIL(TING_ERR_UNSUPPORTED, "%zu dimensions, at most %d are supported", dims, TING_MAX_DIMS);
    for (size_t i = 0; i < dims; i++) {
        const json_t *size = json_array_get(shape, i);
        if (!json_is_integer(size) || json_integer_value(size) < 0)
            FAIL(TING_ERR_FORMAT, "dimension %zu is not a number >= 0", i);
        out->shape[i] = json_integer_value(size);
    }
    out->dims = (int)dims;
out:
    return err;
}

/* One entry of the header; data is [size]. */
static ting_err read_entry(const json_t *entry, const unsigned char *data, size_t size,
                           ting_stored *out)
{
    ting_err err = TING_OK;
    *out = (ting_stored){0};
    if (!json_is_object(entry))
        FAIL(TING_ERR_FORMAT, "its entry is not an object");
    TRY(dtype_of(json_string_value(json_object_get(entry, "dtype")), &out->dtype));
    TRY(read_shape(json_object_get(entry, "shape"), out));
    const json_t *offsets = json_object_get(entry, "data_offsets");
    const json_t *first = json_array_get(offsets, 0), *last = json_array_get(offsets, 1);
    if (json_array_size(offsets) != 2 || !json_is_integer(first) || !json_is_integer(last))
        FAIL(TING_ERR_FORMAT, "no two data_offsets");
    int64_t begin = json_integer_value(first), end = json_integer_value(last);
    if (begin < 0 || end < begin || (uint64_t)end > size)
        FAIL(TING_ERR_FORMAT,
             "bytes %" PRId64 " to %" PRId64 " of %zu bytes of data: the file is truncated or damaged",
             begin, end, size);
    out->bytes = (size_t)(end - begin);
    out->data = data + begin;
out:
    return err;
}

static ting_err add_entry(ting_table *table, const char *name, const json_t *entry,
                          const unsigned char *data, size_t size)
{
    ting_err err = TING_OK;
    ting_stored tensor;
    void *copy = NULL;
    TRY_IN(read_entry(entry, data, size, &tensor), "tensor \"%s\"", name);
    if ((uintptr_t)tensor.data % ting_dtype_bytes(tensor.dtype, 1) != 0) {
        copy = ting_alloc(tensor.bytes, 1);
        if (copy == NULL) {
            err = TING_ERR_MEMORY;
            goto out;
        }
        memcpy(copy, tensor.data, tensor.bytes);
        tensor.data = copy;
    }
    TRY(ting_table_add(table, name, strlen(name), &tensor, copy));
out:
    return err;
}

static ting_err read_metadata(json_t *metadata, ting_safetensors *out)
{
    ting_err err = TING_OK;
    const char *key;
    json_t *value;
    if (!json_is_object(metadata))
        FAIL(TING_ERR_FORMAT, "__metadata__ is not an object");
    out->metadata = ting_alloc(json_object_size(metadata), sizeof *out->metadata);
    if (out->metadata == NULL) {
        err = TING_ERR_MEMORY;
        goto out;
    }
    json_object_foreach(metadata, key, value)
    {
        if (!json_is_string(value))
            FAIL(TING_ERR_FORMAT, "__metadata__ \"%s\" is not a text", key);
        ting_text_pair *pair = &out->metadata[out->metadata_count++];
        pair->key = ting_strdup(key);
        pair->value = ting_strdup(json_string_value(value));
        if (pair->key == NULL || pair->value == NULL) {
            err = TING_ERR_MEMORY;
            goto out;
        }
    }
out:
    return err;
}

ting_err ting_safetensors_parse(const void *bytes, size_t size, ting_safetensors *out)
{
    ting_err err = TING_OK;
    const unsigned char *data = bytes;
    json_error_t problem;
    json_t *header = NULL, *entry;
    const char *name;
    uint64_t length = 0;
    *out = (ting_safetensors){0};
    if (size < sizeof length)
        FAIL(TING_ERR_FORMAT, "%zu bytes, expected at least 8: the file is truncated", size);
    memcpy(&length, data, sizeof length);
    if (length > MOST_HEADER || length > size - sizeof length)
        FAIL(TING_ERR_FORMAT,
             "a header of %" PRIu64 " bytes in a file of %zu (at most %d): truncated, or not safetensors",
             length, size, MOST_HEADER);
    data += sizeof length;
    header = json_loadb((const char *)data, (size_t)length, JSON_REJECT_DUPLICATES, &problem);
    if (header == NULL)
        FAIL(json_error_code(&problem) == json_error_out_of_memory ? TING_ERR_MEMORY : TING_ERR_FORMAT,
             "header: %s, at byte %d", problem.text, problem.position);
    if (!json_is_object(header))
        FAIL(TING_ERR_FORMAT, "header: expected an object");
    json_object_foreach(header, name, entry)
    {
        if (strcmp(name, "__metadata__") == 0)
            TRY(read_metadata(entry, out));
        else
            TRY(add_entry(&out->table, name, entry, data + length,
                          size - sizeof length - (size_t)length));
    }
    TRY(ting_table_seal(&out->table));
out:
    json_decref(header);
    if (err != TING_OK)
        ting_safetensors_close(out);
    return err;
}

ting_err ting_safetensors_open(const char *path, ting_safetensors *out)
{
    ting_err err = TING_OK;
    ting_file file = {0};
    *out = (ting_safetensors){0};
    TRY(ting_file_map(path, &file));
    TRY_IN(ting_safetensors_parse(file.data, file.size, out), "%s", path);
    out->file = file;
    file = (ting_file){0};
out:
    ting_file_unmap(&file);
    return err;
}

void ting_safetensors_close(ting_safetensors *file)
{
    ting_table_free(&file->table);
    for (size_t i = 0; i < file->metadata_count; i++) {
        ting_free(file->metadata[i].key);
        ting_free(file->metadata[i].value);
    }
    ting_free(file->metadata);
    ting_file_unmap(&file->file);
    *file = (ting_safetensors){0};
}

const char *ting_safetensors_metadata(const ting_safetensors *file, const char *key)
{
    for (size_t i = 0; i < file->metadata_count; i++)
        if (strcmp(file->metadata[i].key, key) == 0)
            return file->metadata[i].value;
    return NULL;
}

/* Widest elements first: with the header padded to 8 bytes everything is aligned and nothing needs a gap,
 * which the reference reader would refuse. */
static int by_width(const void *a, const void *b)
{
    const ting_named *x = *(const ting_named *const *)a, *y = *(const ting_named *const *)b;
    size_t x_width = ting_dtype_bytes(x->tensor.dtype, 1), y_width = ting_dtype_bytes(y->tensor.dtype, 1);
    if (x_width != y_width)
        return x_width < y_width ? 1 : -1;
    return (x->order > y->order) - (x->order < y->order);
}

/* Returns the header as an owned JSON object, NULL when out of memory. */
static json_t *make_header(const ting_named **items, size_t count, const ting_text_pair *metadata,
                           size_t metadata_count)
{
    json_t *header = json_object();
    bool good = header != NULL;
    size_t offset = 0;
    if (metadata_count > 0) {
        json_t *texts = json_object();
        for (size_t i = 0; i < metadata_count; i++)
            good = json_object_set_new(texts, metadata[i].key, json_string(metadata[i].value)) == 0 && good;
        good = json_object_set_new(header, "__metadata__", texts) == 0 && good;
    }
    for (size_t i = 0; i < count && good; i++) {
        const ting_stored *tensor = &items[i]->tensor;
        json_t *shape = json_array();
        for (int d = 0; d < tensor->dims; d++)
            good = json_array_append_new(shape, json_integer(tensor->shape[d])) == 0 && good;
        json_t *entry = json_pack("{s:s, s:o, s:[I, I]}", "dtype", ting_dtype_name(tensor->dtype), "shape",
                                  shape, "data_offsets", (json_int_t)offset,
                                  (json_int_t)(offset + tensor->bytes));
        good = json_object_set_new(header, items[i]->name, entry) == 0 && good;
        offset += tensor->bytes;
    }
    if (good)
        return header;
    json_decref(header);
    return NULL;
}

static int append(const char *bytes, size_t size, void *text)
{
    ting_str_add_bytes(text, bytes, size);
    return ting_str_ok(text) ? 0 : -1;
}

ting_err ting_safetensors_save(const char *path, const ting_table *table, const ting_text_pair *metadata,
                               size_t metadata_count)
{
    ting_err err = TING_OK;
    ting_file_writer writer = {0};
    ting_str text = {0};
    json_t *header = NULL;
    const ting_named **items = ting_table_in_file_order(table);
    for (size_t i = 0; items != NULL && i < table->count; i++)
        if (items[i]->tensor.dtype == TING_DTYPE_Q8_0)
            FAIL(TING_ERR_UNSUPPORTED, "%s: \"%s\" is Q8_0, which safetensors has no type for", path,
                 items[i]->name);
    if (items != NULL) {
        qsort((void *)items, table->count, sizeof *items, by_width);
        header = make_header(items, table->count, metadata, metadata_count);
    }
    if (header == NULL || json_dump_callback(header, append, &text, JSON_COMPACT) != 0)
        FAIL(TING_ERR_MEMORY, "%s: out of memory for its header, or a name is not UTF-8", path);
    while (text.length % HEADER_ALIGN != 0 && ting_str_ok(&text))
        ting_str_add(&text, " ");
    if (!ting_str_ok(&text)) {
        err = TING_ERR_MEMORY;
        goto out;
    }
    TRY(ting_file_create(path, &writer));
    uint64_t length = text.length;
    fwrite(&length, sizeof length, 1, writer.stream);
    fwrite(text.text, 1, text.length, writer.stream);
    for (size_t i = 0; i < table->count; i++)
        fwrite(items[i]->tensor.data, 1, items[i]->tensor.bytes, writer.stream);
    TRY(ting_file_commit(&writer));
out:
    ting_file_abandon(&writer);
    ting_str_free(&text);
    json_decref(header);
    ting_free((void *)items);
    return err;
}
