/* SPDX-License-Identifier: Apache-2.0 */
/* npy.c - see npy.h; follows numpy/lib/format.py. */
#include "model/npy.h"

#include "base/mem.h"
#include "model/unzip.h"

#include <inttypes.h>
#include <stdint.h>
#include <string.h>

enum { MAGIC = 6, HEADER_ALIGN = 64, MOST_HEADER = 1 << 16 };

static const struct {
    const char *descr;
    ting_dtype dtype;
} DTYPES[] = {{"<f4", TING_DTYPE_F32}, {"<f2", TING_DTYPE_F16}, {"<f8", TING_DTYPE_F64}, {"|i1", TING_DTYPE_I8},
              {"<i1", TING_DTYPE_I8},  {"<i4", TING_DTYPE_I32}, {"<i8", TING_DTYPE_I64}};

/* ---- the header: a dictionary in Python's spelling ---- */

typedef struct text {
    const char *at, *end;
} text;

static void skip_space(text *t)
{
    while (t->at < t->end && (*t->at == ' ' || *t->at == '\n' || *t->at == '\t'))
        t->at++;
}

static bool accept(text *t, char wanted)
{
    skip_space(t);
    if (t->at == t->end || *t->at != wanted)
        return false;
    t->at++;
    return true;
}

/* A quoted word without escapes; borrowed. */
static bool accept_word(text *t, const char **word, size_t *length)
{
    skip_space(t);
    if (t->at == t->end || (*t->at != '\'' && *t->at != '"'))
        return false;
    char quote = *t->at++;
    const char *close = memchr(t->at, quote, (size_t)(t->end - t->at));
    if (close == NULL)
        return false;
    *word = t->at;
    *length = (size_t)(close - t->at);
    t->at = close + 1;
    return true;
}

static bool accept_name(text *t, const char *name)
{
    size_t length = strlen(name);
    skip_space(t);
    if ((size_t)(t->end - t->at) < length || memcmp(t->at, name, length) != 0)
        return false;
    t->at += length;
    return true;
}

static ting_err read_shape(text *t, ting_stored *out)
{
    ting_err err = TING_OK;
    if (!accept(t, '('))
        FAIL(TING_ERR_FORMAT, "npy: no tuple after 'shape'");
    while (!accept(t, ')')) {
        int64_t size = 0;
        skip_space(t);
        const char *first = t->at;
        while (t->at < t->end && *t->at >= '0' && *t->at <= '9' && size < INT64_MAX / 10 - 1)
            size = size * 10 + (*t->at++ - '0');
        if (t->at == first)
            FAIL(TING_ERR_FORMAT, "npy: a shape that is no tuple of numbers");
        if (out->dims == TING_MAX_DIMS)
            FAIL(TING_ERR_UNSUPPORTED, "npy: more than %d dimensions", TING_MAX_DIMS);
        out->shape[out->dims++] = size;
        if (!accept(t, ',') && (skip_space(t), t->at == t->end || *t->at != ')'))
            FAIL(TING_ERR_FORMAT, "npy: a shape that is no tuple of numbers");
    }
out:
    return err;
}

static ting_err read_descr(text *t, ting_stored *out)
{
    const char *word;
    size_t length;
    if (!accept_word(t, &word, &length))
        return ting_fail(TING_ERR_UNSUPPORTED, "npy: a structured type; only plain numbers are read");
    for (size_t i = 0; i < sizeof DTYPES / sizeof DTYPES[0]; i++) {
        if (strlen(DTYPES[i].descr) == length && memcmp(DTYPES[i].descr, word, length) == 0) {
            out->dtype = DTYPES[i].dtype;
            return TING_OK;
        }
    }
    return ting_fail(TING_ERR_UNSUPPORTED, "npy: type \"%.*s\", expected <f4 <f2 <f8 |i1 <i4 <i8",
                     (int)(length > 20 ? 20 : length), word);
}

static ting_err read_header(text t, ting_stored *out, bool *by_columns)
{
    ting_err err = TING_OK;
    bool has_descr = false, has_order = false, has_shape = false;
    const char *key;
    size_t length;
    if (!accept(&t, '{'))
        FAIL(TING_ERR_FORMAT, "npy: the header is no dictionary");
    while (!accept(&t, '}')) {
        if (!accept_word(&t, &key, &length) || !accept(&t, ':'))
            FAIL(TING_ERR_FORMAT, "npy: the header is no dictionary");
        if (length == 5 && memcmp(key, "descr", 5) == 0 && !has_descr) {
            has_descr = true;
            TRY(read_descr(&t, out));
        } else if (length == 13 && memcmp(key, "fortran_order", 13) == 0 && !has_order) {
            has_order = true;
            *by_columns = accept_name(&t, "True");
            if (!*by_columns && !accept_name(&t, "False"))
                FAIL(TING_ERR_FORMAT, "npy: fortran_order is neither True nor False");
        } else if (length == 5 && memcmp(key, "shape", 5) == 0 && !has_shape) {
            has_shape = true;
            TRY(read_shape(&t, out));
        } else {
            FAIL(TING_ERR_FORMAT, "npy: key \"%.*s\" in the header", (int)(length > 20 ? 20 : length), key);
        }
        if (!accept(&t, ',') && (t.at == t.end || *t.at != '}'))
            FAIL(TING_ERR_FORMAT, "npy: the header is no dictionary");
    }
    if (!has_descr || !has_order || !has_shape)
        FAIL(TING_ERR_FORMAT, "npy: the header lacks descr, fortran_order or shape");
out:
    return err;
}

/* ---- arrays ---- */

