/* SPDX-License-Identifier: Apache-2.0 */
/* lm_file.c - see lm_file.h. */
#include "train/lm_file.h"

#include "base/file.h"
#include "model/arpa.h"
#include "model/ngram_list.h"

#include <string.h>

bool ting_lm_file_is_arpa(const char *path)
{
    return ting_path_ends(path, ".arpa");
}

ting_err ting_lm_file_check_name(const char *path, bool network)
{
    if (ting_path_ends(path, ".gguf") || (!network && ting_path_ends(path, ".arpa")))
        return TING_OK;
    return ting_fail(TING_ERR_ARGUMENT, "%s: expected a name that ends in .gguf%s", path, network ? ", as of a network" : " or .arpa");
}

ting_err ting_lm_file_read(const char *path, ting_ngram_table *out)
{
    ting_err err = TING_OK;
    ting_gguf file = {0};
    ting_network lm;
    ting_ngram *ngram = NULL;
    *out = (ting_ngram_table){0};
    if (ting_lm_file_is_arpa(path))
        return ting_arpa_read(path, out);
    TRY(ting_gguf_open(path, &file));
    TRY(ting_network_find(&file, "lm", &lm));
    TRY(ting_ngram_open(&lm, &ngram));
    TRY_IN(ting_ngram_list(ngram, out), "%s", path);
out:
    ting_ngram_free(ngram);
    ting_gguf_close(&file);
    return err;
}

void ting_lm_file_put_notes(ting_gguf_writer *writer, const ting_lm_file_notes *notes)
{
    ting_gguf_put_text(writer, "tingxie.lm." TING_KEY_LICENSE, notes->licence);
    ting_gguf_put_text(writer, "tingxie.lm." TING_KEY_AUTHORS, notes->authors);
    ting_gguf_put_text(writer, "tingxie.lm." TING_KEY_SOURCE, notes->source);
    ting_gguf_put_text(writer, "tingxie.lm." TING_KEY_TRAINING, notes->training);
}

ting_err ting_lm_file_write(const ting_ngram_table *table, const ting_lm_file_notes *notes, const char *path)
{
    ting_err err = TING_OK;
    ting_ngram *ngram = NULL;
    ting_gguf_writer *writer = NULL;
    if (ting_lm_file_is_arpa(path))
        return ting_arpa_save(path, table);
    TRY(ting_ngram_make(table, &ngram));
    writer = ting_gguf_writer_new();
    TRY(writer != NULL ? TING_OK : TING_ERR_MEMORY);
    ting_schema_begin(writer, notes->name, (const char *const[]){"lm"}, 1);
    ting_lm_file_put_notes(writer, notes);
    ting_ngram_put(ngram, writer);
    TRY(ting_gguf_save(writer, path));
out:
    ting_gguf_writer_free(writer);
    ting_ngram_free(ngram);
    return err;
}
