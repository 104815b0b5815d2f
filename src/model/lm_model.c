/* SPDX-License-Identifier: Apache-2.0 */
/* lm_model.c - see lm_model.h. One table of settings serves reading and writing. */
#include "model/lm_model.h"

#include "base/mem.h"
#include "model/act_name.h"

#include <stdio.h>
#include <string.h>

#define PREFIX "tingxie.lm."
#define ARCHITECTURE "lm-"

static const struct setting {
    const char *key;
    size_t offset;
} settings[] = {
    {"width", offsetof(ting_lm_config, width)},     {"hidden", offsetof(ting_lm_config, hidden)},
    {"layers", offsetof(ting_lm_config, layers)},   {"context", offsetof(ting_lm_config, context)},
    {"heads", offsetof(ting_lm_config, heads)},     {"classes", offsetof(ting_lm_config, classes)},
};
enum { SETTINGS = sizeof settings / sizeof settings[0], MOST_WORDS = 1 << 24 };

static const char *const norm_names[] = {[TING_NORM_AFTER] = "after", [TING_NORM_BEFORE] = "before"};

static int *member(ting_lm_config *config, int i)
{
    return (int *)(void *)((char *)config + settings[i].offset);
}

const char *ting_lm_settings_differ(const ting_lm_config *a, const ting_lm_config *b)
{
    ting_lm_config x = *a, y = *b;
    if (a->kind != b->kind)
        return "kind";
    for (int i = 0; i < SETTINGS; i++)
        if (*member(&x, i) != *member(&y, i))
            return settings[i].key;
    const bool gpt = a->kind == TING_LM_GPT;
    return a->direct != b->direct      ? "direct"
           : a->tied != b->tied        ? "tied"
           : gpt && a->norm != b->norm ? "norm"
           : gpt && a->act != b->act   ? "activation"
                                       : NULL;
}

/* ---- reading ---- */

static bool find_kind(const char *architecture, ting_lm_kind *out)
{
    const size_t length = strlen(ARCHITECTURE);
    for (int k = 0; strncmp(architecture, ARCHITECTURE, length) == 0 && k < TING_LM_KINDS; k++)
        if (strcmp(architecture + length, ting_lm_kind_name((ting_lm_kind)k)) == 0) {
            *out = (ting_lm_kind)k;
            return true;
        }
    return false;
}

bool ting_lm_model_is(const ting_network *lm)
{
    ting_lm_kind kind;
    return find_kind(lm->architecture, &kind);
}

static ting_err read_gpt(const ting_keys *keys, ting_lm_config *c)
{
    ting_err err = TING_OK;
    const char *text;
    double eps;
    TRY(ting_keys_text(keys, "activation", &text));
    if (!ting_act_find(text, &c->act))
        FAIL(TING_ERR_MODEL, "%s: %sactivation is \"%s\", which is no activation known here", keys->file->label, PREFIX, text);
    TRY(ting_keys_text(keys, "norm", &text));
    c->norm = strcmp(text, norm_names[TING_NORM_BEFORE]) == 0 ? TING_NORM_BEFORE : TING_NORM_AFTER;
    if (strcmp(text, norm_names[c->norm]) != 0)
        FAIL(TING_ERR_MODEL, "%s: %snorm is \"%s\", expected \"before\" or \"after\"", keys->file->label, PREFIX, text);
    TRY(ting_keys_real(keys, "eps", &eps));
    if (!(eps > 0 && eps < 1))
        FAIL(TING_ERR_MODEL, "%s: %seps is %g, expected a number between 0 and 1", keys->file->label, PREFIX, eps);
    c->eps = (ting_real)eps;
out:
    return err;
}

