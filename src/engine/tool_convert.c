/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tool_convert.c - see tool_convert.h.
 *
 * Inputs stay open until the file is written: tensors are streamed from them. Keys come from the inputs in order;
 * what belongs to the file as a whole (general.*) from the first that says it.
 */
#include "engine/tool_convert.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "model/any.h"
#include "model/arpa.h"
#include "model/ngram.h"
#include "model/precision.h"
#include "model/public.h"
#include "model/schema.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

typedef struct input {
    bool folder;
    ting_any any;
    ting_imported imported;
} input;

typedef struct conversion {
    const ting_convert_options *options;
    ting_gguf_writer *writer;
    input *inputs;
    int opened;
    const char **networks; /* [network_count] borrow from texts or are constants */
    size_t network_count, network_room;
    ting_texts *texts; /* [count] the lists of networks of the inputs */
    const char **keys; /* [key_count] already written */
    size_t key_count, key_room;
} conversion;

static ting_err add_name(const char ***names, size_t *count, size_t *room, const char *name)
{
    ting_err err = ting_reserve(names, *count, 1, room, sizeof **names);
    if (err == TING_OK)
        (*names)[(*count)++] = name;
    return err;
}

static bool has_name(const char *const *names, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

static ting_err add_network(conversion *c, const char *path, const char *name)
{
    if (c->options->network != NULL && strcmp(name, c->options->network) != 0)
        return TING_OK;
    if (has_name(c->networks, c->network_count, name))
        return ting_fail(TING_ERR_MODEL, "%s: its network \"%s\" is already in another input", path, name);
    return add_name(&c->networks, &c->network_count, &c->network_room, name);
}

/* Whether a name (of a tensor, or of a key behind "tingxie.") belongs to a network that is not to be written. */
static bool is_left_out(const conversion *c, const ting_texts *networks, const char *name)
{
    for (size_t i = 0; c->options->network != NULL && i < networks->count; i++) {
        const char *network = networks->items[i];
        const size_t length = strlen(network);
        if (strncmp(name, network, length) == 0 && name[length] == '.')
            return strcmp(network, c->options->network) != 0;
    }
    return false;
}

/* ---- tensors ---- */

static ting_dtype wanted_type(ting_convert_precision precision, const ting_stored *tensor)
{
    static const ting_dtype types[] = {[TING_CONVERT_F32] = TING_DTYPE_F32, [TING_CONVERT_F16] = TING_DTYPE_F16,
                                       [TING_CONVERT_BF16] = TING_DTYPE_BF16, [TING_CONVERT_INT8] = TING_DTYPE_I8};
    return precision == TING_CONVERT_KEEP ? tensor->dtype : ting_dtype_in_file(types[precision], tensor);
}

static ting_err put_tensors(conversion *c, int index, const ting_table *table, const char *prefix)
{
    ting_err err = TING_OK;
    ting_table_view view = {table, ""};
    ting_source source = ting_table_source(&view, c->options->inputs[index]);
    const ting_named **items = ting_table_in_file_order(table);
    ting_str name = {0};
    if (items == NULL) {
        err = TING_ERR_MEMORY;
        goto out;
    }
    for (size_t i = 0; i < table->count; i++) {
        ting_stored tensor;
        bool scale;
        TRY(ting_table_is_scale(table, items[i]->name, &scale));
        if (scale || is_left_out(c, &c->texts[index], items[i]->name))
            continue;
        TRY(source.find(source.self, items[i]->name, &tensor));
        ting_str_clear(&name);
        ting_str_addf(&name, "%s%s", prefix, items[i]->name);
        if (!ting_str_ok(&name)) {
            err = TING_ERR_MEMORY;
            goto out;
        }
        ting_gguf_put_tensor(c->writer, name.text, &tensor, wanted_type(c->options->precision, &tensor));
    }
out:
    ting_str_free(&name);
    ting_free((void *)items);
    return err;
}

/* ---- keys ---- */

static ting_err put_key(conversion *c, const ting_gguf_entry *entry)
{
    if (strcmp(entry->key, "general.alignment") == 0 || strcmp(entry->key, "tingxie.networks") == 0 ||
        has_name(c->keys, c->key_count, entry->key))
        return TING_OK;
    ting_gguf_put_entry(c->writer, entry);
    return add_name(&c->keys, &c->key_count, &c->key_room, entry->key);
}

static ting_err put_texts(conversion *c)
{
    ting_err err = TING_OK;
    for (int i = 0; i < c->options->text_count; i++) {
        if (c->options->texts[i].text == NULL)
            continue;
        ting_gguf_put_text(c->writer, c->options->texts[i].key, c->options->texts[i].text);
        TRY(add_name(&c->keys, &c->key_count, &c->key_room, c->options->texts[i].key));
    }
out:
    return err;
}

static ting_err put_gguf(conversion *c, int index)
{
    ting_err err = TING_OK;
    const char ours[] = "tingxie.";
    const ting_gguf *file = &c->inputs[index].any.gguf;
    const char *path = c->options->inputs[index];
    ting_keys all = {file, ""};
    if (ting_keys_has(&all, "tingxie.networks")) {
        TRY(ting_schema_check(file));
        TRY(ting_keys_texts(&all, "tingxie.networks", &c->texts[index]));
        for (size_t i = 0; i < c->texts[index].count; i++)
            TRY(add_network(c, path, c->texts[index].items[i]));
    }
    for (size_t i = 0; i < file->count; i++) {
        const char *key = file->entries[i].key;
        if (strncmp(key, ours, strlen(ours)) != 0 || !is_left_out(c, &c->texts[index], key + strlen(ours)))
            TRY(put_key(c, &file->entries[i]));
    }
    TRY(put_tensors(c, index, &file->table, ""));
out:
    return err;
}

static ting_err put_general(conversion *c, const char *key, const char *text)
{
    if (has_name(c->keys, c->key_count, key))
        return TING_OK;
    ting_gguf_put_text(c->writer, key, text);
    return add_name(&c->keys, &c->key_count, &c->key_room, key);
}

static ting_err put_imported(conversion *c, int index)
{
    ting_err err = TING_OK;
    const char *path = c->options->inputs[index];
    const ting_imported *model = &c->inputs[index].imported;
    TRY(add_network(c, path, "am"));
    TRY(put_general(c, "general.architecture", "tingxie"));
    TRY(put_general(c, "general.name", ting_path_name(path)));
    if (!has_name(c->keys, c->key_count, "tingxie.version")) {
        ting_gguf_put_integer(c->writer, "tingxie.version", TING_SCHEMA_VERSION);
        TRY(add_name(&c->keys, &c->key_count, &c->key_room, "tingxie.version"));
    }
    ting_imported_put_keys(model, c->writer);
    TRY(put_tensors(c, index, &model->tensors, "am."));
out:
    return err;
}

static ting_err put_input(conversion *c, int index)
{
    const input *in = &c->inputs[index];
    if (in->folder)
        return put_imported(c, index);
    if (in->any.format == TING_ANY_GGUF)
        return put_gguf(c, index);
    ting_err err = TING_OK;
    TRY(put_general(c, "general.architecture", "tensors"));
    TRY(put_general(c, "general.name", ting_path_name(c->options->inputs[index])));
    TRY(put_tensors(c, index, in->any.table, ""));
out:
    return err;
}

/* ---- the whole ---- */

static ting_err open_input(conversion *c, const char *path)
{
    ting_err err = TING_OK;
    ting_str remark = {0};
    input *next = &c->inputs[c->opened];
    TRY(ting_file_apart(path, c->options->output));
    next->folder = ting_file_is_folder(path);
    TRY(next->folder ? ting_public_import(path, &next->imported) : ting_any_open(path, &next->any));
    c->opened++;
    if (next->folder && next->imported.remark != NULL && c->options->remark != NULL) {
        ting_str_addf(&remark, "%s: %s", path, next->imported.remark);
        if (ting_str_ok(&remark))
            c->options->remark(c->options->remark_self, remark.text);
    }
out:
    ting_str_free(&remark);
    return err;
}

static ting_err write_gguf(conversion *c)
{
    ting_err err = TING_OK;
    const ting_convert_options *options = c->options;
    c->writer = ting_gguf_writer_new();
    if (c->writer == NULL) {
        err = TING_ERR_MEMORY;
        goto out;
    }
    TRY(put_texts(c));
    for (int i = 0; i < options->count; i++)
        TRY(put_input(c, i));
    if (options->network != NULL && c->network_count == 0)
        FAIL(TING_ERR_MODEL, "%s: there is no network \"%s\" in it ('tingxie inspect' names those that are)",
             options->inputs[0], options->network);
    if (c->network_count > 0)
        ting_gguf_put_texts(c->writer, "tingxie.networks", c->networks, c->network_count);
    TRY(ting_gguf_save(c->writer, options->output));
out:
    return err;
}

static ting_err write_safetensors(conversion *c)
{
    ting_err err = TING_OK;
    const ting_convert_options *options = c->options;
    if (options->count != 1 || options->precision != TING_CONVERT_KEEP || options->network != NULL)
        FAIL(TING_ERR_ARGUMENT, "%s: safetensors are written from the whole of one input in its own precision",
             options->output);
    const input *in = &c->inputs[0];
    TRY(ting_safetensors_save(options->output, in->folder ? &in->imported.tensors : in->any.table, NULL, 0));
out:
    return err;
}

/* An n-gram model of another program: nothing else can stand beside it, and it has no precision to choose. */
static ting_err convert_arpa(const ting_convert_options *options)
{
    ting_err err = TING_OK;
    ting_ngram_table table = {0};
    ting_ngram *ngram = NULL;
    ting_gguf_writer *writer = ting_gguf_writer_new();
    const char *path = options->inputs[0], *name = ting_path_name(path);
    if (writer == NULL)
        return TING_ERR_MEMORY;
    if (options->precision != TING_CONVERT_KEEP || (options->network != NULL && strcmp(options->network, "lm") != 0))
        FAIL(TING_ERR_ARGUMENT, "%s: it holds one network, \"lm\", whose numbers have one form", path);
    TRY(ting_file_apart(path, options->output));
    TRY(ting_arpa_read(path, &table));
    TRY(ting_ngram_make(&table, &ngram));
    for (int i = 0; i < options->text_count; i++)
        if (strcmp(options->texts[i].key, "general.name") == 0 && options->texts[i].text != NULL)
            name = options->texts[i].text;
        else
            ting_gguf_put_text(writer, options->texts[i].key, options->texts[i].text);
    ting_schema_begin(writer, name, (const char *const[]){"lm"}, 1);
    ting_ngram_put(ngram, writer);
    TRY(ting_gguf_save(writer, options->output));
out:
    ting_gguf_writer_free(writer);
    ting_ngram_free(ngram);
    ting_ngram_table_free(&table);
    return err;
}

ting_err ting_tool_convert(const ting_convert_options *options)
{
    ting_err err = TING_OK;
    conversion c = {.options = options};
    bool safetensors = ting_path_ends(options->output, ".safetensors");
    if (!safetensors && !ting_path_ends(options->output, ".gguf"))
        FAIL(TING_ERR_ARGUMENT, "%s: expected a name that ends in .gguf or .safetensors", options->output);
    if (options->count == 1 && !safetensors && ting_path_ends(options->inputs[0], ".arpa"))
        return convert_arpa(options);
    c.inputs = ting_alloc((size_t)options->count, sizeof *c.inputs);
    c.texts = ting_alloc((size_t)options->count, sizeof *c.texts);
    if (c.inputs == NULL || c.texts == NULL) {
        err = TING_ERR_MEMORY;
        goto out;
    }
    for (int i = 0; i < options->count; i++)
        TRY(open_input(&c, options->inputs[i]));
    TRY(safetensors ? write_safetensors(&c) : write_gguf(&c));
out:
    ting_gguf_writer_free(c.writer);
    for (int i = 0; i < c.opened; i++) {
        ting_texts_free(&c.texts[i]);
        if (c.inputs[i].folder)
            ting_imported_free(&c.inputs[i].imported);
        else
            ting_any_close(&c.inputs[i].any);
    }
    ting_free(c.inputs);
    ting_free(c.texts);
    ting_free((void *)c.networks);
    ting_free((void *)c.keys);
    return err;
}
