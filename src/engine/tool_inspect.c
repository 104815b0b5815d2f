/* SPDX-License-Identifier: Apache-2.0 */
/* tool_inspect.c - a model file to text or JSON; see tool_inspect.h. */
#include "engine/tool_inspect.h"

#include "model/am_keys.h"
#include "model/any.h"

#include <inttypes.h>
#include <jansson.h>
#include <string.h>

enum { SHOWN_ITEMS = 8, SHOWN_TEXT = 200 };

typedef struct counts { /* of the tensors whose names begin with a prefix */
    size_t tensors, parameters, bytes;
    size_t by_type[TING_DTYPE_COUNT]; /* elements */
} counts;

/* "<name>.scale" of an I8 tensor is no parameter of its own. */
static bool is_scale(const ting_table *table, const char *name)
{
    size_t length = strlen(name);
    if (length <= 6 || strcmp(name + length - 6, ".scale") != 0)
        return false;
    for (size_t i = 0; i < table->count; i++)
        if (table->items[i].tensor.dtype == TING_DTYPE_I8 && strncmp(table->items[i].name, name, length - 6) == 0 &&
            table->items[i].name[length - 6] == '\0')
            return true;
    return false;
}

static counts count(const ting_table *table, const char *prefix)
{
    counts c = {0};
    for (size_t i = 0; i < table->count; i++) {
        const ting_named *item = &table->items[i];
        if (strncmp(item->name, prefix, strlen(prefix)) != 0)
            continue;
        c.tensors++;
        c.bytes += item->tensor.bytes;
        if (is_scale(table, item->name))
            continue;
        c.parameters += ting_stored_elements(&item->tensor);
        c.by_type[item->tensor.dtype] += ting_stored_elements(&item->tensor);
    }
    return c;
}

static void add_counts(ting_str *out, const counts *c)
{
    ting_str_addf(out, "%zu tensors, %zu parameters, %.2f MB", c->tensors, c->parameters, (double)c->bytes / 1e6);
    const char *before = ": ";
    for (int type = 0; type < TING_DTYPE_COUNT; type++) {
        if (c->by_type[type] == 0)
            continue;
        ting_str_addf(out, "%s%s %.1f %%", before, ting_dtype_name((ting_dtype)type),
                      100.0 * (double)c->by_type[type] / (double)c->parameters);
        before = ", ";
    }
    ting_str_add(out, "\n");
}

/* ---- text ---- */

static void add_text_cut(ting_str *out, const char *text, size_t length)
{
    size_t cut = length;
    if (length > SHOWN_TEXT)
        for (cut = SHOWN_TEXT; cut > 0 && ((unsigned char)text[cut] & 0xC0) == 0x80; cut--)
            continue;
    for (size_t i = 0; i < cut; i++)
        ting_str_add_bytes(out, text[i] == '\n' ? "\\n" : &text[i], text[i] == '\n' ? 2 : 1);
    if (cut < length)
        ting_str_addf(out, "... (%zu bytes)", length);
}

/* Strings in an array: length and bytes one after the other. */
static void add_string_items(ting_str *out, const ting_gguf_entry *entry, uint64_t shown)
{
    const unsigned char *at = entry->value;
    for (uint64_t i = 0; i < shown; i++) {
        uint64_t length;
        memcpy(&length, at, sizeof length);
        ting_str_add(out, i > 0 ? ", " : "");
        add_text_cut(out, (const char *)at + sizeof length, (size_t)length);
        at += sizeof length + length;
    }
}

static void add_number(ting_str *out, const ting_gguf_entry *entry, uint64_t i)
{
    if (entry->type == TING_GGUF_BOOL)
        ting_str_add(out, ting_gguf_number(entry, i) != 0 ? "yes" : "no");
    else
        ting_str_addf(out, "%.*g", entry->type == TING_GGUF_F32 ? 7 : 17, ting_gguf_number(entry, i));
}

static void add_entry(ting_str *out, const ting_gguf_entry *entry)
{
    uint64_t shown = entry->count < SHOWN_ITEMS ? entry->count : SHOWN_ITEMS;
    ting_str_addf(out, "  %-36s ", entry->key);
    if (!entry->is_array && entry->type == TING_GGUF_STRING) {
        add_text_cut(out, entry->text, strlen(entry->text));
    } else if (!entry->is_array) {
        add_number(out, entry, 0);
    } else {
        ting_str_add(out, "[");
        if (entry->type == TING_GGUF_STRING)
            add_string_items(out, entry, shown);
        for (uint64_t i = 0; entry->type != TING_GGUF_STRING && i < shown; i++) {
            ting_str_add(out, i > 0 ? ", " : "");
            add_number(out, entry, i);
        }
        if (shown < entry->count)
            ting_str_addf(out, ", ... %" PRIu64 " items", entry->count);
        ting_str_add(out, "]");
    }
    ting_str_add(out, "\n");
}

