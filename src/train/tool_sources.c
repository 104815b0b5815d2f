/* SPDX-License-Identifier: Apache-2.0 */
/* tool_sources.c - see tool_sources.h; what the settings mean stands in data/p2h_prepare.h. */
#include "train/tool_sources.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/yaml.h"

static ting_err check_list(const ting_p2h_files *files, ting_yaml *list)
{
    ting_err err = TING_OK;
    char *path = NULL;
    for (ting_yaml *item = list != NULL ? list->first : NULL; item != NULL; item = item->next) {
        const char *file = NULL;
        if (item->kind == TING_YAML_MAP)
            TRY(ting_yaml_text(item, "file", &file));
        if (file == NULL)
            continue; /* said where it is read in earnest */
        ting_free(path);
        path = ting_path_under(files->base, file);
        if (path == NULL)
            FAIL(TING_ERR_MEMORY, "%s: out of memory", files->settings);
        TRY(ting_file_apart(path, files->output));
    }
out:
    ting_free(path);
    return err;
}

ting_err ting_tool_p2h_apart(const ting_p2h_files *files)
{
    ting_err err = TING_OK;
    ting_yaml_doc doc = {0};
    TRY(ting_file_apart(files->settings, files->output));
    TRY(ting_yaml_load(files->settings, &doc));
    TRY(check_list(files, ting_yaml_find(doc.root, "sources")));
    TRY(check_list(files, ting_yaml_find(doc.root, "exclude")));
out:
    ting_yaml_free(&doc);
    return err;
}
