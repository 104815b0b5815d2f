/* SPDX-License-Identifier: Apache-2.0 */
/* am_recipe.c - see am_recipe.h. */
#include "train/am_recipe.h"

#include "train/am_recipe_model.h"

#include <limits.h>
#include <string.h>

static const ting_am_recipe defaults = {
    .ctc_head = true,
    .ctc_dropout = (ting_real)0.1,
    .lefts = {-1},
    .chunk_count = 1,
    .left_count = 1,
    .seconds = 160,
    .window = 2000,
    .shortest = 0.2,
    .longest = 20,
    .memory = 2048,
    .loaders = 1,
    .loss = {.ctc = 1,
             .transducer = 1,
             .attention = 1,
             .reverse = 0.3,
             .smoothing = 0.1,
             .simple = 0.5,
             .simple_warmup = 2000,
             .prune = 5,
             .lm_only = 0.25,
             .consistency = 0,
             .rows = 0},
    .plan = {.seed = 1,
             .steps = 20000,
             .optimizer = TING_OPTIMIZER_SCALED_ADAM,
             .shape = TING_SCHEDULE_EDEN,
             .warmup = 500,
             .rate = 0.045,
             .eden = {.in_batches = 7500, .in_epochs = 3.5, .warm_start = 0.5},
             .adamw = {.beta1 = 0.9, .beta2 = 0.98, .eps = 1e-9, .weight_decay = 0.01},
             .clip = 0,
             .average = 0.999,
             .save_every = 500,
             .measure_every = 500,
             .log_every = 50},
    .measure_utterances = 0,
};

const char *const ting_teacher_hears_names[TING_TEACHER_HEARS] = {
    [TING_HEARS_VOICE] = "voice", [TING_HEARS_LINE] = "line", [TING_HEARS_ALL] = "all"};

static ting_err read_tokens(ting_yaml *map, ting_am_recipe *r)
{
    static const char *const tables[] = {"parts", "syllables", "characters"}; /* in the order of ting_token_table */
    ting_err err = TING_OK;
    int table = r->table;
    TRY(ting_yaml_word(map, "table", 3, tables, &table));
    r->table = (ting_token_table)table;
    TRY(ting_yaml_text(map, "file", &r->token_file));
    TRY(ting_yaml_done(map));
out:
    return err;
}

static ting_err read_corpus(ting_yaml *map, ting_am_recipe *r)
{
    ting_err err = TING_OK;
    TRY(ting_yaml_text(map, "name", &r->corpus));
    TRY(ting_yaml_bool(map, "validated", &r->validated));
    TRY(ting_yaml_done(map));
    if (r->corpus == NULL)
        FAIL(TING_ERR_FORMAT, "%s:%d: a corpus without `name`", map->path, map->line);
out:
    return err;
}

static ting_err read_sources(ting_yaml *list, ting_am_recipe *r, ting_am_source **out, int *count)
{
    ting_err err = TING_OK;
    int most = 0;
    for (const ting_yaml *child = list->first; child != NULL; child = child->next)
        most++;
    if (most > TING_MOST_SOURCES)
        FAIL(TING_ERR_FORMAT, "%s:%d: %d sources, expected at most %d", list->path, list->line, most, (int)TING_MOST_SOURCES);
    *out = ting_arena_take_zeroed(r->doc.arena, (size_t)most + 1, sizeof **out);
    if (*out == NULL)
        return TING_ERR_MEMORY;
    for (ting_yaml *child = list->first; child != NULL; child = child->next) {
        ting_am_source *source = &(*out)[*count];
        source->weight = 1;
        if (child->kind != TING_YAML_MAP)
            FAIL(TING_ERR_FORMAT, "%s:%d: a source is a map with the key `manifest`", list->path, child->line);
        TRY(ting_yaml_text(child, "manifest", &source->manifest));
        TRY(ting_yaml_text(child, "only", &source->only));
        TRY(ting_yaml_real(child, "weight", 0, 1000, &source->weight));
        TRY(ting_yaml_done(child));
        if (source->manifest == NULL)
            FAIL(TING_ERR_FORMAT, "%s:%d: a source without `manifest`", list->path, child->line);
        ++*count;
    }
out:
    return err;
}

