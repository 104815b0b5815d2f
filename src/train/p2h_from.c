/* SPDX-License-Identifier: Apache-2.0 */
/* p2h_from.c - see p2h_from.h. */
#include "train/p2h_from.h"

#include "base/mem.h"
#include "base/str.h"
#include "model/schema.h"

#include <string.h>

/* For each character of the task's table the same one in the model's, or -1. */
static int *match_characters(const ting_p2h_tables *mine, const ting_p2h_tables *theirs, int *known)
{
    int *match = ting_alloc((size_t)mine->characters, sizeof *match);
    *known = 0;
    for (int c = 0; match != NULL && c < mine->characters; c++) {
        int found = c < TING_P2H_FIRST ? c : ting_p2h_character(theirs, mine->character[c]);
        match[c] = c >= TING_P2H_FIRST && found == TING_P2H_UNKNOWN ? -1 : found;
        *known += c >= TING_P2H_FIRST && match[c] >= 0;
    }
    return match;
}

/* Parameters with a row for each character. */
static bool is_by_character(const char *name)
{
    static const char *const names[] = {"final_layer.weight", "final_layer.bias", "decoder.embedding.weight",
                                        "output.weight", "output.bias", "tgt_emb.weight", "out.weight", "out.bias"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

static ting_err copy_param(ting_param *p, const ting_source *source, const int *match, int their_characters)
{
    ting_err err = TING_OK;
    ting_stored stored;
    TRY(source->find(source->self, p->name, &stored));
    const bool by_character = is_by_character(p->name);
    const size_t mine = (size_t)p->t.rows * (size_t)p->t.cols, theirs = ting_stored_elements(&stored);
    const int rows = p->shape[0];
    const size_t cols = mine / (size_t)rows;
    if (theirs != (by_character ? (size_t)their_characters * cols : mine))
        FAIL(TING_ERR_MODEL, "%s: %s has %zu numbers, the recipe's network %zu: the shapes differ", source->label, p->name,
             theirs, mine);
    for (int r = 0; r < rows; r++) {
        const int from = by_character ? match[r] : r;
        for (size_t c = 0; from >= 0 && c < cols; c++)
            p->t.data[(size_t)r * cols + c] = (ting_real)ting_stored_value(&stored, (size_t)from * cols + c);
    }
out:
    return err;
}

/* The first line that differs is the one to name: "heads 4". */
static ting_err check_settings(const ting_p2h_model *mine, const ting_p2h_model *theirs, const char *path)
{
    ting_err err = TING_OK;
    ting_str want = {0}, have = {0};
    size_t at = 0;
    ting_p2h_model_settings(mine, &want);
    ting_p2h_model_settings(theirs, &have);
    if (!ting_str_ok(&want) || !ting_str_ok(&have)) {
        err = TING_ERR_MEMORY;
        goto out;
    }
    for (size_t i = 0; want.text[i] != '\0' && want.text[i] == have.text[i]; i++)
        at = want.text[i] == '\n' ? i + 1 : at;
    if (strcmp(want.text + at, have.text + at) != 0)
        FAIL(TING_ERR_MODEL, "%s: the model has \"%.*s\", the recipe's network \"%.*s\"", path,
             (int)strcspn(have.text + at, "\n"), have.text + at, (int)strcspn(want.text + at, "\n"), want.text + at);
out:
    ting_str_free(&want);
    ting_str_free(&have);
    return err;
}

ting_err ting_p2h_from(ting_p2h_task *task, const char *path, int *known)
{
    ting_err err = TING_OK;
    ting_gguf file = {0};
    ting_p2h_model model = {0};
    ting_network network;
    int *match = NULL;
    TRY(ting_gguf_open(path, &file));
    TRY(ting_p2h_model_open(&file, ting_kern_select(ting_cpu_detect()), TING_PRECISION_F32, &model));
    TRY(ting_network_find(&file, "p2h", &network));
    const ting_p2h_tables *mine = &task->model.tables, *theirs = &model.tables;
    if (mine->syllables != theirs->syllables ||
        memcmp(mine->syllable, theirs->syllable, (size_t)mine->syllables * sizeof *mine->syllable) != 0)
        FAIL(TING_ERR_MODEL, "%s: the model has other syllables than the corpus", path);
    if ((model.net != NULL) != (task->model.net != NULL) || (model.s2s != NULL) != (task->model.s2s != NULL))
        FAIL(TING_ERR_MODEL, "%s: the model is a %s, the recipe's network a %s", path, ting_p2h_kind_name(&model),
             ting_p2h_kind_name(&task->model));
    TRY(check_settings(&task->model, &model, path));
    match = match_characters(mine, theirs, known);
    if (match == NULL) {
        err = TING_ERR_MEMORY;
        goto out;
    }
    ting_source source = ting_table_source(&network.tensors, path);
    for (int i = 0; i < ting_params_count(task->model.params); i++)
        TRY(copy_param(ting_params_at(task->model.params, i), &source, match, theirs->characters));
out:
    ting_free(match);
    ting_p2h_model_close(&model);
    ting_gguf_close(&file);
    return err;
}
