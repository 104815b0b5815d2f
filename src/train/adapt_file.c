/* SPDX-License-Identifier: Apache-2.0 */
/* adapt_file.c - see adapt_file.h. */
#include "train/adapt_file.h"

#include "base/file.h"
#include "base/mem.h"
#include "model/public.h"
#include "train/lm_file.h"
#include "train/model_origin.h"

#include <string.h>

typedef struct files { /* everything that a writer borrows from */
    ting_gguf hearing, writing;
    ting_imported imported; /* of a folder with a public model */
    ting_texts networks;    /* of the file of the acoustic network */
    ting_p2h_widened widened;
    ting_ngram *ngram;
    ting_gguf_writer *writer;
} files;

static bool is_rewritten(const char *network)
{
    return strcmp(network, "p2h") == 0 || strcmp(network, "lm") == 0;
}

/* The names of all networks: those that stay, then the two that are written anew. */
static ting_err begin(files *f, const ting_model *model)
{
    ting_err err = TING_OK;
    const char **names = NULL;
    size_t count = 0;
    const char *path = model->hearing.path;
    const bool folder = path != NULL && ting_file_is_folder(path);
    const char *name = "Tingxie";
    if (folder) {
        TRY(ting_public_import(path, &f->imported));
    } else if (path != NULL) {
        const ting_keys all = {&f->hearing, ""};
        TRY(ting_gguf_open(path, &f->hearing));
        TRY(ting_keys_texts(&all, "tingxie.networks", &f->networks));
        if (ting_keys_has(&all, "general.name"))
            TRY(ting_keys_text(&all, "general.name", &name));
    }
    names = ting_alloc(f->networks.count + 3, sizeof *names);
    TRY(names != NULL ? TING_OK : TING_ERR_MEMORY);
    if (folder)
        names[count++] = "am";
    for (size_t i = 0; i < f->networks.count; i++)
        if (!is_rewritten(f->networks.items[i]))
            names[count++] = f->networks.items[i];
    names[count++] = "p2h";
    names[count++] = "lm";
    ting_schema_begin(f->writer, name, names, count);
out:
    ting_free((void *)names);
    return err;
}

static ting_err put_imported(files *f)
{
    ting_err err = TING_OK;
    const ting_table *table = &f->imported.tensors;
    ting_str name = {0};
    const ting_named **items = ting_table_in_file_order(table);
    TRY(items != NULL ? TING_OK : TING_ERR_MEMORY);
    ting_imported_put_keys(&f->imported, f->writer);
    for (size_t i = 0; i < table->count; i++) {
        ting_str_clear(&name);
        ting_str_addf(&name, "am.%s", items[i]->name);
        TRY(ting_str_ok(&name) ? TING_OK : TING_ERR_MEMORY);
        ting_gguf_put_tensor(f->writer, name.text, &items[i]->tensor, items[i]->tensor.dtype);
    }
out:
    ting_str_free(&name);
    ting_free((void *)items);
    return err;
}

static ting_err put_hearing(files *f, const ting_model *model)
{
    ting_err err = TING_OK;
    if (model->hearing.path != NULL && ting_file_is_folder(model->hearing.path))
        return put_imported(f);
    for (size_t i = 0; i < f->networks.count; i++)
        if (!is_rewritten(f->networks.items[i]))
            TRY(ting_network_copy(&f->hearing, f->networks.items[i], NULL, f->writer));
out:
    return err;
}

static ting_err put_writing(files *f, const ting_model *model, const char *path, const ting_adapt_new *found, ting_adapt_report *report)
{
    ting_err err = TING_OK;
    TRY(ting_gguf_open(path, &f->writing));
    if (found->count == 0) {
        TRY(ting_network_copy(&f->writing, "p2h", NULL, f->writer));
        goto out;
    }
    TRY(ting_p2h_widen(&f->writing, &ting_hanzi_p2h_model(model->writing.p2h)->tables, found->readings, found->count, f->writer,
                       &f->widened));
    report->new_characters = (size_t)f->widened.characters;
    report->new_readings = (size_t)f->widened.readings;
out:
    return err;
}

/* {"adapted": {"texts": ["a.txt"], "sentences": ..., "weight": ..., "from": {...}}} */
static ting_err make_record(const ting_adapt_options *o, const ting_model *model, const ting_adapt_report *r, ting_str *out)
{
    ting_err err = TING_OK;
    ting_str_add(out, "{\"adapted\":{\"texts\":[");
    for (int i = 0; i < o->text_count; i++) {
        ting_str_add(out, i > 0 ? "," : "");
        ting_str_add_json(out, ting_path_name(o->texts[i]));
    }
    ting_str_addf(out, "],\"sentences\":%zu,\"characters\":%zu,\"held_out\":%zu,\"weight\":%.6g,\"likeliest_weight\":%.6g", r->sentences,
                  r->characters, r->held, r->weight, r->found);
    ting_str_addf(out, ",\"perplexity_before\":%.6g,\"perplexity\":%.6g,\"new_characters\":%zu,\"new_readings\":%zu,\"prune\":%g",
                  r->before, r->after, r->new_characters, r->new_readings, o->prune);
    if (model->weighing.path != NULL) {
        ting_str_add(out, ",\"from\":");
        TRY(ting_model_origin(model->weighing.path, "lm", out));
    }
    ting_str_add(out, "}}");
    TRY(ting_str_ok(out) ? TING_OK : TING_ERR_MEMORY);
out:
    return err;
}

ting_err ting_adapt_file_write(const ting_adapt_options *options, const ting_model *model, const char *writing,
                               const ting_adapt_new *found, const ting_ngram_table *table, ting_adapt_report *report)
{
    ting_err err = TING_OK;
    files f = {.writer = ting_gguf_writer_new()};
    ting_str record = {0};
    TRY(f.writer != NULL ? TING_OK : TING_ERR_MEMORY);
    TRY(begin(&f, model));
    TRY(put_hearing(&f, model));
    TRY(put_writing(&f, model, writing, found, report));
    TRY(ting_ngram_make(table, &f.ngram));
    TRY(make_record(options, model, report, &record));
    ting_lm_file_put_notes(f.writer,
                           &(ting_lm_file_notes){.licence = options->licence,
                                                 .authors = options->authors,
                                                 .source = "adapted by tingxie adapt; the training record says what to, and from what",
                                                 .training = record.text});
    ting_ngram_put(f.ngram, f.writer);
    TRY(ting_gguf_save(f.writer, options->output));
out:
    ting_gguf_writer_free(f.writer);
    ting_ngram_free(f.ngram);
    ting_p2h_widened_free(&f.widened);
    ting_texts_free(&f.networks);
    ting_imported_free(&f.imported);
    ting_gguf_close(&f.writing);
    ting_gguf_close(&f.hearing);
    ting_str_free(&record);
    return err;
}
