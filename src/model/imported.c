/* SPDX-License-Identifier: Apache-2.0 */
/* imported.c - see imported.h. */
#include "model/imported.h"

#include "base/mem.h"
#include "model/am_keys.h"

void ting_imported_free(ting_imported *model)
{
    ting_free(model->features);
    ting_texts_free(&model->tokens);
    ting_free(model->remark);
    ting_table_free(&model->tensors);
    ting_pickle_close(&model->pickle);
    *model = (ting_imported){0};
}

ting_err ting_imported_check(const ting_imported *model, const char *label)
{
    ting_err err = TING_OK;
    ting_am_net *net = NULL;
    ting_table_view view = {&model->tensors, ""};
    const ting_source source = ting_table_source(&view, label);
    if (model->tokens.count < (size_t)ting_am_vocab(&model->config))
        FAIL(TING_ERR_MODEL, "%s: %zu tokens for %d outputs", label, model->tokens.count, ting_am_vocab(&model->config));
    TRY_IN(ting_am_net_new(&model->config, &net), "%s", label);
    TRY(ting_params_load(net->params, &source, &(ting_load_options){.kern = ting_kern_select(ting_cpu_detect())}));
out:
    ting_am_net_free(net);
    return err;
}

void ting_imported_put_keys(const ting_imported *model, ting_gguf_writer *writer)
{
    ting_am_put_keys(writer, &model->config);
    ting_gguf_put_text(writer, TING_AM_PREFIX TING_AM_FEATURES, model->features);
    ting_gguf_put_texts(writer, TING_AM_PREFIX TING_KEY_TOKENS, model->tokens.items, model->tokens.count);
}
