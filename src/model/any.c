/* SPDX-License-Identifier: Apache-2.0 */
/* any.c - see any.h. */
#include "model/any.h"

#include "base/file.h"
#include "model/unzip.h"

#include <string.h>

/* Whether a zip archive has a member data.pkl: a PyTorch file, not numpy's. */
static ting_err is_torch(const ting_file *file, bool *out)
{
    ting_err err = TING_OK;
    ting_unzip *zip = NULL;
    TRY(ting_unzip_open(file->data, file->size, &zip));
    for (size_t i = 0; i < ting_unzip_count(zip) && !*out; i++)
        *out = strcmp(ting_path_name(ting_unzip_name(zip, i)), "data.pkl") == 0;
out:
    ting_unzip_close(zip);
    return err;
}

static ting_err recognise(const ting_file *file, ting_any_format *out)
{
    ting_err err = TING_OK;
    const unsigned char *bytes = file->data;
    bool torch = false;
    if (file->size >= 4 && memcmp(bytes, "GGUF", 4) == 0) {
        *out = TING_ANY_GGUF;
    } else if (file->size >= 6 && memcmp(bytes, "\x93NUMPY", 6) == 0) {
        *out = TING_ANY_NPY;
    } else if (ting_unzip_is_zip(bytes, file->size)) {
        TRY(is_torch(file, &torch));
        *out = torch ? TING_ANY_PICKLE : TING_ANY_NPY;
    } else if (file->size >= 9 && bytes[8] == '{') {
        *out = TING_ANY_SAFETENSORS;
    } else if (file->size >= 2 && bytes[0] == 0x80 && bytes[1] <= 5) {
        *out = TING_ANY_PICKLE;
    } else if (file->size >= 2 && bytes[0] == 0x08 && bytes[1] < 0x20) { /* ir_version comes first */
        *out = TING_ANY_ONNX;
    } else {
        FAIL(TING_ERR_FORMAT, "neither GGUF, safetensors, npy, npz, pickle, PyTorch nor ONNX%s",
             file->size == 0 ? ": the file is empty" : "");
    }
out:
    return err;
}

ting_err ting_any_open(const char *path, ting_any *out)
{
    ting_err err = TING_OK;
    ting_file file = {0};
    ting_any_format format = TING_ANY_GGUF;
    *out = (ting_any){0};
    TRY(ting_file_map(path, &file));
    size_t bytes = file.size;
    err = recognise(&file, &format);
    ting_file_unmap(&file);
    if (err != TING_OK) {
        ting_fail_in(err, "%s", path);
        goto out;
    }
    switch (format) {
    case TING_ANY_GGUF:
        TRY(ting_gguf_open(path, &out->gguf));
        out->table = &out->gguf.table;
        break;
    case TING_ANY_SAFETENSORS:
        TRY(ting_safetensors_open(path, &out->safetensors));
        out->table = &out->safetensors.table;
        break;
    case TING_ANY_NPY:
        TRY(ting_npy_open(path, &out->npy));
        out->table = &out->npy.table;
        break;
    case TING_ANY_PICKLE:
        TRY(ting_pickle_open(path, &out->pickle));
        out->format = format;
        TRY(ting_pickle_tensors(&out->pickle, &out->from_pickle));
        out->table = &out->from_pickle;
        break;
    case TING_ANY_ONNX:
        TRY(ting_onnx_open(path, &out->onnx));
        out->table = &out->onnx.table;
        break;
    }
    out->format = format;
    out->bytes = bytes;
out:
    if (err != TING_OK)
        ting_any_close(out);
    return err;
}

void ting_any_close(ting_any *any)
{
    ting_table_free(&any->from_pickle);
    switch (any->format) {
    case TING_ANY_GGUF: ting_gguf_close(&any->gguf); break;
    case TING_ANY_SAFETENSORS: ting_safetensors_close(&any->safetensors); break;
    case TING_ANY_NPY: ting_npy_close(&any->npy); break;
    case TING_ANY_PICKLE: ting_pickle_close(&any->pickle); break;
    case TING_ANY_ONNX: ting_onnx_close(&any->onnx); break;
    }
    *any = (ting_any){0};
}

const char *ting_any_format_name(ting_any_format format)
{
    static const char *const names[] = {"GGUF", "safetensors", "numpy", "pickle", "ONNX"};
    return names[format];
}
