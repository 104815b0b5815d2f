/* SPDX-License-Identifier: Apache-2.0 */
/* tool_model.c - see tool_model.h. */
#include "engine/tool_model.h"

#include "base/file.h"
#include "engine/align_text.h"
#include "engine/decoder.h"
#include "engine/keyword_text.h"
#include "engine/model.h"
#include "engine/options.h"

#include <string.h>
#include <sys/stat.h>

void ting_tool_file_stamp(const char *what, const char *path, ting_str *out)
{
    struct stat status;
    if (path == NULL || stat(path, &status) != 0)
        return;
    ting_str_addf(out, " %s=", what);
    ting_str_add_escaped(out, ting_path_name(path));
    ting_str_addf(out, ":%lld:%lld.%09ld", (long long)status.st_size, (long long)status.st_mtim.tv_sec,
                  status.st_mtim.tv_nsec);
}

void ting_tool_model_stamp(const ting_model *model, ting_str *out)
{
    ting_tool_file_stamp("hearing", model->hearing.path, out);
    ting_tool_file_stamp("writing", model->writing.path, out);
    if (model->weighing.lm != NULL) {
        ting_tool_file_stamp("weighing", model->weighing.path, out);
        ting_str_addf(out, " lm-weight=%g", model->weighing.lm->weight);
    }
    if (model->ranking.rescorer != NULL) {
        ting_tool_file_stamp("ranking", model->ranking.path, out);
        ting_str_addf(out, " rescore-weight=%g rescore-lines=%d", model->options.rescore_weight, model->options.rescore_lines);
    }
}

ting_err ting_tool_model_apart(const ting_model *model, const char *output)
{
    ting_err err = TING_OK;
    const char *const paths[] = {model->hearing.path, model->writing.path, model->weighing.path, model->ranking.path};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++)
        if (paths[i] != NULL)
            TRY(ting_file_apart(paths[i], output));
out:
    return err;
}

ting_err ting_tool_model_decodes(const ting_model *model, const ting_options *options)
{
    ting_err err = TING_OK;
    ting_options own;
    ting_decoder *decoder = NULL;
    TRY(ting_options_take(options, &own));
    TRY(ting_decoder_new(&model->hearing.am, &own, &decoder));
out:
    ting_decoder_free(decoder);
    return err;
}

ting_err ting_tool_model_says(const ting_model *model, const char *text)
{
    ting_align_text read = {0};
    const ting_err err = ting_align_text_read(&model->hearing.am, text, &read);
    ting_align_text_free(&read);
    return err;
}

ting_err ting_tool_model_keywords(const ting_model *model, const char *path)
{
    ting_keywords keywords;
    ting_err err = ting_keywords_load(path, &model->hearing.am, &(ting_keyword_defaults){.boost = 1, .threshold = 0.25}, &keywords);
    ting_keywords_free(&keywords);
    return err;
}