static ting_err read_data(ting_yaml *map, ting_am_recipe *r)
{
    ting_err err = TING_OK;
    ting_yaml *child;
    TRY(ting_yaml_child(map, "train", TING_YAML_LIST, &child));
    if (child != NULL)
        TRY(read_sources(child, r, &r->train, &r->train_count));
    TRY(ting_yaml_child(map, "measure", TING_YAML_LIST, &child));
    if (child != NULL)
        TRY(read_sources(child, r, &r->measure, &r->measure_count));
    TRY(ting_yaml_real(map, "seconds", 1, 100000, &r->seconds));
    TRY(ting_yaml_int(map, "window", 1, 1 << 24, &r->window));
    TRY(ting_yaml_real(map, "shortest", 0.05, 1000, &r->shortest));
    TRY(ting_yaml_real(map, "longest", 0.05, 1000, &r->longest));
    TRY(ting_yaml_int(map, "memory", 0, 1 << 20, &r->memory));
    TRY(ting_yaml_int(map, "loaders", 1, 64, &r->loaders));
    TRY(ting_yaml_done(map));
out:
    return err;
}

static ting_err read_loss(ting_yaml *map, ting_am_loss *l)
{
    ting_err err = TING_OK;
    int ear = l->hears;
    TRY(ting_yaml_real(map, "ctc", 0, 1000, &l->ctc));
    TRY(ting_yaml_real(map, "transducer", 0, 1000, &l->transducer));
    TRY(ting_yaml_real(map, "attention", 0, 1000, &l->attention));
    TRY(ting_yaml_real(map, "reverse", 0, 1, &l->reverse));
    TRY(ting_yaml_real(map, "smoothing", 0, 0.9, &l->smoothing));
    TRY(ting_yaml_real(map, "simple", 0, 1000, &l->simple));
    TRY(ting_yaml_int(map, "simple_warmup", 0, INT_MAX, &l->simple_warmup));
    TRY(ting_yaml_int(map, "prune", 0, 1000, &l->prune));
    TRY(ting_yaml_real(map, "lm_only", 0, 1, &l->lm_only));
    TRY(ting_yaml_real(map, "am_only", 0, 1, &l->am_only));
    TRY(ting_yaml_real(map, "consistency", 0, 1000, &l->consistency));
    TRY(ting_yaml_real(map, "rows", 0, 1000, &l->rows));
    TRY(ting_yaml_real(map, "hints", 0, 1000, &l->hints));
    TRY(ting_yaml_word(map, "teacher_hears", TING_TEACHER_HEARS, ting_teacher_hears_names, &ear));
    l->hears = (ting_teacher_hears)ear;
    TRY(ting_yaml_bool(map, "pseudo", &l->pseudo));
    TRY(ting_yaml_real(map, "given", 0, 1, &l->given));
    TRY(ting_yaml_real(map, "posteriors", 0, 1000, &l->posteriors));
    TRY(ting_yaml_done(map));
out:
    return err;
}

static ting_err read_train(ting_yaml *map, ting_am_recipe *r)
{
    ting_err err = TING_OK;
    TRY(ting_train_plan_read(map, &r->plan));
    TRY(ting_yaml_int(map, "measure_utterances", 0, INT_MAX, &r->measure_utterances));
    TRY(ting_yaml_real(map, "reference_batches", 0, 1000, &r->reference_batches));
    TRY(ting_yaml_done(map));
out:
    return err;
}

static ting_err read_augment(ting_yaml *map, ting_am_recipe *r)
{
    r->augmented = true;
    return ting_augment_plan_read(map, &r->augment);
}

static ting_err read_features(ting_yaml *root, ting_am_recipe *r)
{
    ting_err err = TING_OK;
    const char *line = "icefall";
    TRY(ting_yaml_text(root, "features", &line));
    TRY_IN(ting_feature_parse(line, &r->features), "%s: features", r->path);
    ting_am_recipe_model_features(ting_feature_dim(&r->features), &r->model.encoder);
    TRY(ting_yaml_text(root, "cmvn", &r->cmvn));
    if ((r->features.cmvn == TING_CMVN_GLOBAL) != (r->cmvn != NULL))
        FAIL(TING_ERR_FORMAT, "%s: features with cmvn=global need the key `cmvn` (a file), others have no use for it",
             r->path);
out:
    return err;
}

/* Whether any term of the loss is ever computed. */
static bool has_loss(const ting_am_recipe *r)
{
    const ting_am_loss *l = &r->loss;
    return (r->ctc_head && l->ctc > 0) || (r->transducer_head && l->transducer > 0) ||
           (r->model.attention.layers > 0 && l->attention > 0) || l->consistency > 0 || l->rows > 0 ||
           l->hints > 0 || l->posteriors > 0; /* `pseudo` gives labels, which a head must want */
}

