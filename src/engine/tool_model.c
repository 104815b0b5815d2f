/* SPDX-License-Identifier: Apache-2.0 */
/* tool_model.c - see tool_model.h. */
#include "engine/tool_model.h"

#include "engine/keyword_text.h"
#include "engine/model.h"

#include <string.h>
#include <sys/stat.h>

static void add_file(ting_str *out, const char *what, const char *path)
{
    struct stat status;
    if (path == NULL || stat(path, &status) != 0)
        return;
    const char *slash = strrchr(path, '/');
    ting_str_addf(out, " %s=", what);
    ting_str_add_escaped(out, slash != NULL ? slash + 1 : path);
    ting_str_addf(out, ":%lld:%lld.%09ld", (long long)status.st_size, (long long)status.st_mtim.tv_sec,
                  status.st_mtim.tv_nsec);
}

void ting_tool_model_stamp(const ting_model *model, ting_str *out)
{
    add_file(out, "hearing", model->hearing.path);
    add_file(out, "writing", model->writing.path);
    if (model->weighing.lm != NULL) {
        add_file(out, "weighing", model->weighing.path);
        ting_str_addf(out, " lm-weight=%g", model->weighing.lm->weight);
    }
    if (model->ranking.rescorer != NULL) {
        add_file(out, "ranking", model->ranking.path);
        ting_str_addf(out, " rescore-weight=%g rescore-lines=%d", model->options.rescore_weight, model->options.rescore_lines);
    }
}

ting_err ting_tool_model_keywords(const ting_model *model, const char *path)
{
    ting_keywords keywords;
    ting_err err = ting_keywords_load(path, &model->hearing.am, &(ting_keyword_defaults){0}, &keywords);
    ting_keywords_free(&keywords);
    return err;
}
