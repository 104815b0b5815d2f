/* SPDX-License-Identifier: Apache-2.0 */
/* p2h_model.c - see p2h_model.h. One table of settings serves reading and writing. */
#include "model/p2h_model.h"

#include "base/mem.h"
#include "base/str.h"
#include "base/utf8.h"
#include "model/act_name.h"
#include "model/schema.h"

#include <stdio.h>
#include <string.h>

#define PREFIX "tingxie.p2h."

/* Integers of a shape by name; the table of a network ends with a NULL key. */
typedef struct setting {
    const char *key;
    size_t offset;
    bool newer; /* files written before it was invented lack it: the shape keeps what it has */
} setting;

static const setting p2h_settings[] = {
    {"embedding", offsetof(ting_p2h_shape, embedding), false},
    {"pair_rows", offsetof(ting_p2h_shape, pair_rows), false},
    {"triple_rows", offsetof(ting_p2h_shape, triple_rows), false},
    {"triple_places", offsetof(ting_p2h_shape, triple_places), true},
    {"ngram_dim", offsetof(ting_p2h_shape, ngram_dim), false},
    {"layers", offsetof(ting_p2h_shape, layers), false},
    {"conv_taps", offsetof(ting_p2h_shape, conv_taps), false},
    {"detour_dim", offsetof(ting_p2h_shape, detour_dim), false},
    {"map_layers", offsetof(ting_p2h_shape, map_layers), false},
    {NULL, 0, false},
};

static const setting s2s_settings[] = {
    {"encoder_layers", offsetof(ting_s2s_shape, encoder_layers), false},
    {"decoder_layers", offsetof(ting_s2s_shape, decoder_layers), false},
    {NULL, 0, false},
};

static const setting birnn_settings[] = {
    {"width", offsetof(ting_bahdanau_shape, width), false},
    {"hidden", offsetof(ting_bahdanau_shape, hidden), false},
    {"attention", offsetof(ting_bahdanau_shape, attention), false},
    {NULL, 0, false},
};

static const setting layer_settings[] = {
    {"width", offsetof(ting_transformer_shape, width), false},
    {"heads", offsetof(ting_transformer_shape, heads), false},
    {"inner", offsetof(ting_transformer_shape, inner), false},
    {NULL, 0, false},
};

static ting_err read_act(const ting_keys *keys, const char *key, ting_act *out)
{
    const char *name;
    ting_err err = ting_keys_text(keys, key, &name);
    if (err == TING_OK && !ting_act_find(name, out))
        err = ting_fail(TING_ERR_MODEL, "%s: %s%s is \"%s\", which is no activation known here", keys->file->label, PREFIX,
                        key, name);
    return err;
}

static const char *act_name(ting_act act)
{
    return ting_act_names[ting_act_name_index(act)];
}

static ting_err read_settings(const ting_keys *keys, const setting *list, void *shape)
{
    ting_err err = TING_OK;
    int64_t value;
    for (; list->key != NULL; list++) {
        if (list->newer && !ting_keys_has(keys, list->key))
            continue;
        TRY(ting_keys_integer(keys, list->key, 0, 1 << 24, &value));
        *(int *)(void *)((char *)shape + list->offset) = (int)value;
    }
out:
    return err;
}

static ting_err read_layer(const ting_keys *keys, ting_transformer_shape *layer)
{
    ting_err err = TING_OK;
    int64_t value;
    double eps;
    TRY(read_settings(keys, layer_settings, layer));
    TRY(ting_keys_integer(keys, "norm", 0, 1, &value));
    layer->norm = value == 1 ? TING_NORM_BEFORE : TING_NORM_AFTER;
    TRY(read_act(keys, "activation", &layer->act));
    TRY(ting_keys_real(keys, "eps", &eps));
    if (!(eps > 0 && eps < 1))
        FAIL(TING_ERR_MODEL, "%s: %seps is %g, expected a number between 0 and 1", keys->file->label, PREFIX, eps);
    layer->eps = (ting_real)eps;
out:
    return err;
}

