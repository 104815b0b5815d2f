/* SPDX-License-Identifier: Apache-2.0 */
/* g2pm.c - see g2pm.h. Steps: the three tables; the weights; a sentence through the network. */
#include "model/g2pm.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "model/linear.h"
#include "model/pickle.h"
#include "nn/op.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_READINGS = 16, MOST_ROWS = 1 << 24, ARENA_BLOCK = 1 << 18 }; /* rows: as of the weights */
static const uint32_t begin_sign = 0xC2DC, end_sign = 0xB05D; /* 시, 끝 */

typedef struct g2pm_char {
    uint32_t hanzi;
    int embedding; /* row, -1: unknown */
    int first;     /* of its readings in the pool */
    int count;     /* 0: only the embedding is known */
} g2pm_char;

typedef struct g2pm_reading {
    int syllable; /* TING_PINYIN_NONE: the table's spelling is no syllable ("xx5") */
    int output;   /* -1: the network cannot say it */
} g2pm_reading;

struct ting_g2pm {
    g2pm_char *chars; /* [char_count] by code point */
    size_t char_count;
    g2pm_reading *pool;
    size_t pool_count;
    int unknown, begin, end; /* rows of the embedding */
    int rows, width, hidden, middle, outputs;
    ting_params *params;
    ting_param *embedding;
    ting_linear_params logit, output;
    ting_recurrent_weights forward, backward;
    ting_arena *arena;
    ting_ctx ctx;
};

/* ---- tables ---- */

/* The single code point of a text value; 0 when it is none or several. */
static uint32_t single_character(const ting_value *value)
{
    uint32_t c = 0;
    if (value->kind != TING_VALUE_TEXT || value->length == 0)
        return 0;
    int bytes = ting_utf8_decode(value->text, value->length, &c);
    return bytes > 0 && (size_t)bytes == value->length ? c : 0;
}

static int by_code_point(const void *a, const void *b)
{
    uint32_t x = ((const g2pm_char *)a)->hanzi, y = ((const g2pm_char *)b)->hanzi;
    return x < y ? -1 : x > y;
}

static g2pm_char *find_char(const ting_g2pm *model, uint32_t hanzi)
{
    g2pm_char key = {.hanzi = hanzi};
    return model->char_count == 0
               ? NULL
               : bsearch(&key, model->chars, model->char_count, sizeof key, by_code_point);
}

static ting_err open_dict(const char *folder, const char *name, ting_pickle *out)
{
    ting_err err = TING_OK;
    char *path = ting_path_join(folder, name);
    if (path == NULL)
        return TING_ERR_MEMORY;
    TRY(ting_pickle_open(path, out));
    if (out->root == NULL || out->root->kind != TING_VALUE_DICT)
        FAIL(TING_ERR_MODEL, "%s: not a dictionary", path);
out:
    ting_free(path);
    return err;
}

/* char2idx: fills chars with embeddings, unsorted ones at the end. */
static ting_err read_embedding_rows(ting_g2pm *model, const ting_value *dict)
{
    ting_err err = TING_OK;
    model->unknown = model->begin = model->end = -1;
    model->chars = ting_alloc(dict->count / 2, sizeof *model->chars);
    if (model->chars == NULL)
        return TING_ERR_MEMORY;
    for (size_t i = 0; i + 1 < dict->count; i += 2) {
        const ting_value *key = dict->items[i], *value = dict->items[i + 1];
        if (key->kind != TING_VALUE_TEXT || value->kind != TING_VALUE_INT || value->integer < 0 ||
            value->integer >= MOST_ROWS)
            FAIL(TING_ERR_MODEL, "char2idx.pkl: entry %zu is not text -> number below %d", i / 2, MOST_ROWS);
        int row = (int)value->integer;
        model->rows = row >= model->rows ? row + 1 : model->rows;
        uint32_t c = single_character(key);
        if (c == begin_sign)
            model->begin = row;
        else if (c == end_sign)
            model->end = row;
        else if (strcmp(key->text, "<UNK>") == 0)
            model->unknown = row;
        else if (c != 0)
            model->chars[model->char_count++] = (g2pm_char){.hanzi = c, .embedding = row};
    }
    if (model->unknown < 0 || model->begin < 0 || model->end < 0)
        FAIL(TING_ERR_MODEL, "char2idx.pkl: <UNK>, 시 or 끝 is missing");
    qsort(model->chars, model->char_count, sizeof *model->chars, by_code_point);
out:
    return err;
}

static int output_of(const ting_value *classes, const ting_value *reading)
{
    for (size_t i = 0; i + 1 < classes->count; i += 2) {
        const ting_value *key = classes->items[i], *value = classes->items[i + 1];
        if (key->kind == TING_VALUE_TEXT && value->kind == TING_VALUE_INT && key->length == reading->length &&
            memcmp(key->text, reading->text, key->length) == 0 && value->integer >= 0)
            return (int)value->integer;
    }
    return -1;
}

