/* SPDX-License-Identifier: Apache-2.0 */
/* lm_recipe.c - see lm_recipe.h. */
#include "train/lm_recipe.h"

#include "model/act_name.h"

#include <limits.h>
#include <math.h>
#include <string.h>

enum { NGRAM, KINDS = 1 + TING_LM_KINDS }; /* kinds behind it: ting_lm_kind + 1 */

static const ting_lm_recipe defaults = {
    .ngram = true,
    .plan = {.order = 4},
    .net = {.width = 256, .hidden = 512, .layers = 2, .heads = 4, .norm = TING_NORM_BEFORE, .act = TING_ACT_GELU_TANH,
            .eps = (ting_real)1e-5},
    .tokens = 4096,
    .window = 16384,
    .measure_lines = 1000,
    .train = {.seed = 1,
              .steps = 10000,
              .warmup = 300,
              .decay = 3000,
              .rate = 1e-3,
              .final = 1e-5,
              .adamw = {.beta1 = 0.9, .beta2 = 0.98, .eps = 1e-9, .weight_decay = 0.01},
              .clip = 1,
              .average = 0.999,
              .save_every = 500,
              .measure_every = 500,
              .log_every = 50},
};

/* ---- n-grams ---- */

static ting_err read_cutoffs(ting_yaml *map, ting_ngram_plan *plan)
{
    ting_err err = TING_OK;
    double cutoffs[TING_NGRAM_MOST] = {0};
    int count = 0;
    TRY(ting_yaml_reals(map, "cutoffs", 0, 1000000, TING_NGRAM_MOST, cutoffs, &count));
    for (int k = 0; k < plan->order; k++) { /* the last one counts for all orders behind it */
        const double cutoff = count > 0 ? cutoffs[k < count ? k : count - 1] : 0;
        if (cutoff != floor(cutoff))
            FAIL(TING_ERR_FORMAT, "%s:%d: a cutoff of %g, expected whole numbers", map->path, map->line, cutoff);
        if ((k == 0 && cutoff != 0) || (k > 0 && cutoff < plan->cutoff[k - 1]))
            FAIL(TING_ERR_FORMAT, "%s:%d: cutoff %g for order %d: that of words is 0, and none may be less than the one before",
                 map->path, map->line, cutoff, k + 1);
        plan->cutoff[k] = (int)cutoff;
    }
out:
    return err;
}

static ting_err read_ngram(ting_yaml *map, ting_lm_recipe *r)
{
    ting_err err = TING_OK;
    int memory = 1024;
    TRY(ting_yaml_int(map, "order", 1, TING_NGRAM_MOST, &r->plan.order));
    TRY(ting_yaml_int(map, "memory", TING_NGRAM_MOST, 1 << 20, &memory));
    TRY(ting_yaml_real(map, "prune", 0, 1, &r->prune));
    TRY(read_cutoffs(map, &r->plan));
    r->plan.memory = (size_t)memory << 20;
out:
    return err;
}

/* ---- networks ---- */

static ting_err read_gpt(ting_yaml *map, ting_lm_config *c)
{
    static const char *const places[] = {[TING_NORM_AFTER] = "after", [TING_NORM_BEFORE] = "before"};
    ting_err err = TING_OK;
    int place = c->norm, act = ting_act_name_index(c->act);
    c->tied = true;
    c->context = 256;
    c->hidden = 4 * c->width;
    TRY(ting_yaml_int(map, "heads", 1, 256, &c->heads));
    TRY(ting_yaml_int(map, "context", 1, 65536, &c->context));
    TRY(ting_yaml_word(map, "norm", 2, places, &place));
    TRY(ting_yaml_word(map, "activation", TING_ACT_NAMES, ting_act_names, &act));
    TRY(ting_yaml_real_into(map, "eps", 1e-12, 1e-2, &c->eps));
    c->norm = (ting_norm_place)place;
    c->act = ting_act_of_name(act);
out:
    return err;
}

