/* SPDX-License-Identifier: Apache-2.0 */
/* lm_from.c - see lm_from.h. */
#include "train/lm_from.h"

ting_err ting_lm_from_open(const char *path, const ting_lm_config *wanted, ting_lm_from *out)
{
    ting_err err = TING_OK;
    *out = (ting_lm_from){0};
    TRY(ting_gguf_open(path, &out->file));
    TRY(ting_network_find(&out->file, "lm", &out->network));
    if (!ting_lm_model_is(&out->network))
        FAIL(TING_ERR_MODEL, "%s: its language model is of n-grams, which have no weights to begin with: take tingxie lm mix", path);
    TRY(ting_lm_model_open(&out->network, ting_kern_select(ting_cpu_detect()), TING_PRECISION_F32, &out->model));
    const char *differs = ting_lm_settings_differ(ting_lm_net_config(out->model.net), wanted);
    if (differs != NULL)
        FAIL(TING_ERR_MODEL, "%s: its network has another \"%s\" than the recipe's: expected the same settings in the group \"model\"",
             path, differs);
out:
    if (err != TING_OK)
        ting_lm_from_close(out);
    return err;
}

void ting_lm_from_close(ting_lm_from *from)
{
    ting_lm_model_close(&from->model);
    ting_gguf_close(&from->file);
    *from = (ting_lm_from){0};
}

ting_err ting_lm_from_load(ting_lm_from *from, ting_params *params)
{
    ting_err err = TING_OK;
    const ting_source source = ting_table_source(&from->network.tensors, from->file.label);
    for (int i = 0; i < ting_params_count(params); i++) {
        ting_param *p = ting_params_at(params, i);
        const size_t count = (size_t)p->t.rows * (size_t)p->t.cols;
        ting_stored stored;
        TRY(source.find(source.self, p->name, &stored));
        if (ting_stored_elements(&stored) != count)
            FAIL(TING_ERR_MODEL, "%s: %s has %zu numbers, expected %zu", from->file.label, p->name, ting_stored_elements(&stored), count);
        for (size_t k = 0; k < count; k++)
            p->t.data[k] = (ting_real)ting_stored_value(&stored, k);
    }
out:
    return err;
}
