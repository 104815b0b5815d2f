/* SPDX-License-Identifier: Apache-2.0 */
/* pull.c - see pull.h. */
#include "cli/pull.h"

#include "base/file.h"
#include "base/mem.h"
#include "engine/tool_convert.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int member_count(const ting_pull_model *model)
{
    int count = 0;
    while (count < TING_PULL_MEMBERS && model->members[count].name != NULL)
        count++;
    return count;
}

/* Removes a folder with the members that may be in it; no other file is ever there. */
static void remove_members(const ting_pull_model *model, const char *folder)
{
    for (int i = 0; i < member_count(model); i++) {
        char *path = ting_path_join(folder, model->members[i].as);
        if (path != NULL)
            unlink(path);
        ting_free(path);
    }
    rmdir(folder);
}

static ting_err convert(const ting_pull_model *model, const char *folder, const char *output)
{
    const ting_convert_text texts[] = {{"general.name", model->name},
                                       {"tingxie.am.license", model->license},
                                       {"tingxie.am.authors", model->authors},
                                       {"tingxie.am.source", model->url}};
    return ting_tool_convert(&(ting_convert_options){
        .inputs = &folder, .count = 1, .output = output, .texts = texts, .text_count = 4});
}

/* The verified files to their place: converted, or as the folder that they stand in. */
static ting_err settle(const ting_pull_model *model, const char *unpacked, const char *place)
{
    ting_err err = TING_OK;
    if (model->to_gguf)
        return convert(model, unpacked, place);
    if (chmod(unpacked, 0755) != 0)
        FAIL(TING_ERR_IO, "%s: its mode cannot be set: %s", unpacked, strerror(errno));
    if (ting_file_is_folder(place))
        remove_members(model, place);
    if (rename(unpacked, place) != 0)
        FAIL(TING_ERR_IO, "%s: cannot be replaced: %s", place, strerror(errno));
out:
    return err;
}

static ting_err fetch(const ting_pull_model *model, const ting_pull_options *options, const char *part)
{
    const ting_download download = {.url = options->from != NULL ? options->from : model->url,
                                    .path = part,
                                    .most = model->most,
                                    .any_scheme = options->from != NULL,
                                    .progress = options->progress,
                                    .self = options->self};
    return ting_transfer_download(&download);
}

ting_err ting_pull(const ting_pull_model *model, const ting_pull_options *options, ting_str *place, bool *fresh)
{
    ting_err err = TING_OK;
    ting_str part = {0}, unpacked = {0};
    bool made = false;
    *fresh = false;
    ting_str_addf(place, "%s/%s%s", options->folder, model->name, model->to_gguf ? ".gguf" : "");
    ting_str_addf(&part, "%s/%s.part", options->folder, model->name);
    ting_str_addf(&unpacked, "%s/.%s.XXXXXX", options->folder, model->name);
    if (!ting_str_ok(place) || !ting_str_ok(&part) || !ting_str_ok(&unpacked)) {
        err = TING_ERR_MEMORY;
        goto out;
    }
    if (ting_file_exists(place->text) && !options->again)
        goto out;
    TRY(ting_folder_make(options->folder));
    TRY(fetch(model, options, part.text));
    made = mkdtemp(unpacked.text) != NULL;
    if (!made)
        FAIL(TING_ERR_IO, "%s: no folder can be made in it: %s", options->folder, strerror(errno));
    err = ting_transfer_unpack(part.text, model->members, member_count(model), unpacked.text);
    if (err == TING_ERR_FORMAT) {
        unlink(part.text); /* complete, but not what it should be: to resume it would never end */
        ting_fail_in(err, "what came from %s is not used, and was removed",
                     options->from != NULL ? options->from : model->url);
    }
    TRY(err);
    TRY(settle(model, unpacked.text, place->text));
    unlink(part.text);
    *fresh = true;
out:
    if (made && ting_file_exists(unpacked.text))
        remove_members(model, unpacked.text);
    ting_str_free(&part);
    ting_str_free(&unpacked);
    return err;
}