/* Before output_of: every number fits an int, and so does the number after it. */
static ting_err check_outputs(const ting_value *classes)
{
    ting_err err = TING_OK;
    for (size_t i = 1; i < classes->count; i += 2)
        if (classes->items[i]->kind == TING_VALUE_INT && classes->items[i]->integer >= MOST_ROWS)
            FAIL(TING_ERR_MODEL, "class2idx.pkl: output %lld, expected a number below %d",
                 (long long)classes->items[i]->integer, MOST_ROWS);
out:
    return err;
}

static ting_err add_readings(ting_g2pm *model, const ting_value *classes, const ting_value *list, g2pm_char *c)
{
    ting_err err = TING_OK;
    c->first = (int)model->pool_count;
    for (size_t i = 0; i < list->count && i < MOST_READINGS; i++) {
        const ting_value *reading = list->items[i];
        if (reading->kind != TING_VALUE_TEXT)
            FAIL(TING_ERR_MODEL, "digest_cedict.pkl: a reading of U+%04X is no text", c->hanzi);
        model->pool[model->pool_count++] = (g2pm_reading){
            .syllable = ting_pinyin_read(reading->text, reading->length),
            .output = list->count > 1 ? output_of(classes, reading) : -1,
        };
    }
    c->count = (int)(model->pool_count - (size_t)c->first);
out:
    return err;
}

/* digest_cedict: readings for known characters, and new characters without an embedding. */
static ting_err read_readings(ting_g2pm *model, const ting_value *classes, const ting_value *dict)
{
    ting_err err = TING_OK;
    size_t known = model->char_count, total = 0;
    for (size_t i = 1; i < dict->count; i += 2)
        if (dict->items[i]->kind == TING_VALUE_LIST)
            total += dict->items[i]->count < MOST_READINGS ? dict->items[i]->count : MOST_READINGS;
    g2pm_char *chars = ting_grow(model->chars, known, known + dict->count / 2, sizeof *chars);
    if (chars == NULL)
        return TING_ERR_MEMORY;
    model->chars = chars;
    model->pool = ting_alloc(total, sizeof *model->pool);
    if (model->pool == NULL)
        return TING_ERR_MEMORY;
    for (size_t i = 0; i + 1 < dict->count; i += 2) {
        uint32_t hanzi = single_character(dict->items[i]);
        if (dict->items[i + 1]->kind != TING_VALUE_LIST)
            FAIL(TING_ERR_MODEL, "digest_cedict.pkl: entry %zu is no list", i / 2);
        if (hanzi == 0)
            continue;
        g2pm_char key = {.hanzi = hanzi};
        g2pm_char *c = bsearch(&key, chars, known, sizeof key, by_code_point);
        if (c == NULL) {
            c = &chars[model->char_count++];
            *c = (g2pm_char){.hanzi = hanzi, .embedding = model->unknown};
        }
        TRY(add_readings(model, classes, dict->items[i + 1], c));
    }
    qsort(chars, model->char_count, sizeof *chars, by_code_point);
out:
    return err;
}

static ting_err read_tables(ting_g2pm *model, const char *folder)
{
    ting_err err = TING_OK;
    ting_pickle rows = {0}, classes = {0}, readings = {0};
    TRY(open_dict(folder, "char2idx.pkl", &rows));
    TRY(open_dict(folder, "class2idx.pkl", &classes));
    TRY(open_dict(folder, "digest_cedict.pkl", &readings));
    TRY(read_embedding_rows(model, rows.root));
    TRY(check_outputs(classes.root));
    TRY(read_readings(model, classes.root, readings.root));
    for (size_t i = 0; i < model->pool_count; i++)
        if (model->pool[i].output >= model->outputs)
            model->outputs = model->pool[i].output + 1;
out:
    ting_pickle_close(&rows);
    ting_pickle_close(&classes);
    ting_pickle_close(&readings);
    return err;
}

/* ---- weights ---- */

static ting_err weight_shape(const ting_table *table, const char *name, int64_t shape[2])
{
    ting_err err = TING_OK;
    const ting_stored *stored = ting_table_find(table, name);
    if (stored == NULL || stored->dims != 2)
        FAIL(TING_ERR_MODEL, "np_ckpt.pkl: no matrix \"%s\"", name);
    for (int i = 0; i < 2; i++) {
        shape[i] = stored->shape[i];
        if (shape[i] < 1 || shape[i] > MOST_ROWS)
            FAIL(TING_ERR_MODEL, "np_ckpt.pkl: \"%s\" has a dimension of %lld", name, (long long)shape[i]);
    }
out:
    return err;
}