/* Encoder and heads in words, or why they cannot be used. */
static void add_acoustic(ting_str *out, const ting_network *network)
{
    ting_am_config config;
    ting_str_add(out, "  ");
    if (ting_am_read_keys(&network->keys, network->architecture, &config) == TING_OK)
        ting_am_describe(&config, out);
    else
        ting_str_addf(out, "cannot be used here: %s", ting_error_message());
    ting_str_add(out, "\n");
}

static ting_err add_networks(ting_str *out, const ting_gguf *file)
{
    ting_err err = TING_OK;
    ting_keys all = {file, ""};
    ting_texts names = {0};
    ting_network network;
    if (!ting_keys_has(&all, "tingxie.networks"))
        goto out;
    TRY(ting_schema_check(file));
    TRY(ting_keys_texts(&all, "tingxie.networks", &names));
    for (size_t i = 0; i < names.count; i++) {
        TRY(ting_network_find(file, names.items[i], &network));
        counts c = count(&file->table, network.tensor_prefix);
        ting_str_addf(out, "network %s: %s, ", names.items[i], network.architecture);
        add_counts(out, &c);
        if (strcmp(names.items[i], "am") == 0)
            add_acoustic(out, &network);
    }
out:
    ting_texts_free(&names);
    return err;
}

static void add_tensors(ting_str *out, const ting_table *table)
{
    size_t width = 6;
    for (size_t i = 0; i < table->count; i++)
        if (strlen(table->items[i].name) > width)
            width = strlen(table->items[i].name);
    if (width > 80)
        width = 80;
    ting_str_addf(out, "tensors\n  %-*s %-5s %10s  %s\n", (int)width, "name", "type", "bytes", "shape");
    for (size_t i = 0; i < table->count; i++) {
        const ting_stored *tensor = &table->items[i].tensor;
        ting_str_addf(out, "  %-*s %-5s %10zu  [", (int)width, table->items[i].name, ting_dtype_name(tensor->dtype),
                      tensor->bytes);
        for (int d = 0; d < tensor->dims; d++)
            ting_str_addf(out, "%s%" PRId64, d > 0 ? ", " : "", tensor->shape[d]);
        ting_str_add(out, "]\n");
    }
}

static void add_ports(ting_str *out, const char *what, const ting_onnx_port *ports, size_t port_count)
{
    for (size_t i = 0; i < port_count; i++) {
        ting_str_addf(out, "  %-6s %s [", what, ports[i].name);
        for (int d = 0; d < ports[i].dims; d++) {
            if (ports[i].shape[d] < 0)
                ting_str_add(out, d > 0 ? ", ?" : "?");
            else
                ting_str_addf(out, "%s%" PRId64, d > 0 ? ", " : "", ports[i].shape[d]);
        }
        ting_str_add(out, "]\n");
    }
}

static ting_err describe_text(const char *path, const ting_any *any, ting_str *out)
{
    ting_err err = TING_OK;
    counts c = count(any->table, "");
    ting_str_addf(out, "%s: %s, %zu bytes, ", path, ting_any_format_name(any->format), any->bytes);
    add_counts(out, &c);
    if (any->format == TING_ANY_GGUF) {
        TRY(add_networks(out, &any->gguf));
        ting_str_add(out, "keys\n");
        for (size_t i = 0; i < any->gguf.count; i++)
            add_entry(out, &any->gguf.entries[i]);
    }
    if (any->format == TING_ANY_SAFETENSORS && any->safetensors.metadata_count > 0) {
        ting_str_add(out, "keys\n");
        for (size_t i = 0; i < any->safetensors.metadata_count; i++) {
            ting_str_addf(out, "  %-36s ", any->safetensors.metadata[i].key);
            add_text_cut(out, any->safetensors.metadata[i].value, strlen(any->safetensors.metadata[i].value));
            ting_str_add(out, "\n");
        }
    }
    if (any->format == TING_ANY_ONNX) {
        ting_str_addf(out, "graph of %zu nodes\n", any->onnx.node_count);
        add_ports(out, "input", any->onnx.inputs, any->onnx.input_count);
        add_ports(out, "output", any->onnx.outputs, any->onnx.output_count);
    }
    add_tensors(out, any->table);
out:
    return err;
}

