/* SPDX-License-Identifier: Apache-2.0 */
/* model_origin.c - see model_origin.h. */
#include "train/model_origin.h"

#include "base/file.h"
#include "model/schema.h"

#include <string.h>

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
    ting_str_free(&name);
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
    if (!folder)
        TRY(add_keys(path, network, out));
    ting_str_add(out, "}");
    TRY(ting_str_ok(out) ? TING_OK : TING_ERR_MEMORY);
out:
    return err;
}