/* The sizes that the other shapes follow from; the rest is checked when the parameters load. */
static ting_err read_sizes(ting_g2pm *model, const ting_table *table)
{
    ting_err err = TING_OK;
    int64_t embedding[2], recurrent[2], logit[2], output[2];
    TRY(weight_shape(table, "embedding.weight", embedding));
    TRY(weight_shape(table, "lstm.weight_hh_l0", recurrent));
    TRY(weight_shape(table, "logit_layer.0.weight", logit));
    TRY(weight_shape(table, "logit_layer.2.weight", output));
    if (embedding[0] < model->rows)
        FAIL(TING_ERR_MODEL, "np_ckpt.pkl: the embedding has %lld rows, char2idx.pkl needs %d",
             (long long)embedding[0], model->rows);
    if (output[0] < model->outputs)
        FAIL(TING_ERR_MODEL, "np_ckpt.pkl: %lld outputs, class2idx.pkl needs %d", (long long)output[0],
             model->outputs);
    model->rows = (int)embedding[0];
    model->width = (int)embedding[1];
    model->hidden = (int)recurrent[1];
    model->middle = (int)logit[0];
    model->outputs = (int)output[0];
out:
    return err;
}

static ting_recurrent_weights declare_lstm(ting_g2pm *model, const char *suffix)
{
    ting_params *p = model->params;
    int gates = 4 * model->hidden;
    return (ting_recurrent_weights){
        .w_ih = ting_params_add(p, TING_PARAM_MATRIX, 2, (int[]){gates, model->width}, "lstm.weight_ih_l0%s", suffix),
        .w_hh = ting_params_add(p, TING_PARAM_MATRIX, 2, (int[]){gates, model->hidden}, "lstm.weight_hh_l0%s", suffix),
        .b_ih = ting_params_add(p, TING_PARAM_VALUES, 1, (int[]){gates}, "lstm.bias_ih_l0%s", suffix),
        .b_hh = ting_params_add(p, TING_PARAM_VALUES, 1, (int[]){gates}, "lstm.bias_hh_l0%s", suffix),
    };
}

static void declare(ting_g2pm *model)
{
    ting_params *p = model->params;
    model->embedding =
        ting_params_add(p, TING_PARAM_VALUES, 2, (int[]){model->rows, model->width}, "embedding.weight");
    model->forward = declare_lstm(model, "");
    model->backward = declare_lstm(model, "_reverse");
    model->logit = ting_linear_declare(p, model->middle, 2 * model->hidden, "", "logit_layer.0");
    model->output = ting_linear_declare(p, model->outputs, model->middle, "", "logit_layer.2");
}

static ting_err read_weights(ting_g2pm *model, const char *folder)
{
    ting_err err = TING_OK;
    ting_pickle file = {0};
    ting_table table = {0};
    const ting_load_options options = {.kern = model->ctx.kern, .precision = TING_PRECISION_F32};
    TRY(open_dict(folder, "np_ckpt.pkl", &file));
    TRY(ting_pickle_tensors(&file, &table));
    TRY(read_sizes(model, &table));
    model->params = ting_params_new();
    if (model->params == NULL)
        FAIL(TING_ERR_MEMORY, "no memory for g2pM");
    declare(model);
    ting_table_view view = {.table = &table, .prefix = ""};
    ting_source source = ting_table_source(&view, "np_ckpt.pkl");
    TRY(ting_params_load(model->params, &source, &options));
out:
    ting_table_free(&table);
    ting_pickle_close(&file);
    return err;
}

ting_err ting_g2pm_open(const char *folder, ting_g2pm **out)
{
    ting_err err = TING_OK;
    *out = NULL;
    ting_g2pm *model = ting_alloc(1, sizeof *model);
    if (model == NULL)
        return TING_ERR_MEMORY;
    model->arena = ting_arena_new(ARENA_BLOCK);
    if (model->arena == NULL)
        FAIL(TING_ERR_MEMORY, "no memory for g2pM");
    model->ctx = (ting_ctx){.arena = model->arena, .kern = ting_kern_select(ting_cpu_detect())};
    TRY(read_tables(model, folder));
    TRY(read_weights(model, folder));
    *out = model;
    model = NULL;
out:
    if (err != TING_OK)
        ting_fail_in(err, "%s", folder);
    ting_g2pm_free(model);
    return err;
}

void ting_g2pm_free(ting_g2pm *model)
{
    if (model == NULL)
        return;
    ting_params_free(model->params);
    ting_arena_free(model->arena);
    ting_free(model->chars);
    ting_free(model->pool);
    ting_free(model);
}