/* The code point of each character of the table; the special ones are skipped. */
static ting_err read_characters(const ting_keys *keys, const ting_texts *texts, uint32_t *out)
{
    for (size_t i = TING_P2H_FIRST; i < texts->count; i++) {
        size_t size = strlen(texts->items[i]);
        if (ting_utf8_decode(texts->items[i], size, &out[i - TING_P2H_FIRST]) != (int)size || size == 0)
            return ting_fail(TING_ERR_MODEL, "%s: %scharacters: item %zu, \"%.16s\", is not one character",
                             keys->file->label, PREFIX, i, texts->items[i]);
    }
    return TING_OK;
}

/* "zhong1 zhong4" -> pairs; names are looked up in tables that have no readings yet. */
static ting_err read_readings(const ting_keys *keys, const ting_p2h_tables *names, const ting_texts *texts,
                              ting_p2h_pair **pairs, size_t *count)
{
    size_t room = 0;
    for (size_t i = TING_P2H_FIRST; i < texts->count; i++)
        for (const char *c = texts->items[i]; *c != '\0'; c++)
            room += c == texts->items[i] || *c == ' ';
    *pairs = ting_alloc(room, sizeof **pairs);
    if (*pairs == NULL)
        return TING_ERR_MEMORY;
    for (size_t i = TING_P2H_FIRST; i < texts->count; i++)
        for (const char *c = texts->items[i]; *c != '\0';) {
            size_t length = strcspn(c, " ");
            int syllable = ting_p2h_syllable(names, c, length);
            if (syllable == TING_P2H_UNKNOWN)
                return ting_fail(TING_ERR_MODEL, "%s: %sreadings: item %zu, \"%.32s\", has a syllable that the table lacks",
                                 keys->file->label, PREFIX, i, texts->items[i]);
            (*pairs)[(*count)++] = (ting_p2h_pair){(int)i, syllable};
            c += length + (c[length] == ' ');
        }
    return TING_OK;
}

static ting_err read_tables(const ting_keys *keys, ting_p2h_tables *out)
{
    ting_err err = TING_OK;
    ting_texts syllables = {0}, characters = {0}, readings = {0};
    ting_p2h_tables names = {0};
    ting_p2h_pair *pairs = NULL;
    uint32_t *points = NULL;
    size_t pair_count = 0;
    TRY(ting_keys_texts(keys, "syllables", &syllables));
    TRY(ting_keys_texts(keys, "characters", &characters));
    TRY(ting_keys_texts(keys, "readings", &readings));
    if (syllables.count < TING_P2H_FIRST || characters.count < TING_P2H_FIRST || readings.count != characters.count ||
        syllables.count > UINT16_MAX || characters.count > UINT16_MAX)
        FAIL(TING_ERR_MODEL, "%s: tables of %zu syllables, %zu characters and %zu readings do not belong together",
             keys->file->label, syllables.count, characters.count, readings.count);
    points = ting_alloc(characters.count, sizeof *points);
    if (points == NULL) {
        err = TING_ERR_MEMORY;
        goto out;
    }
    TRY(read_characters(keys, &characters, points));
    const int syllable_count = (int)syllables.count - TING_P2H_FIRST;
    const int character_count = (int)characters.count - TING_P2H_FIRST;
    err = ting_p2h_tables_make(&names, syllable_count, syllables.items + TING_P2H_FIRST, 0, NULL, 0, NULL);
    if (err == TING_OK)
        err = read_readings(keys, &names, &readings, &pairs, &pair_count);
    if (err == TING_OK)
        err = ting_p2h_tables_make(out, syllable_count, syllables.items + TING_P2H_FIRST, character_count, points,
                                   pair_count, pairs);
    if (err == TING_ERR_FORMAT)
        ting_fail_in(err, "%s", keys->file->label);
out:
    ting_p2h_tables_free(&names);
    ting_texts_free(&syllables);
    ting_texts_free(&characters);
    ting_texts_free(&readings);
    ting_free(pairs);
    ting_free(points);
    return err;
}

