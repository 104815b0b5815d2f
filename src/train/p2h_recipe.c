/* SPDX-License-Identifier: Apache-2.0 */
/* p2h_recipe.c - see p2h_recipe.h. */
#include "train/p2h_recipe.h"

#include "model/act_name.h"

#include <limits.h>
#include <string.h>

static const ting_p2h_recipe defaults = {
    .decoder_layers = 3,
    .tied = true,
    .birnn = {.width = 256, .hidden = 384, .attention = 256},
    .shape = {.embedding = 256,
              .pair_rows = 24576,
              .triple_rows = 24576,
              .triple_places = 3,
              .ngram_dim = 64,
              .layers = 6,
              .input_dropout = 0,
              .layer = {.width = 256,
                        .heads = 4,
                        .inner = 768,
                        .norm = TING_NORM_BEFORE,
                        .act = TING_ACT_RELU,
                        .eps = (ting_real)1e-5}},
    .tokens = 4096,
    .window = 4096,
    .spoil = {.share = 0.2, .tone = 0.04, .initial = 0.015, .final = 0.02, .reading = 0.02},
    .plan = {.seed = 1,
             .steps = 10000,
             .warmup = 300,
             .decay = 2000,
             .rate = 1e-3,
             .final = 1e-5,
             .adamw = {.beta1 = 0.9, .beta2 = 0.98, .eps = 1e-9, .weight_decay = 0.01},
             .clip = 1,
             .average = 0.999,
             .save_every = 500,
             .measure_every = 500,
             .log_every = 50},
    .measure_lines = 2000,
};

static ting_err read_act(ting_yaml *map, const char *key, ting_act *out)
{
    int index = ting_act_name_index(*out);
    ting_err err = ting_yaml_word(map, key, TING_ACT_NAMES, ting_act_names, &index);
    *out = ting_act_of_name(index);
    return err;
}

static ting_err read_one_to_one(ting_yaml *map, ting_p2h_shape *s)
{
    ting_err err = TING_OK;
    TRY(ting_yaml_int(map, "embedding", 1, 8192, &s->embedding));
    TRY(ting_yaml_int(map, "pair_rows", 0, 1 << 24, &s->pair_rows));
    TRY(ting_yaml_int(map, "triple_rows", 0, 1 << 24, &s->triple_rows));
    TRY(ting_yaml_int(map, "triple_places", 1, 3, &s->triple_places));
    TRY(ting_yaml_int(map, "ngram_dim", 0, 4096, &s->ngram_dim));
    TRY(ting_yaml_int(map, "conv_taps", 0, 64, &s->conv_taps));
    TRY(ting_yaml_int(map, "detour_dim", 0, 8192, &s->detour_dim));
    TRY(ting_yaml_int(map, "map_layers", 0, 64, &s->map_layers));
    TRY(read_act(map, "input_activation", &s->input_act));
out:
    return err;
}

static ting_err read_birnn(ting_yaml *map, ting_bahdanau_shape *s)
{
    ting_err err = TING_OK;
    TRY(ting_yaml_int(map, "width", 1, 8192, &s->width));
    TRY(ting_yaml_int(map, "hidden", 1, 8192, &s->hidden));
    TRY(ting_yaml_int(map, "attention", 1, 8192, &s->attention));
    TRY(ting_yaml_real_into(map, "dropout", 0, 0.9, &s->dropout));
    TRY(ting_yaml_done(map));
out:
    return err;
}

static ting_err read_model(ting_yaml *map, ting_p2h_recipe *r)
{
    static const char *const kinds[] = {"one-to-one", "encoder-decoder", "birnn-attention"};
    ting_p2h_shape *s = &r->shape;
    static const char *const places[] = {"after", "before"};
    ting_err err = TING_OK;
    int place = s->layer.norm, kind = r->kind;
    TRY(ting_yaml_word(map, "kind", 3, kinds, &kind));
    r->kind = (ting_p2h_recipe_kind)kind;
    if (r->kind == TING_P2H_RECIPE_BIRNN)
        return read_birnn(map, &r->birnn);
    if (r->kind == TING_P2H_RECIPE_ENCODER_DECODER) {
        TRY(ting_yaml_int(map, "decoder_layers", 1, 64, &r->decoder_layers));
        TRY(ting_yaml_bool(map, "tied", &r->tied));
    } else {
        TRY(read_one_to_one(map, s));
    }
    TRY(ting_yaml_int(map, "layers", 1, 64, &s->layers));
    TRY(ting_yaml_int(map, "width", 1, 8192, &s->layer.width));
    TRY(ting_yaml_int(map, "heads", 1, 256, &s->layer.heads));
    TRY(ting_yaml_int(map, "inner", 1, 65536, &s->layer.inner));
    TRY(ting_yaml_word(map, "norm", 2, places, &place));
    s->layer.norm = (ting_norm_place)place;
    TRY(read_act(map, "activation", &s->layer.act));
    TRY(ting_yaml_real_into(map, "eps", 1e-12, 1e-2, &s->layer.eps));
    TRY(ting_yaml_real_into(map, "dropout", 0, 0.9, &s->layer.dropout));
    TRY(ting_yaml_real_into(map, "input_dropout", 0, 0.9, &s->input_dropout));
    TRY(ting_yaml_done(map));
out:
    return err;
}