static ting_err read_net(ting_yaml *map, ting_lm_recipe *r)
{
    ting_err err = TING_OK;
    ting_lm_config *c = &r->net;
    const bool gpt = c->kind == TING_LM_GPT, nnlm = c->kind == TING_LM_NNLM, plain = !gpt && !nnlm && c->kind != TING_LM_BILSTM;
    TRY(ting_yaml_int(map, "width", 1, 16384, &c->width));
    if (gpt)
        TRY(read_gpt(map, c));
    if (nnlm) {
        c->context = 4;
        TRY(ting_yaml_int(map, "context", 1, 64, &c->context));
        TRY(ting_yaml_bool(map, "direct", &c->direct));
    } else
        TRY(ting_yaml_int(map, "layers", 1, 64, &c->layers));
    TRY(ting_yaml_int(map, "hidden", 1, 65536, &c->hidden));
    if (plain || gpt)
        TRY(ting_yaml_bool(map, "tied", &c->tied));
    if (plain) {
        TRY(ting_yaml_int(map, "classes", 0, 1 << 20, &c->classes));
        TRY(ting_yaml_int(map, "bptt", 0, 1 << 24, &c->bptt));
    }
    if (!gpt && !nnlm)
        TRY(ting_yaml_int(map, "samples", 0, 1 << 20, &r->samples));
    TRY(ting_yaml_real_into(map, "dropout", 0, 0.9, &c->dropout));
    if (r->samples > 0 && c->classes > 0)
        FAIL(TING_ERR_FORMAT, "%s:%d: either classes or samples: both are ways around all words", map->path, map->line);
out:
    return err;
}

static ting_err read_data(ting_yaml *map, ting_lm_recipe *r)
{
    ting_err err = TING_OK;
    double weight = 1;
    TRY(ting_yaml_int(map, "tokens", 1, 1 << 20, &r->tokens));
    TRY(ting_yaml_int(map, "window", 1, 1 << 24, &r->window));
    TRY(ting_yaml_child(map, "weights", TING_YAML_MAP, &r->weights));
    for (const ting_yaml *w = r->weights != NULL ? r->weights->first : NULL; w != NULL; w = w->next)
        TRY(ting_yaml_real(r->weights, w->key, 0, 1000, &weight));
    TRY(ting_yaml_done(map));
out:
    return err;
}

static ting_err read_model(ting_yaml *map, ting_lm_recipe *r)
{
    const char *kinds[KINDS] = {[NGRAM] = "ngram"};
    ting_err err = TING_OK;
    int kind = NGRAM;
    for (int k = 0; k < TING_LM_KINDS; k++)
        kinds[1 + k] = ting_lm_kind_name((ting_lm_kind)k);
    TRY(ting_yaml_word(map, "kind", KINDS, kinds, &kind));
    r->ngram = kind == NGRAM;
    if (!r->ngram)
        r->net.kind = (ting_lm_kind)(kind - 1);
    TRY(r->ngram ? read_ngram(map, r) : read_net(map, r));
    TRY(ting_yaml_done(map));
out:
    return err;
}

ting_err ting_lm_recipe_read(ting_yaml *root, ting_lm_recipe *out)
{
    ting_err err = TING_OK;
    ting_yaml *map;
    *out = defaults;
    out->plan.memory = (size_t)1024 << 20;
    TRY(ting_yaml_child(root, "model", TING_YAML_MAP, &map));
    if (map != NULL)
        TRY(read_model(map, out));
    if (out->ngram)
        goto out;
    TRY(ting_yaml_child(root, "data", TING_YAML_MAP, &map));
    if (map != NULL)
        TRY(read_data(map, out));
    TRY(ting_yaml_child(root, "train", TING_YAML_MAP, &map));
    if (map != NULL) {
        TRY(ting_train_plan_read(map, &out->train));
        TRY(ting_yaml_int(map, "measure_lines", 0, INT_MAX, &out->measure_lines));
        TRY(ting_yaml_done(map));
    }
out:
    return err;
}

ting_err ting_lm_recipe_weight(const ting_lm_recipe *r, const char *source, double *out)
{
    *out = 1;
    return r->weights == NULL ? TING_OK : ting_yaml_real(r->weights, source, 0, 1000, out);
}

ting_err ting_lm_recipe_check_weights(const ting_lm_recipe *r, const ting_text_source *sources, int count)
{
    for (const ting_yaml *child = r->weights != NULL ? r->weights->first : NULL; child != NULL; child = child->next) {
        bool found = false;
        for (int i = 0; i < count; i++)
            found = found || (!sources[i].measure && strcmp(sources[i].name, child->key) == 0);
        if (!found)
            return ting_fail(TING_ERR_FORMAT, "%s:%d: there is no source \"%s\" to train on", child->path, child->line, child->key);
    }
    return TING_OK;
}
