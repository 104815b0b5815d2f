/* SPDX-License-Identifier: Apache-2.0 */
/* schema.c - see schema.h. */
#include "model/schema.h"

#include "base/mem.h"
#include "base/str.h"

#include <stdio.h>
#include <string.h>

ting_err ting_schema_check(const ting_gguf *file)
{
    ting_err err = TING_OK;
    ting_keys all = {file, ""};
    const char *architecture;
    int64_t version;
    if (!ting_keys_has(&all, "general.architecture"))
        FAIL(TING_ERR_MODEL, "%s: no general.architecture: not a Tingxie model", file->label);
    TRY(ting_keys_text(&all, "general.architecture", &architecture));
    if (strcmp(architecture, "tingxie") != 0)
        FAIL(TING_ERR_MODEL, "%s: a model of architecture \"%s\", expected \"tingxie\"", file->label,
             architecture);
    TRY(ting_keys_integer(&all, "tingxie.version", 1, INT32_MAX, &version));
    if (version > TING_SCHEMA_VERSION)
        FAIL(TING_ERR_MODEL, "%s: format version %d, this program knows %d: a newer program wrote it",
             file->label, (int)version, TING_SCHEMA_VERSION);
out:
    return err;
}

bool ting_network_has(const ting_gguf *file, const char *name)
{
    char prefix[TING_NETWORK_NAME + 16];
    int length = snprintf(prefix, sizeof prefix, "tingxie.%s.", name);
    return length > 0 && (size_t)length < sizeof prefix &&
           ting_keys_has(&(ting_keys){file, prefix}, TING_KEY_ARCHITECTURE);
}

static ting_err not_there(const ting_gguf *file, const char *name)
{
    ting_err err = TING_OK;
    ting_keys all = {file, ""};
    ting_texts networks = {0};
    ting_str list = {0};
    TRY(ting_keys_texts(&all, "tingxie.networks", &networks));
    for (size_t i = 0; i < networks.count; i++)
        ting_str_addf(&list, "%s%s", i > 0 ? ", " : "", networks.items[i]);
    FAIL(TING_ERR_NOT_FOUND, "%s: no network \"%s\"; the file has %s", file->label, name,
         list.length > 0 ? list.text : "none");
out:
    ting_texts_free(&networks);
    ting_str_free(&list);
    return err;
}

ting_err ting_network_find(const ting_gguf *file, const char *name, ting_network *out)
{
    ting_err err = TING_OK;
    *out = (ting_network){0};
    TRY(ting_schema_check(file));
    if (strlen(name) > TING_NETWORK_NAME || !ting_network_has(file, name))
        return not_there(file, name);
    snprintf(out->key_prefix, sizeof out->key_prefix, "tingxie.%s.", name);
    snprintf(out->tensor_prefix, sizeof out->tensor_prefix, "%s.", name);
    out->keys = (ting_keys){file, out->key_prefix};
    out->tensors = (ting_table_view){&file->table, out->tensor_prefix};
    TRY(ting_keys_text(&out->keys, TING_KEY_ARCHITECTURE, &out->architecture));
out:
    return err;
}

void ting_schema_begin(ting_gguf_writer *writer, const char *name, const char *const *networks,
                       size_t count)
{
    ting_gguf_put_text(writer, "general.architecture", "tingxie");
    ting_gguf_put_text(writer, "general.name", name);
    ting_gguf_put_integer(writer, "tingxie.version", TING_SCHEMA_VERSION);
    ting_gguf_put_texts(writer, "tingxie.networks", networks, count);
}

/* What follows the prefix, or NULL where it has another one or is left out. */
static const char *behind(const char *name, const char *prefix, const char *const *except)
{
    const size_t length = strlen(prefix);
    if (strncmp(name, prefix, length) != 0)
        return NULL;
    for (; except != NULL && *except != NULL; except++)
        if (strcmp(name + length, *except) == 0)
            return NULL;
    return name + length;
}

ting_err ting_network_copy(const ting_gguf *file, const char *name, const char *const *except, ting_gguf_writer *writer)
{
    ting_err err = TING_OK;
    ting_network network;
    const ting_named **items = NULL;
    TRY(ting_network_find(file, name, &network));
    for (size_t i = 0; i < file->count; i++)
        if (behind(file->entries[i].key, network.key_prefix, except) != NULL)
            ting_gguf_put_entry(writer, &file->entries[i]);
    const ting_source source = ting_table_source(&network.tensors, file->label);
    items = ting_table_in_file_order(&file->table);
    TRY(items != NULL ? TING_OK : TING_ERR_MEMORY);
    for (size_t i = 0; i < file->table.count; i++) {
        const char *rest = behind(items[i]->name, network.tensor_prefix, except);
        ting_stored tensor;
        bool scale;
        TRY(ting_table_is_scale(&file->table, items[i]->name, &scale));
        if (rest == NULL || scale)
            continue;
        TRY(source.find(source.self, rest, &tensor));
        ting_gguf_put_tensor(writer, items[i]->name, &tensor, tensor.dtype);
    }
out:
    ting_free((void *)items);
    return err;
}