static ting_err read_spoil(ting_yaml *map, ting_p2h_spoil *s)
{
    ting_err err = TING_OK;
    TRY(ting_yaml_real(map, "share", 0, 1, &s->share));
    TRY(ting_yaml_real(map, "tone", 0, 1, &s->tone));
    TRY(ting_yaml_real(map, "initial", 0, 1, &s->initial));
    TRY(ting_yaml_real(map, "final", 0, 1, &s->final));
    TRY(ting_yaml_real(map, "reading", 0, 1, &s->reading));
    TRY(ting_yaml_done(map));
out:
    return err;
}

static ting_err read_weights(ting_yaml *map, ting_p2h_recipe *r)
{
    ting_err err = TING_OK;
    int count = 0;
    for (const ting_yaml *child = map->first; child != NULL; child = child->next)
        count++;
    r->weights = ting_arena_take_zeroed(r->doc.arena, (size_t)count, sizeof *r->weights);
    if (r->weights == NULL)
        return TING_ERR_MEMORY;
    for (const ting_yaml *child = map->first; child != NULL; child = child->next) {
        ting_p2h_recipe_weight *w = &r->weights[r->weight_count];
        *w = (ting_p2h_recipe_weight){child->key, 1, child->line};
        TRY(ting_yaml_real(map, child->key, 0, 1000, &w->weight));
        r->weight_count++;
    }
out:
    return err;
}

static ting_err read_data(ting_yaml *map, ting_p2h_recipe *r)
{
    ting_err err = TING_OK;
    ting_yaml *child;
    TRY(ting_yaml_int(map, "tokens", 1, 1 << 20, &r->tokens));
    TRY(ting_yaml_int(map, "window", 1, 1 << 24, &r->window));
    TRY(ting_yaml_child(map, "spoil", TING_YAML_MAP, &child));
    if (child != NULL)
        TRY(read_spoil(child, &r->spoil));
    TRY(ting_yaml_child(map, "weights", TING_YAML_MAP, &child));
    if (child != NULL)
        TRY(read_weights(child, r));
    TRY(ting_yaml_done(map));
out:
    return err;
}

static ting_err read_train(ting_yaml *map, ting_p2h_recipe *r)
{
    ting_err err = TING_OK;
    TRY(ting_train_plan_read(map, &r->plan));
    TRY(ting_yaml_real(map, "smoothing", 0, 0.9, &r->smoothing));
    TRY(ting_yaml_int(map, "measure_lines", 0, INT_MAX, &r->measure_lines));
    TRY(ting_yaml_done(map));
out:
    return err;
}

/* All of the document in *out. */
static ting_err read_recipe(ting_p2h_recipe *out)
{
    ting_err err = TING_OK;
    ting_yaml *child;
    TRY(ting_yaml_child(out->doc.root, "model", TING_YAML_MAP, &child));
    if (child != NULL)
        TRY(read_model(child, out));
    TRY(ting_yaml_child(out->doc.root, "data", TING_YAML_MAP, &child));
    if (child != NULL)
        TRY(read_data(child, out));
    TRY(ting_yaml_child(out->doc.root, "train", TING_YAML_MAP, &child));
    if (child != NULL)
        TRY(read_train(child, out));
    TRY(ting_yaml_done(out->doc.root));
out:
    return err;
}

void ting_p2h_recipe_defaults(ting_p2h_recipe *out)
{
    *out = defaults;
}

ting_err ting_p2h_recipe_load(const char *path, ting_p2h_recipe *out)
{
    ting_err err = TING_OK;
    *out = defaults;
    out->path = path;
    TRY(ting_yaml_load(path, &out->doc));
    TRY(read_recipe(out));
out:
    if (err != TING_OK)
        ting_p2h_recipe_free(out);
    return err;
}

ting_err ting_p2h_recipe_parse(const char *label, const char *text, ting_p2h_recipe *out)
{
    ting_err err = TING_OK;
    *out = defaults;
    out->path = label;
    TRY(ting_yaml_parse(label, text, strlen(text), &out->doc));
    TRY(read_recipe(out));
out:
    if (err != TING_OK)
        ting_p2h_recipe_free(out);
    return err;
}

void ting_p2h_recipe_free(ting_p2h_recipe *recipe)
{
    ting_yaml_free(&recipe->doc);
    recipe->weights = NULL;
    recipe->weight_count = 0;
}

ting_err ting_p2h_recipe_weights(const ting_p2h_recipe *recipe, const ting_p2h_corpus *corpus, double *out)
{
    for (int i = 0; i < corpus->sources; i++)
        out[i] = 1;
    for (int w = 0; w < recipe->weight_count; w++) {
        int found = 0;
        for (int i = 0; i < corpus->sources; i++)
            if (strcmp(corpus->source[i].name, recipe->weights[w].source) == 0) {
                out[i] = recipe->weights[w].weight;
                found = 1;
            }
        if (!found)
            return ting_fail(TING_ERR_FORMAT, "%s:%d: the corpus has no source \"%s\"", recipe->path,
                             recipe->weights[w].line, recipe->weights[w].source);
    }
    return TING_OK;
}