/* Bytes of one .npy into the table, copied where order or alignment demand it. */
static ting_err add_array(ting_table *table, const char *name, size_t name_length, const unsigned char *bytes,
                          size_t size)
{
    ting_err err = TING_OK;
    ting_stored tensor = {0};
    bool by_columns = false;
    size_t elements, start = MAGIC + 2;
    uint32_t header = 0;
    void *copy = NULL;
    if (size < start + 4 || memcmp(bytes, "\x93NUMPY", MAGIC) != 0)
        FAIL(TING_ERR_FORMAT, "npy: it does not begin with \"\\x93NUMPY\" or is truncated");
    if (bytes[MAGIC] < 1 || bytes[MAGIC] > 3)
        FAIL(TING_ERR_UNSUPPORTED, "npy: version %d, expected 1 to 3", bytes[MAGIC]);
    size_t width = bytes[MAGIC] == 1 ? 2 : 4;
    memcpy(&header, bytes + start, width);
    start += width;
    if (header > size - start || header > MOST_HEADER)
        FAIL(TING_ERR_FORMAT, "npy: a header of %" PRIu32 " bytes in a file of %zu: truncated or damaged", header,
             size);
    const char *text_start = (const char *)bytes + start;
    TRY(read_header((text){text_start, text_start + header}, &tensor, &by_columns));
    TRY(ting_shape_elements(tensor.shape, (size_t)tensor.dims, &elements));
    tensor.data = bytes + start + header;
    tensor.bytes = ting_dtype_bytes(tensor.dtype, elements);
    if (tensor.bytes > size - start - header)
        FAIL(TING_ERR_FORMAT, "npy: %zu bytes of data needed, %zu there: the file is truncated", tensor.bytes,
             size - start - header);
    size_t element = ting_dtype_bytes(tensor.dtype, 1);
    if (by_columns || (uintptr_t)tensor.data % element != 0) {
        int64_t stride[TING_MAX_DIMS], next = 1;
        for (int i = 0; i < tensor.dims; i++) {
            int d = by_columns ? i : tensor.dims - 1 - i;
            stride[d] = next;
            next *= tensor.shape[d];
        }
        copy = ting_alloc(tensor.bytes, 1);
        if (copy == NULL) {
            err = TING_ERR_MEMORY;
            goto out;
        }
        ting_copy_strided(copy, tensor.data, element, tensor.dims, tensor.shape, stride);
        tensor.data = copy;
    }
    TRY(ting_table_add(table, name, name_length, &tensor, copy));
out:
    return err;
}

static ting_err read_archive(const void *bytes, size_t size, ting_npy *out)
{
    ting_err err = TING_OK;
    ting_unzip *zip = NULL;
    size_t member_bytes;
    TRY(ting_unzip_open(bytes, size, &zip));
    size_t count = ting_unzip_count(zip);
    out->members = ting_alloc(count, sizeof *out->members);
    if (out->members == NULL) {
        err = TING_ERR_MEMORY;
        goto out;
    }
    for (size_t i = 0; i < count; i++) {
        const char *name = ting_unzip_name(zip, i);
        size_t length = strlen(name);
        TRY(ting_unzip_read(zip, i, &out->members[i], &member_bytes));
        out->member_count = i + 1;
        if (length > 4 && strcmp(name + length - 4, ".npy") == 0)
            length -= 4;
        err = add_array(&out->table, name, length, out->members[i], member_bytes);
        if (err != TING_OK) {
            ting_fail_in(err, "\"%s\"", name);
            goto out;
        }
    }
out:
    ting_unzip_close(zip);
    return err;
}

ting_err ting_npy_parse(const void *bytes, size_t size, ting_npy *out)
{
    ting_err err = TING_OK;
    *out = (ting_npy){0};
    if (ting_unzip_is_zip(bytes, size))
        TRY(read_archive(bytes, size, out));
    else
        TRY(add_array(&out->table, "", 0, bytes, size));
    TRY(ting_table_seal(&out->table));
out:
    if (err != TING_OK)
        ting_npy_close(out);
    return err;
}

ting_err ting_npy_open(const char *path, ting_npy *out)
{
    ting_err err = TING_OK;
    ting_file file = {0};
    *out = (ting_npy){0};
    TRY(ting_file_map(path, &file));
    TRY_IN(ting_npy_parse(file.data, file.size, out), "%s", path);
    out->file = file;
    file = (ting_file){0};
out:
    ting_file_unmap(&file);
    return err;
}

void ting_npy_close(ting_npy *file)
{
    ting_table_free(&file->table);
    for (size_t i = 0; i < file->member_count; i++)
        ting_free(file->members[i]);
    ting_free(file->members);
    ting_file_unmap(&file->file);
    *file = (ting_npy){0};
}

/* ---- writing ---- */

void ting_npy_head(ting_str *out, ting_dtype dtype, int dims, const int64_t *shape)
{
    ting_str words = {0};
    size_t type = 0;
    while (DTYPES[type].dtype != dtype)
        type++;
    ting_str_addf(&words, "{'descr': '%s', 'fortran_order': False, 'shape': (", DTYPES[type].descr);
    for (int d = 0; d < dims; d++)
        ting_str_addf(&words, "%s%" PRId64, d > 0 ? ", " : "", shape[d]);
    ting_str_add(&words, dims == 1 ? ",), }" : "), }");
    while (ting_str_ok(&words) && (MAGIC + 4 + words.length + 1) % HEADER_ALIGN != 0)
        ting_str_add(&words, " ");
    ting_str_add(&words, "\n");
    const unsigned char sizes[4] = {1, 0, (unsigned char)words.length, (unsigned char)(words.length >> 8)};
    ting_str_add(out, "\x93NUMPY");
    ting_str_add_bytes(out, sizes, sizeof sizes);
    ting_str_add_bytes(out, words.text, words.length);
    out->failed = out->failed || !ting_str_ok(&words);
    ting_str_free(&words);
}
