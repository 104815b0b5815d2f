/* SPDX-License-Identifier: Apache-2.0 */
/* am_tokens.c - see am_tokens.h. */
#include "train/am_tokens.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "data/characters.h"
#include "model/public.h"
#include "model/schema.h"
#include "model/tokens.h"
#include "train/trainer.h"

#include <string.h>

ting_err ting_am_tokens_of(const char *path, ting_texts *out)
{
    ting_err err = TING_OK;
    ting_gguf file = {0};
    ting_imported model = {0};
    ting_network am;
    if (ting_public_kind_of(path) != TING_PUBLIC_NONE) {
        TRY(ting_public_import(path, &model));
        *out = model.tokens;
        model.tokens = (ting_texts){0};
        goto out;
    }
    TRY(ting_gguf_open(path, &file));
    TRY(ting_network_find(&file, "am", &am));
    TRY(ting_keys_texts(&am.keys, TING_KEY_TOKENS, out));
out:
    ting_imported_free(&model);
    ting_gguf_close(&file);
    return err;
}

static ting_err of_texts(const ting_am_token_sources *sources, ting_texts *out)
{
    ting_err err = TING_OK;
    ting_characters *characters = ting_characters_new();
    if (characters == NULL)
        return TING_ERR_MEMORY;
    for (int i = 0; i < sources->count; i++)
        TRY(ting_characters_add(characters, sources->train[i]));
    TRY(ting_characters_table(characters, out));
out:
    ting_characters_free(characters);
    return err;
}

/* Made anew as long as no checkpoint belongs to it. */
static ting_err characters(const ting_am_token_sources *sources, ting_texts *out)
{
    ting_err err = TING_OK;
    char *path = ting_path_join(sources->folder, "tokens.txt");
    if (path == NULL)
        return TING_ERR_MEMORY;
    if (sources->count == 0 || sources->rank > 0 || ting_trainer_has_checkpoint(sources->folder)) {
        TRY(ting_tokens_read(path, out));
        goto out;
    }
    if (sources->from != NULL)
        TRY(ting_am_tokens_of(sources->from, out));
    if (!ting_am_tokens_write(out)) {
        ting_texts_free(out);
        TRY(of_texts(sources, out));
    }
    TRY(ting_folder_make(sources->folder));
    TRY(ting_tokens_save(path, out));
out:
    ting_free(path);
    return err;
}

ting_err ting_am_tokens(const ting_am_recipe *r, const ting_am_token_sources *sources, ting_texts *out)
{
    *out = (ting_texts){0};
    return r->token_file != NULL                ? ting_tokens_read(r->token_file, out)
           : r->table == TING_TOKENS_CHARACTERS ? characters(sources, out)
                                                : ting_token_table_make(r->table, out);
}

ting_err ting_am_tokens_blank(const ting_texts *tokens, const char *label, int *out)
{
    static const char *const names[] = {"<blk>", "<blank>", "<eps>"}; /* icefall's, WeNet's, k2's */
    for (size_t n = 0; n < sizeof names / sizeof names[0]; n++)
        for (size_t i = 0; i < tokens->count; i++)
            if (strcmp(tokens->items[i], names[n]) == 0) {
                *out = (int)i;
                return TING_OK;
            }
    return ting_fail(TING_ERR_FORMAT, "%s: none of %zu tokens is a blank, <blk>, <blank> or <eps>", label,
                     tokens->count);
}

bool ting_am_tokens_write(const ting_texts *tokens)
{
    size_t hanzi = 0;
    for (size_t i = 0; i < tokens->count; i++) {
        uint32_t point = 0;
        const size_t length = strlen(tokens->items[i]);
        hanzi += length > 0 && ting_utf8_decode(tokens->items[i], length, &point) == (int)length &&
                 ting_utf8_is_hanzi(point);
    }
    return 2 * hanzi > tokens->count;
}