/* What the groups ask of each other. */
static ting_err check(const ting_am_recipe *r)
{
    if (r->train_count == 0)
        return ting_fail(TING_ERR_FORMAT, "%s: data.train lists no manifest", r->path);
    if (!r->ctc_head && !r->transducer_head)
        return ting_fail(TING_ERR_FORMAT, "%s: the model has no head: ask for `ctc` or `transducer`", r->path);
    if (r->model.attention.layers > 0 && !r->ctc_head)
        return ting_fail(TING_ERR_FORMAT, "%s: model.attention ranks what CTC has found: the model needs `ctc`", r->path);
    if ((r->loss.rows > 0 || r->loss.posteriors > 0) && !r->transducer_head)
        return ting_fail(TING_ERR_FORMAT,
                         "%s: loss.rows and loss.posteriors compare joiners: the model needs a `transducer`", r->path);
    if (r->loss.consistency > 0 && !r->ctc_head)
        return ting_fail(TING_ERR_FORMAT, "%s: loss.consistency compares what CTC says: the model needs `ctc`",
                         r->path);
    if (r->loss.hints > 0 && r->model.encoder.kind != TING_ENCODER_ZIPFORMER)
        return ting_fail(TING_ERR_FORMAT, "%s: loss.hints compares what Zipformers show on their way: the encoder must be one",
                         r->path);
    if (r->loss.hears != TING_HEARS_VOICE && !ting_am_recipe_is_taught(r))
        return ting_fail(TING_ERR_FORMAT,
                         "%s: loss.teacher_hears is about a teacher, but no loss has one: rows, hints, posteriors, pseudo", r->path);
    if (r->loss.given > 0 && (r->loss.hints == 0 || r->model.hints > 0 || r->loss.consistency > 0))
        return ting_fail(TING_ERR_FORMAT,
                         "%s: loss.given needs loss.hints without maps (model.hints), and no loss.consistency", r->path);
    if (!has_loss(r))
        return ting_fail(
            TING_ERR_FORMAT,
            "%s: no loss is computed: the weights of `loss` are 0, or the model lacks the heads they are for", r->path);
    if (r->shortest > r->longest)
        return ting_fail(TING_ERR_FORMAT, "%s: utterances of %g to %g s", r->path, r->shortest, r->longest);
    return TING_OK;
}

/* All of the document in *out. */
static ting_err read_recipe(ting_am_recipe *out)
{
    static const struct {
        const char *key;
        ting_err (*read)(ting_yaml *map, ting_am_recipe *r);
    } groups[] = {{"corpus", read_corpus},   {"model", ting_am_recipe_model_read},
                  {"tokens", read_tokens},   {"data", read_data},
                  {"augment", read_augment}, {"train", read_train}};
    ting_err err = TING_OK;
    ting_yaml *child;
    out->plan.scaled_adam = ting_scaled_adam_defaults;
    ting_am_recipe_model_defaults(TING_ENCODER_ZIPFORMER, &out->model);
    for (size_t i = 0; i < sizeof groups / sizeof groups[0]; i++) {
        TRY(ting_yaml_child(out->doc.root, groups[i].key, TING_YAML_MAP, &child));
        if (child != NULL)
            TRY(groups[i].read(child, out));
    }
    TRY(ting_yaml_child(out->doc.root, "loss", TING_YAML_MAP, &child));
    if (child != NULL)
        TRY(read_loss(child, &out->loss));
    TRY(read_features(out->doc.root, out));
    TRY(ting_yaml_done(out->doc.root));
    TRY(check(out));
out:
    return err;
}

ting_err ting_am_recipe_load(const char *path, const char *const *settings, ting_am_recipe *out)
{
    ting_err err = TING_OK;
    *out = defaults;
    out->path = path;
    TRY(ting_yaml_load(path, &out->doc));
    for (; settings != NULL && *settings != NULL; settings++)
        TRY(ting_yaml_set(&out->doc, *settings));
    TRY(read_recipe(out));
out:
    if (err != TING_OK)
        ting_am_recipe_free(out);
    return err;
}

ting_err ting_am_recipe_parse(const char *label, const char *text, ting_am_recipe *out)
{
    ting_err err = TING_OK;
    *out = defaults;
    out->path = label;
    TRY(ting_yaml_parse(label, text, strlen(text), &out->doc));
    TRY(read_recipe(out));
out:
    if (err != TING_OK)
        ting_am_recipe_free(out);
    return err;
}

void ting_am_recipe_free(ting_am_recipe *recipe)
{
    ting_yaml_free(&recipe->doc);
}

bool ting_am_recipe_is_taught(const ting_am_recipe *recipe)
{
    const ting_am_loss *l = &recipe->loss;
    return l->rows > 0 || l->hints > 0 || l->posteriors > 0 || l->pseudo;
}
