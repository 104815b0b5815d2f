/* SPDX-License-Identifier: Apache-2.0 */
/* tables.c - see tables.h. */
#include "engine/tables.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "engine/places.h"
#include "engine/tool_places.h"

static bool has_lexicon(const char *folder)
{
    char *path = ting_path_join(folder, "phrase-pinyin.tsv");
    bool has = path != NULL && ting_file_exists(path);
    ting_free(path);
    return has;
}

/* The first <place>/<name> that `holds` accepts; owned. */
static ting_err find(const char *name, bool (*holds)(const char *folder), const char *what, char **out)
{
    ting_err err = TING_OK;
    ting_paths places = {0};
    ting_str tried = {0};
    char *folder = NULL;
    *out = NULL;
    TRY(ting_places(NULL, &places));
    for (int i = 0; i < places.count; i++) {
        folder = ting_path_join(places.items[i], name);
        if (folder == NULL)
            FAIL(TING_ERR_MEMORY, "no memory for a path");
        if (holds(folder)) {
            *out = folder;
            folder = NULL;
            goto out;
        }
        ting_str_addf(&tried, "%s%s", i > 0 ? ", " : "", folder);
        ting_free(folder);
        folder = NULL;
    }
    FAIL(TING_ERR_NOT_FOUND, "no %s in %s", what,
         tried.length > 0 && ting_str_ok(&tried) ? tried.text : "the usual places");
out:
    ting_free(folder);
    ting_str_free(&tried);
    ting_paths_free(&places);
    return err;
}

ting_err ting_tool_lexicon_folder(char **out)
{
    return find("lexicon", has_lexicon, "lexicon (phrase-pinyin.tsv and its companions)", out);
}

ting_err ting_tables_lexicon(const char *folder, const char *const *first, int first_count, bool as_written,
                             ting_lexicon **out)
{
    ting_err err = TING_OK;
    char *found = NULL;
    *out = NULL;
    ting_lexicon *lexicon = ting_lexicon_new();
    if (lexicon == NULL)
        return TING_ERR_MEMORY;
    for (int i = 0; i < first_count; i++)
        TRY(ting_lexicon_add(lexicon, first[i], TING_LEXICON_COMMON));
    if (folder == NULL)
        TRY(ting_tool_lexicon_folder(&found));
    folder = folder != NULL ? folder : found;
    TRY(as_written ? ting_lexicon_add_folder_as_written(lexicon, folder) : ting_lexicon_add_folder(lexicon, folder));
    *out = lexicon;
    lexicon = NULL;
out:
    ting_lexicon_free(lexicon);
    ting_free(found);
    return err;
}

ting_err ting_tables_g2pm(const char *folder, ting_g2pm **out)
{
    ting_err err = TING_OK;
    char *found = NULL;
    *out = NULL;
    if (folder == NULL)
        TRY(find("g2pm", ting_g2pm_is_folder, "g2pM (np_ckpt.pkl and its companions)", &found));
    TRY(ting_g2pm_open(folder != NULL ? folder : found, out));
out:
    ting_free(found);
    return err;
}
