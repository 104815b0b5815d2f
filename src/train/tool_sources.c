/* SPDX-License-Identifier: Apache-2.0 */
/* tool_sources.c - see tool_sources.h; what the settings mean stands in data/p2h_prepare.h. */
#include "train/tool_sources.h"

#include "base/file.h"
#include "data/text_source.h"

ting_err ting_tool_p2h_apart(const ting_p2h_files *files)
{
    ting_err err = TING_OK;
    ting_yaml_doc doc = {0};
    TRY(ting_file_apart(files->settings, files->output));
    TRY(ting_yaml_load(files->settings, &doc));
    TRY(ting_text_sources_apart(ting_yaml_find(doc.root, "sources"), files->base, files->output));
    TRY(ting_text_sources_apart(ting_yaml_find(doc.root, "exclude"), files->base, files->output));
out:
    ting_yaml_free(&doc);
    return err;
}