/* start [classes + 1], owned by the caller, serves until the net is made. */
static ting_err read_config(const ting_keys *keys, const char *architecture, int words, int **start, ting_lm_config *c)
{
    ting_err err = TING_OK;
    int64_t value;
    size_t count = 0;
    *c = (ting_lm_config){.tokens = words};
    if (!find_kind(architecture, &c->kind))
        FAIL(TING_ERR_MODEL, "%s: its language model is \"%s\", which this program does not know", keys->file->label, architecture);
    for (int i = 0; i < SETTINGS; i++) {
        TRY(ting_keys_integer(keys, settings[i].key, 0, 1 << 24, &value));
        *member(c, i) = (int)value;
    }
    TRY(ting_keys_flag(keys, "direct", &c->direct));
    TRY(ting_keys_flag(keys, "tied", &c->tied));
    if (c->kind == TING_LM_GPT)
        TRY(read_gpt(keys, c));
    if (c->classes > 0) {
        *start = ting_alloc((size_t)c->classes + 1, sizeof **start);
        TRY(*start != NULL ? TING_OK : TING_ERR_MEMORY);
        TRY(ting_keys_integers(keys, "class_start", 0, words, *start, (size_t)c->classes + 1, &count));
        if (count != (size_t)c->classes + 1)
            FAIL(TING_ERR_MODEL, "%s: %sclass_start has %zu numbers, expected %d", keys->file->label, PREFIX, count, c->classes + 1);
        c->class_start = *start;
    }
    TRY_IN(ting_lm_config_check(c), "%s", keys->file->label);
out:
    return err;
}

ting_err ting_lm_model_open(const ting_network *lm, const ting_kern *kern, ting_precision precision, ting_lm_model *out)
{
    ting_err err = TING_OK;
    ting_lm_config config;
    int *start = NULL;
    *out = (ting_lm_model){0};
    TRY(ting_keys_texts(&lm->keys, TING_KEY_TOKENS, &out->words));
    if (out->words.count > MOST_WORDS)
        FAIL(TING_ERR_MODEL, "%s: %zu words, expected at most %d", lm->keys.file->label, out->words.count, (int)MOST_WORDS);
    TRY(read_config(&lm->keys, lm->architecture, (int)out->words.count, &start, &config));
    out->params = ting_params_new();
    out->net = out->params != NULL ? ting_lm_net_new(&config, out->params) : NULL;
    TRY(out->net != NULL ? TING_OK : TING_ERR_MEMORY);
    ting_table_view tensors = lm->tensors;
    const ting_source source = ting_table_source(&tensors, lm->keys.file->label);
    TRY(ting_params_load(out->params, &source, &(ting_load_options){.kern = kern, .precision = precision}));
out:
    ting_free(start);
    if (err != TING_OK)
        ting_lm_model_close(out);
    return err;
}

void ting_lm_model_close(ting_lm_model *model)
{
    ting_lm_net_free(model->net);
    ting_params_free(model->params);
    ting_texts_free(&model->words);
    *model = (ting_lm_model){0};
}

/* ---- writing ---- */

void ting_lm_settings_put(ting_gguf_writer *writer, const ting_lm_config *config)
{
    ting_lm_config c = *config;
    char text[64];
    snprintf(text, sizeof text, ARCHITECTURE "%s", ting_lm_kind_name(c.kind));
    ting_gguf_put_text(writer, PREFIX TING_KEY_ARCHITECTURE, text);
    for (int i = 0; i < SETTINGS; i++) {
        snprintf(text, sizeof text, PREFIX "%s", settings[i].key);
        ting_gguf_put_integer(writer, text, *member(&c, i));
    }
    ting_gguf_put_flag(writer, PREFIX "direct", c.direct);
    ting_gguf_put_flag(writer, PREFIX "tied", c.tied);
    if (c.kind == TING_LM_GPT) {
        ting_gguf_put_text(writer, PREFIX "activation", ting_act_names[ting_act_name_index(c.act)]);
        ting_gguf_put_text(writer, PREFIX "norm", norm_names[c.norm]);
        ting_gguf_put_real(writer, PREFIX "eps", (double)c.eps);
    }
    if (c.classes > 0)
        ting_gguf_put_integers(writer, PREFIX "class_start", c.class_start, (size_t)c.classes + 1);
}

void ting_lm_model_put(ting_gguf_writer *writer, const ting_lm_model *model, ting_dtype dtype)
{
    ting_lm_settings_put(writer, ting_lm_net_config(model->net));
    ting_gguf_put_texts(writer, PREFIX TING_KEY_TOKENS, model->words.items, model->words.count);
    for (int i = 0; i < ting_params_count(model->params); i++) {
        const ting_param *p = ting_params_at(model->params, i);
        const ting_stored stored = ting_param_stored(p);
        char name[160];
        snprintf(name, sizeof name, "lm.%s", p->name);
        ting_gguf_put_tensor(writer, name, &stored, p->dims < 2 ? TING_DTYPE_F32 : dtype);
    }
}