static ting_err declare_p2h(const ting_keys *keys, ting_p2h_model *out)
{
    ting_err err = TING_OK;
    ting_p2h_shape shape = {.syllables = out->tables.syllables, .characters = out->tables.characters,
                            .triple_places = 1};
    TRY(read_settings(keys, p2h_settings, &shape));
    TRY(read_act(keys, "input_activation", &shape.input_act));
    TRY(read_layer(keys, &shape.layer));
    TRY_IN(ting_p2h_shape_check(&shape), "%s", keys->file->label);
    out->net = ting_p2h_net_new(&shape, out->params);
    err = out->net != NULL ? TING_OK : TING_ERR_MEMORY;
out:
    return err;
}

static ting_err declare_s2s(const ting_keys *keys, ting_p2h_model *out)
{
    ting_err err = TING_OK;
    ting_s2s_shape shape = {.syllables = out->tables.syllables, .characters = out->tables.characters};
    TRY(read_settings(keys, s2s_settings, &shape));
    TRY(ting_keys_flag(keys, "tied", &shape.tied));
    TRY(read_layer(keys, &shape.layer));
    TRY_IN(ting_s2s_shape_check(&shape), "%s", keys->file->label);
    out->s2s = ting_s2s_net_new(&shape, out->params);
    err = out->s2s != NULL ? TING_OK : TING_ERR_MEMORY;
out:
    return err;
}

static ting_err declare_birnn(const ting_keys *keys, ting_p2h_model *out)
{
    ting_err err = TING_OK;
    ting_bahdanau_shape shape = {.syllables = out->tables.syllables, .characters = out->tables.characters};
    TRY(read_settings(keys, birnn_settings, &shape));
    TRY_IN(ting_bahdanau_shape_check(&shape), "%s", keys->file->label);
    out->birnn = ting_bahdanau_net_new(&shape, out->params);
    err = out->birnn != NULL ? TING_OK : TING_ERR_MEMORY;
out:
    return err;
}

ting_err ting_p2h_model_open(const ting_gguf *file, const ting_kern *kern, ting_precision precision,
                             ting_p2h_model *out)
{
    ting_err err = TING_OK;
    ting_network network;
    *out = (ting_p2h_model){0};
    TRY(ting_network_find(file, "p2h", &network));
    TRY(read_tables(&network.keys, &out->tables));
    out->params = ting_params_new();
    if (out->params == NULL) {
        err = TING_ERR_MEMORY;
        goto out;
    }
    if (strcmp(network.architecture, "transformer-p2h") == 0)
        TRY(declare_p2h(&network.keys, out));
    else if (strcmp(network.architecture, "transformer-s2s") == 0)
        TRY(declare_s2s(&network.keys, out));
    else if (strcmp(network.architecture, "birnn-attention") == 0)
        TRY(declare_birnn(&network.keys, out));
    else
        FAIL(TING_ERR_MODEL, "%s: pinyin-to-hanzi architecture \"%s\", this program knows transformer-p2h, transformer-s2s and "
                             "birnn-attention", file->label, network.architecture);
    ting_source source = ting_table_source(&network.tensors, file->label);
    TRY(ting_params_load(out->params, &source, &(ting_load_options){.kern = kern, .precision = precision}));
out:
    if (err != TING_OK)
        ting_p2h_model_close(out);
    return err;
}

void ting_p2h_model_close(ting_p2h_model *model)
{
    ting_p2h_net_free(model->net);
    ting_s2s_net_free(model->s2s);
    ting_bahdanau_net_free(model->birnn);
    ting_params_free(model->params);
    ting_p2h_tables_free(&model->tables);
    *model = (ting_p2h_model){0};
}

const char *ting_p2h_kind_name(const ting_p2h_model *model)
{
    return model->net != NULL ? "Transformer" : model->s2s != NULL ? "Transformer with encoder and decoder" : "BiRNN with attention";
}

/* ---- encoder and decoder ---- */

ting_tensor ting_p2h_encode(ting_ctx *ctx, const ting_p2h_model *model, const int *ids, ting_segments segments)
{
    return model->s2s != NULL ? ting_s2s_encode(ctx, model->s2s, ids, segments) : ting_bahdanau_encode(ctx, model->birnn, ids, segments);
}