bool ting_g2pm_is_folder(const char *folder)
{
    static const char *const names[] = {"char2idx.pkl", "class2idx.pkl", "digest_cedict.pkl", "np_ckpt.pkl"};
    bool all = true;
    for (size_t i = 0; i < sizeof names / sizeof names[0] && all; i++) {
        char *path = ting_path_join(folder, names[i]);
        all = path != NULL && ting_file_exists(path);
        ting_free(path);
    }
    return all;
}

/* ---- a sentence ---- */

/* Rows of the sentence that need the network: `asked` [polyphones] their places in the text. -> logits
 * [polyphones, outputs] */
static ting_tensor run(ting_g2pm *model, const uint32_t *text, int count, const int *asked, int polyphones)
{
    ting_ctx *ctx = &model->ctx;
    int *ids = ting_ctx_ints(ctx, count + 2);
    int *start = ting_ctx_ints(ctx, 2);
    if (ctx->err != TING_OK)
        return (ting_tensor){0};
    ids[0] = model->begin;
    ids[count + 1] = model->end;
    for (int i = 0; i < count; i++) {
        const g2pm_char *c = find_char(model, text[i]);
        ids[i + 1] = c == NULL ? model->unknown : c->embedding;
    }
    start[0] = 0;
    start[1] = count + 2;
    const ting_segments one = {1, start};
    const ting_tensor zero = {0};
    ting_tensor x = ting_embedding(ctx, ids, count + 2, model->embedding), h, c;
    ting_tensor both[2] = {ting_lstm(ctx, x, one, &model->forward, false, zero, zero, &h, &c),
                           ting_lstm(ctx, x, one, &model->backward, true, zero, zero, &h, &c)};
    ting_tensor y = ting_concat_cols(ctx, both, 2); /* [count + 2, 2 hidden] */
    ting_tensor rows = ting_ctx_constant(ctx, polyphones, y.cols);
    if (ctx->err != TING_OK)
        return (ting_tensor){0};
    for (int i = 0; i < polyphones; i++)
        memcpy(ting_row(rows, i), ting_row(y, asked[i] + 1), (size_t)y.cols * sizeof(ting_real));
    ting_tensor middle = ting_linear_apply(ctx, rows, model->logit, TING_ACT_RELU);
    return ting_linear_apply(ctx, middle, model->output, TING_ACT_NONE);
}

/* The best of the character's readings; the first if the network can say none. */
static int best_reading(const ting_g2pm *model, const g2pm_char *c, const ting_real *logits)
{
    const g2pm_reading *readings = model->pool + c->first, *best = NULL;
    for (int i = 0; i < c->count; i++)
        if (readings[i].output >= 0 && readings[i].syllable != TING_PINYIN_NONE &&
            (best == NULL || logits[readings[i].output] > logits[best->output]))
            best = &readings[i];
    return best == NULL ? readings[0].syllable : best->syllable;
}

static ting_err read_window(ting_g2pm *model, const uint32_t *text, int count, const unsigned char *wanted, int *ids)
{
    int asked[TING_G2PM_WINDOW], polyphones = 0;
    for (int i = 0; i < count; i++) {
        if (wanted != NULL && !wanted[i])
            continue;
        const g2pm_char *c = find_char(model, text[i]);
        if (c != NULL && c->count == 1)
            ids[i] = model->pool[c->first].syllable;
        else if (c != NULL && c->count > 1)
            asked[polyphones++] = i;
    }
    if (polyphones == 0)
        return TING_OK;
    ting_arena_reset(model->arena);
    model->ctx.err = TING_OK;
    ting_tensor logits = run(model, text, count, asked, polyphones);
    if (model->ctx.err != TING_OK)
        return model->ctx.err;
    for (int i = 0; i < polyphones; i++)
        ids[asked[i]] = best_reading(model, find_char(model, text[asked[i]]), ting_row(logits, i));
    return TING_OK;
}

ting_err ting_g2pm_read(ting_g2pm *model, const uint32_t *text, int count, const unsigned char *wanted, int *ids)
{
    ting_err err = TING_OK;
    for (int at = 0; at < count; at += TING_G2PM_WINDOW) {
        int length = count - at < TING_G2PM_WINDOW ? count - at : TING_G2PM_WINDOW;
        TRY(read_window(model, text + at, length, wanted == NULL ? NULL : wanted + at, ids + at));
    }
out:
    return err;
}

static ting_err choose(void *self, const uint32_t *text, int count, const unsigned char *wanted, int *ids)
{
    return ting_g2pm_read(self, text, count, wanted, ids);
}

ting_polyphone ting_g2pm_polyphone(ting_g2pm *model)
{
    return (ting_polyphone){choose, model};
}