/* ---- JSON ---- */

static json_t *item_of(const ting_gguf_entry *entry, uint64_t i)
{
    double number = ting_gguf_number(entry, i);
    if (entry->type == TING_GGUF_BOOL)
        return json_boolean(number != 0);
    if (entry->type == TING_GGUF_F32 || entry->type == TING_GGUF_F64)
        return json_real(number); /* NULL, and so null below, when it is not finite */
    return json_integer((json_int_t)number);
}

static json_t *value_of(const ting_gguf_entry *entry)
{
    if (!entry->is_array)
        return entry->type == TING_GGUF_STRING ? json_string(entry->text) : item_of(entry, 0);
    json_t *array = json_array();
    const unsigned char *at = entry->value;
    for (uint64_t i = 0; i < entry->count; i++) {
        uint64_t length = 0;
        json_t *item;
        if (entry->type == TING_GGUF_STRING) {
            memcpy(&length, at, sizeof length);
            item = json_stringn((const char *)at + sizeof length, (size_t)length);
            at += sizeof length + length;
        } else {
            item = item_of(entry, i);
        }
        if (json_array_append_new(array, item != NULL ? item : json_null()) != 0) {
            json_decref(array);
            return NULL;
        }
    }
    return array;
}

static json_t *tensors_of(const ting_table *table)
{
    json_t *tensors = json_array();
    for (size_t i = 0; i < table->count; i++) {
        const ting_stored *tensor = &table->items[i].tensor;
        json_t *shape = json_array();
        for (int d = 0; d < tensor->dims; d++)
            json_array_append_new(shape, json_integer(tensor->shape[d]));
        json_array_append_new(tensors, json_pack("{s:s, s:s, s:o, s:I}", "name", table->items[i].name, "type",
                                                 ting_dtype_name(tensor->dtype), "shape", shape, "bytes",
                                                 (json_int_t)tensor->bytes));
    }
    return tensors;
}

static int append(const char *bytes, size_t size, void *out)
{
    ting_str_add_bytes(out, bytes, size);
    return ting_str_ok(out) ? 0 : -1;
}

static ting_err describe_json(const char *path, const ting_any *any, ting_str *out)
{
    ting_err err = TING_OK;
    counts c = count(any->table, "");
    json_t *keys = json_object(), *root = NULL;
    for (size_t i = 0; any->format == TING_ANY_GGUF && i < any->gguf.count; i++) {
        json_t *value = value_of(&any->gguf.entries[i]);
        json_object_set_new(keys, any->gguf.entries[i].key, value != NULL ? value : json_null());
    }
    for (size_t i = 0; any->format == TING_ANY_SAFETENSORS && i < any->safetensors.metadata_count; i++)
        json_object_set_new(keys, any->safetensors.metadata[i].key, json_string(any->safetensors.metadata[i].value));
    root = json_pack("{s:s%, s:s, s:I, s:I, s:o, s:o}", "file", path, strlen(path), "format",
                     ting_any_format_name(any->format), "bytes", (json_int_t)any->bytes, "parameters",
                     (json_int_t)c.parameters, "keys", keys, "tensors", tensors_of(any->table));
    if (root == NULL || json_dump_callback(root, append, out, JSON_INDENT(1)) != 0)
        FAIL(TING_ERR_MEMORY, "%s: no JSON could be made: out of memory, or the path is not UTF-8", path);
    ting_str_add(out, "\n");
out:
    json_decref(root);
    return err;
}

ting_err ting_tool_inspect(const char *path, ting_inspect_form form, ting_str *out)
{
    ting_err err = TING_OK;
    ting_any any;
    TRY(ting_any_open(path, &any));
    size_t start = out->length;
    TRY(form == TING_INSPECT_JSON ? describe_json(path, &any, out) : describe_text(path, &any, out));
    for (size_t i = start; form == TING_INSPECT_TEXT && i < out->length; i++) /* no control codes to terminals */
        if (((unsigned char)out->text[i] < 0x20 && out->text[i] != '\n') || out->text[i] == 0x7F)
            out->text[i] = '?';
    if (!ting_str_ok(out))
        err = TING_ERR_MEMORY;
out:
    ting_any_close(&any);
    return err;
}