ting_tensor ting_p2h_run_decoder(ting_ctx *ctx, const ting_p2h_model *model, ting_tensor memory, ting_segments memory_segments,
                                 const int *ids, ting_segments segments, const int *of_memory)
{
    return model->s2s != NULL ? ting_s2s_decode(ctx, model->s2s, memory, memory_segments, ids, segments, of_memory)
                              : ting_bahdanau_decode(ctx, model->birnn, memory, memory_segments, ids, segments, of_memory);
}

ting_err ting_p2h_steps_begin(ting_ctx *ctx, const ting_p2h_model *model, ting_tensor memory, ting_segments memory_segments, int most,
                              int longest, ting_p2h_steps *out)
{
    *out = (ting_p2h_steps){.model = model};
    return model->s2s != NULL ? ting_s2s_steps_new(ctx, model->s2s, memory, memory_segments, most, longest, &out->s2s)
                              : ting_bahdanau_steps_new(ctx, model->birnn, memory, memory_segments, most, &out->birnn);
}

void ting_p2h_steps_end(ting_p2h_steps *steps)
{
    ting_transformer_steps_free(steps->s2s);
    ting_bahdanau_steps_free(steps->birnn);
    *steps = (ting_p2h_steps){0};
}

ting_tensor ting_p2h_step(ting_ctx *ctx, ting_p2h_steps *steps, const int *ids, const int *parents, int count)
{
    return steps->s2s != NULL ? ting_s2s_step(ctx, steps->model->s2s, steps->s2s, ids, parents, count)
                              : ting_bahdanau_step(ctx, steps->birnn, ids, parents, count);
}

ting_tensor ting_p2h_decoder_logits(ting_ctx *ctx, const ting_p2h_model *model, ting_tensor hidden)
{
    return model->s2s != NULL ? ting_s2s_logits(ctx, model->s2s, hidden) : ting_bahdanau_logits(ctx, model->birnn, hidden);
}

ting_linear_params ting_p2h_decoder_output(const ting_p2h_model *model)
{
    return model->s2s != NULL ? ting_s2s_net_output(model->s2s) : ting_bahdanau_net_output(model->birnn);
}

/* ---- writing ---- */

static void put_settings(ting_gguf_writer *writer, const setting *list, const void *shape)
{
    char key[64];
    for (; list->key != NULL; list++) {
        snprintf(key, sizeof key, PREFIX "%s", list->key);
        ting_gguf_put_integer(writer, key, *(const int *)(const void *)((const char *)shape + list->offset));
    }
}

static void put_layer(ting_gguf_writer *writer, const ting_transformer_shape *layer)
{
    put_settings(writer, layer_settings, layer);
    ting_gguf_put_integer(writer, PREFIX "norm", layer->norm == TING_NORM_BEFORE);
    ting_gguf_put_text(writer, PREFIX "activation", act_name(layer->act));
    ting_gguf_put_real(writer, PREFIX "eps", (double)layer->eps);
}

static void put_shape(ting_gguf_writer *writer, const ting_p2h_model *model)
{
    ting_gguf_put_text(writer, PREFIX TING_KEY_ARCHITECTURE, model->net != NULL   ? "transformer-p2h"
                                                             : model->s2s != NULL ? "transformer-s2s"
                                                                                  : "birnn-attention");
    if (model->birnn != NULL)
        put_settings(writer, birnn_settings, ting_bahdanau_net_shape(model->birnn));
    else if (model->net != NULL) {
        const ting_p2h_shape *shape = ting_p2h_net_shape(model->net);
        put_settings(writer, p2h_settings, shape);
        ting_gguf_put_text(writer, PREFIX "input_activation", act_name(shape->input_act));
        put_layer(writer, &shape->layer);
    } else {
        const ting_s2s_shape *shape = ting_s2s_net_shape(model->s2s);
        put_settings(writer, s2s_settings, shape);
        ting_gguf_put_flag(writer, PREFIX "tied", shape->tied);
        put_layer(writer, &shape->layer);
    }
}

/* ---- settings as text ---- */

static void add_settings(ting_str *out, const setting *list, const void *shape)
{
    for (; list->key != NULL; list++)
        ting_str_addf(out, "%s %d\n", list->key, *(const int *)(const void *)((const char *)shape + list->offset));
}

