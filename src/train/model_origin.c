/* SPDX-License-Identifier: Apache-2.0 */
/* model_origin.c - see model_origin.h. */
#include "train/model_origin.h"

#include "base/file.h"
#include "model/schema.h"

#include <jansson.h>
#include <string.h>

enum { RECORD_BYTES = 64 * 1024 };

/* The last part of a path, also of "folder/". */
static void add_name(const char *path, ting_str *out)
{
    ting_str name = {0};
    size_t end = strlen(path);
    while (end > 1 && path[end - 1] == '/')
        end--;
    size_t begin = end;
    while (begin > 0 && path[begin - 1] != '/')
        begin--;
    ting_str_add_bytes(&name, path + begin, end - begin);
    if (ting_str_ok(&name))
        ting_str_add_json(out, name.text);
    out->failed |= name.failed; /* without the name it is no JSON */
    ting_str_free(&name);
}

/* The record of the file's own training, if it is one JSON object. */
static ting_err add_training(const ting_keys *keys, ting_str *out)
{
    ting_err err = TING_OK;
    json_t *record = NULL;
    json_error_t error;
    const char *text;
    if (!ting_keys_has(keys, TING_KEY_TRAINING))
        goto out;
    TRY(ting_keys_text(keys, TING_KEY_TRAINING, &text));
    if (strlen(text) <= RECORD_BYTES && (record = json_loads(text, 0, &error)) != NULL && json_is_object(record)) {
        ting_str_add(out, ",\"training\":");
        ting_str_add(out, text);
    }
out:
    json_decref(record);
    return err;
}

static ting_err add_keys(const char *path, const char *network, ting_str *out)
{
    static const char *const keys[][2] = {
        {TING_KEY_LICENSE, "licence"}, {TING_KEY_AUTHORS, "authors"}, {TING_KEY_SOURCE, "source"}};
    ting_err err = TING_OK;
    ting_gguf file = {0};
    ting_network found;
    const char *text;
    TRY(ting_gguf_open(path, &file));
    TRY(ting_network_find(&file, network, &found));
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        if (!ting_keys_has(&found.keys, keys[i][0]))
            continue;
        TRY(ting_keys_text(&found.keys, keys[i][0], &text));
        ting_str_addf(out, ",\"%s\":", keys[i][1]);
        ting_str_add_json(out, text);
    }
    TRY(add_training(&found.keys, out));
out:
    ting_gguf_close(&file);
    return err;
}

ting_err ting_model_origin(const char *path, const char *network, ting_str *out)
{
    ting_err err = TING_OK;
    const bool folder = ting_file_is_folder(path);
    ting_str_addf(out, "{\"%s\":", folder ? "folder" : "file");
    add_name(path, out);
    if (!folder && network != NULL)
        TRY(add_keys(path, network, out));
    ting_str_add(out, "}");
    TRY(ting_str_ok(out) ? TING_OK : TING_ERR_MEMORY);
out:
    return err;
}