void ting_p2h_model_settings(const ting_p2h_model *model, ting_str *out)
{
    const ting_transformer_shape *layer;
    if (model->birnn != NULL) {
        add_settings(out, birnn_settings, ting_bahdanau_net_shape(model->birnn));
        return;
    }
    if (model->net != NULL) {
        const ting_p2h_shape *shape = ting_p2h_net_shape(model->net);
        add_settings(out, p2h_settings, shape);
        ting_str_addf(out, "input_activation %s\n", act_name(shape->input_act));
        layer = &shape->layer;
    } else {
        const ting_s2s_shape *shape = ting_s2s_net_shape(model->s2s);
        add_settings(out, s2s_settings, shape);
        ting_str_addf(out, "tied %d\n", (int)shape->tied);
        layer = &shape->layer;
    }
    add_settings(out, layer_settings, layer);
    ting_str_addf(out, "norm %d\nactivation %s\neps %g\n", (int)layer->norm, act_name(layer->act), (double)layer->eps);
}

/* ---- writing the tables ---- */

static const char *const special[TING_P2H_FIRST] = {"<pad>", "<S>", "</S>", "<unk>"};

/* Readings of each character, one string each, in order of the syllables. */
static ting_err put_readings(ting_gguf_writer *writer, const ting_p2h_tables *t, const char **texts)
{
    ting_str *lists = ting_alloc((size_t)t->characters, sizeof *lists);
    if (lists == NULL)
        return TING_ERR_MEMORY;
    ting_err err = TING_OK;
    for (int s = TING_P2H_FIRST; s < t->syllables; s++)
        for (int i = t->choice_start[s]; i < t->choice_start[s + 1]; i++) {
            ting_str *list = &lists[t->choices[i]];
            ting_str_add(list, list->length > 0 ? " " : "");
            ting_str_add(list, t->syllable[s]);
        }
    for (int c = 0; c < t->characters; c++) {
        texts[c] = lists[c].length > 0 ? lists[c].text : "";
        err = ting_str_ok(&lists[c]) ? err : TING_ERR_MEMORY;
    }
    ting_gguf_put_texts(writer, PREFIX "readings", texts, (size_t)t->characters);
    for (int c = 0; c < t->characters; c++)
        ting_str_free(&lists[c]);
    ting_free(lists);
    return err;
}

ting_err ting_p2h_tables_put(ting_gguf_writer *writer, const ting_p2h_tables *t)
{
    ting_err err = TING_OK;
    size_t most = (size_t)(t->syllables > t->characters ? t->syllables : t->characters);
    const char **texts = ting_alloc(most, sizeof *texts);
    char(*characters)[5] = ting_alloc((size_t)t->characters, sizeof *characters);
    if (texts == NULL || characters == NULL) {
        err = TING_ERR_MEMORY;
        goto out;
    }
    for (int s = 0; s < t->syllables; s++)
        texts[s] = s < TING_P2H_FIRST ? special[s] : t->syllable[s];
    ting_gguf_put_texts(writer, PREFIX "syllables", texts, (size_t)t->syllables);
    for (int c = 0; c < t->characters; c++) {
        if (c >= TING_P2H_FIRST)
            ting_utf8_encode(t->character[c], characters[c]);
        texts[c] = c < TING_P2H_FIRST ? special[c] : characters[c];
    }
    ting_gguf_put_texts(writer, PREFIX "characters", texts, (size_t)t->characters);
    TRY(put_readings(writer, t, texts));
out:
    ting_free(texts);
    ting_free(characters);
    return err;
}

ting_err ting_p2h_model_put(ting_gguf_writer *writer, const ting_p2h_model *model, ting_dtype dtype)
{
    put_shape(writer, model);
    ting_err err = ting_p2h_tables_put(writer, &model->tables);
    for (int i = 0; err == TING_OK && i < ting_params_count(model->params); i++) {
        const ting_param *p = ting_params_at(model->params, i);
        const ting_stored stored = ting_param_stored(p);
        char name[160];
        snprintf(name, sizeof name, "p2h.%s", p->name);
        ting_gguf_put_tensor(writer, name, &stored, p->dims < 2 ? TING_DTYPE_F32 : dtype);
    }
    return err;
}
