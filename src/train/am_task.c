/* SPDX-License-Identifier: Apache-2.0 */
/* am_task.c - see am_task.h. */
#include "train/am_task.h"

#include "base/available.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/str.h"
#include "engine/tables.h"
#include "model/am_keys.h"
#include "train/footprint.h"
#include "train/model_origin.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { AHEAD = 2, HELD_SHARE = 8, REFERENCE_SECONDS = 600 }; /* of sound in a batch of icefall's recipes */

/* ---- tokens and utterances ---- */

static ting_err read_manifests(ting_am_task *t, const char *folder, const ting_am_source *sources, int count)
{
    ting_err err = TING_OK;
    char *path = NULL;
    for (int i = 0; i < count; i++) {
        ting_manifest **out = &t->manifests[t->manifest_count];
        path = ting_path_under(folder, sources[i].manifest);
        if (path == NULL)
            return TING_ERR_MEMORY;
        TRY(ting_manifest_read(path, &(ting_manifest_options){.only = sources[i].only, .bad = t->log}, out));
        t->manifest_count++;
        ting_free(path);
        path = NULL;
    }
out:
    ting_free(path);
    return err;
}

/* Sources one after the other; groups may be NULL. */
static ting_err add_sources(const ting_am_source *sources, int count, ting_manifest *const *manifests,
                            ting_speech *speech, ting_epoch_group *groups)
{
    ting_err err = TING_OK;
    size_t before, after = 0;
    for (int i = 0; i < count; i++) {
        ting_speech_items(speech, &before);
        TRY(ting_speech_add(speech, manifests[i], sources[i].manifest));
        ting_speech_items(speech, &after);
        if (groups != NULL)
            groups[i] = (ting_epoch_group){before, after - before, sources[i].weight};
    }
out:
    return err;
}

static void say_hours(const ting_am_task *t, const char *what, const ting_speech *speech)
{
    size_t count, labelled = 0;
    double seconds = 0;
    const ting_speech_item *items = ting_speech_items(speech, &count);
    for (size_t i = 0; i < count; i++) {
        seconds += (double)items[i].samples / TING_SOUND_RATE;
        labelled += items[i].labelled;
    }
    ting_log_write(t->log, TING_LOG_INFO, "%s: %zu utterances, %.2f hours, %zu of them labelled", what, count,
                   seconds / 3600, labelled);
}

/* Rank 0 alone measures. What is held out gets a share of the recipe's memory for sound, the other is trained on. */
static ting_err make_speech(ting_am_task *t, const ting_ranks *ranks)
{
    ting_err err = TING_OK;
    const ting_am_recipe *r = t->recipe;
    const size_t memory = (size_t)r->memory << 20;
    const bool measures = r->measure_count > 0 && ranks->rank == 0;
    ting_speech_options options = {.shortest = r->shortest,
                                   .longest = r->longest,
                                   .unlabelled_too = ting_am_recipe_is_taught(r),
                                   .memory = memory - (measures ? memory / HELD_SHARE : 0),
                                   .labeller = t->labeller,
                                   .stop = ting_watch_stop,
                                   .self = t->watch,
                                   .log = t->log};
    TRY(ting_speech_new(&options, &t->train));
    TRY(add_sources(r->train, r->train_count, t->manifests, t->train, t->groups));
    say_hours(t, "to train on", t->train);
    if (!measures)
        goto out;
    options.memory = memory / HELD_SHARE;
    options.unlabelled_too = false;
    options.longest = 1000;
    TRY(ting_speech_new(&options, &t->held));
    TRY(add_sources(r->measure, r->measure_count, t->manifests + r->train_count, t->held, NULL));
    say_hours(t, "held out", t->held);
out:
    return err;
}

static int rows_of(const void *self, int frames)
{
    return ting_encoder_rows(self, frames);
}

/* Whether a teacher hears another sound than the network. */
static bool hears_clean(const ting_am_task *t)
{
    return t->teacher != NULL && !t->recipe->loss.alike;
}

static ting_err make_batches(ting_am_task *t, const char *folder, const ting_ranks *ranks)
{
    ting_err err = TING_OK;
    const ting_am_recipe *r = t->recipe;
    ting_augment_plan plan = r->augment;
    plan.base = folder;
    if (r->augmented)
        TRY(ting_augment_new(&plan, t->log, &t->augment));
    const ting_speech_batches_options options = {.groups = t->groups,
                                                 .group_count = r->train_count,
                                                 .seconds = r->seconds,
                                                 .window = r->window,
                                                 .seed = (uint64_t)r->plan.seed,
                                                 .views = r->loss.consistency > 0 ? 2 : 1,
                                                 .clean = hears_clean(t),
                                                 .timing = t->teacher != NULL ? TING_TIMING_KEPT : TING_TIMING_FREE,
                                                 .augment = t->augment,
                                                 .features = r->features,
                                                 .cmvn = &t->cmvn,
                                                 .rows = rows_of,
                                                 .rows_self = &t->net->config.encoder,
                                                 .share = {ranks->rank, ranks->count},
                                                 .threads = r->loaders,
                                                 .ahead = r->loaders + AHEAD};
    TRY(ting_speech_batches_new(t->train, &options, &t->batches));
out:
    return err;
}

/* Bytes of decoded sound, as far as the memory for it reaches. */
static double sound_bytes(const ting_speech *speech, double memory)
{
    size_t count;
    double bytes = 0;
    const ting_speech_item *items = ting_speech_items(speech, &count);
    for (size_t i = 0; i < count; i++)
        bytes += (double)items[i].samples * sizeof(int16_t);
    return fmin(bytes, memory);
}

/* What is taken while it trains, beside the network. Noises and rooms are in memory already. */
static ting_err check_memory(ting_am_task *t, int processes)
{
    const ting_am_recipe *r = t->recipe;
    const double memory = (double)r->memory * (1 << 20), held = t->held != NULL ? memory / HELD_SHARE : 0;
    const double frames = r->seconds * 100, views = (r->loss.consistency > 0 ? 2 : 1) + hears_clean(t);
    t->data_bytes = sound_bytes(t->train, memory - held) + (t->held != NULL ? sound_bytes(t->held, held) : 0) +
                    (r->loaders + AHEAD) * frames * views * ting_feature_dim(&r->features) * sizeof(float);
    const ting_footprint footprint = ting_footprint_of(t->net->params, &r->plan, t->data_bytes);
    return ting_footprint_fit(&footprint, processes, ting_memory_available(""), r->path);
}

/* ---- network ---- */

/* What nothing trains stays as it started, and a head is exported so. */
static void say_idle_heads(const ting_am_task *t)
{
    const ting_am_recipe *r = t->recipe;
    const ting_am_loss *l = &r->loss;
    if (r->ctc_head && l->ctc == 0 && l->consistency == 0)
        ting_log_write(t->log, TING_LOG_WARNING,
                       "%s: no loss reaches the CTC head: it stays as it starts (model.ctc: false leaves it out)",
                       r->path);
    if (r->model.attention.layers > 0 && l->attention == 0)
        ting_log_write(t->log, TING_LOG_WARNING,
                       "%s: no loss reaches the attention decoder: it stays as it starts (without model.attention there is none)",
                       r->path);
    else if (r->model.attention.reverse_layers > 0 && l->reverse == 0)
        ting_log_write(t->log, TING_LOG_WARNING, "%s: no loss reaches the decoder that reads from the end: loss.reverse is 0", r->path);
    if (r->model.hints > 0 && l->hints == 0)
        ting_log_write(t->log, TING_LOG_WARNING, "%s: no loss reaches the maps of model.hints: loss.hints is 0", r->path);
    if (r->transducer_head && l->transducer == 0 && l->posteriors == 0)
        ting_log_write(t->log, TING_LOG_WARNING, "%s: no loss reaches all of the transducer: it is of no use yet",
                       r->path);
}

static ting_err make_net(ting_am_task *t, int processes)
{
    ting_err err = TING_OK;
    const ting_am_recipe *r = t->recipe;
    ting_am_config config = r->model;
    int blank = 0;
    TRY(ting_am_tokens_blank(&t->tokens, r->token_file != NULL ? r->token_file : r->path, &blank));
    config.ctc = (ting_ctc_config){.vocab = r->ctc_head ? (int)t->tokens.count : 0, .blank = blank};
    config.transducer.blank = blank;
    config.attention.begin = config.attention.end = blank; /* which no line has */
    config.transducer.vocab = r->transducer_head ? (int)t->tokens.count : 0;
    config.simple = r->transducer_head && r->loss.prune > 0;
    TRY_IN(ting_am_net_new(&config, &t->net), "%s", r->path);
    t->net->ctc.dropout = r->ctc_dropout;
    TRY(ting_params_declared(t->net->params));
    const ting_footprint footprint = ting_footprint_of(t->net->params, &r->plan, 0);
    TRY(ting_footprint_fit(&footprint, processes, ting_memory_available(""), r->path));
    TRY(ting_train_parts_freeze(&r->plan.parts, t->net->params));
    TRY(ting_params_alloc(t->net->params, true));
    TRY(ting_params_start(t->net->params, (uint64_t)r->plan.seed));
out:
    return err;
}

static ting_err open_teacher(ting_am_task *t, const char *path)
{
    ting_err err = TING_OK;
    int shared;
    if (path == NULL)
        FAIL(TING_ERR_ARGUMENT, "%s: the recipe learns from a teacher: name one", t->recipe->path);
    TRY(ting_am_teacher_open(path, t->recipe->plan.multiply, &t->teacher));
    TRY(ting_model_origin(path, "am", &t->taught_by));
    TRY(ting_feature_agree(&t->recipe->features, "the recipe", ting_am_teacher_features(t->teacher), path));
    TRY_IN(ting_am_teacher_hears(t->teacher, &t->net->config.encoder, &t->cmvn), "%s", path);
    if (t->recipe->loss.posteriors > 0 || t->recipe->loss.pseudo) {
        TRY_IN(ting_am_teacher_agree(t->teacher, &t->tokens, ting_am_blank(&t->net->config), &shared), "%s", path);
        if ((size_t)shared + 1 < t->tokens.count)
            ting_log_write(t->log, TING_LOG_INFO, "%s: says %d of the %zu tokens", path, shared, t->tokens.count - 1);
    }
    if (t->recipe->loss.hints > 0)
        TRY_IN(ting_am_teacher_hints(t->teacher, &t->net->config), "%s", path);
    if (t->recipe->loss.rows > 0 && ting_am_teacher_width(t->teacher) != t->net->config.transducer.joiner_dim)
        FAIL(TING_ERR_MODEL, "%s: the rows for its joiner have %d columns, those of the recipe's %d", path,
             ting_am_teacher_width(t->teacher), t->net->config.transducer.joiner_dim);
out:
    return err;
}

ting_err ting_am_task_make(ting_am_task *t, const ting_am_recipe *recipe, const ting_am_files *files,
                           const ting_log *log)
{
    ting_err err = TING_OK;
    const ting_ranks *ranks = files->ranks != NULL ? files->ranks : &ting_ranks_alone;
    *t = (ting_am_task){.recipe = recipe, .log = log, .own_log = files->own_log, .watch = files->watch};
    if (files->to_train) {
        TRY(read_manifests(t, files->data, recipe->train, recipe->train_count));
        TRY(read_manifests(t, files->data, recipe->measure, recipe->measure_count));
    }
    TRY(ting_am_tokens(recipe,
                       &(ting_am_token_sources){.folder = files->folder,
                                                .from = files->from,
                                                .train = t->manifests,
                                                .count = files->to_train ? recipe->train_count : 0,
                                                .rank = ranks->rank},
                       &t->tokens));
    TRY(make_net(t, ranks->here));
    if (recipe->cmvn != NULL)
        TRY(ting_cmvn_load(recipe->cmvn, &t->cmvn));
    if (!files->to_train)
        goto out;
    TRY(ting_tables_lexicon(NULL, NULL, 0, false, &t->lexicon));
    TRY(ting_labeller_new(&t->tokens, t->lexicon, &t->labeller));
    say_idle_heads(t);
    if (files->from != NULL && !ting_trainer_has_checkpoint(files->folder))
        TRY(ting_model_origin(files->from, "am", &t->from));
    if (ting_am_recipe_is_taught(recipe))
        TRY(open_teacher(t, files->teacher));
    else if (files->teacher != NULL)
        FAIL(TING_ERR_ARGUMENT, "%s: no loss of the recipe learns from a teacher: rows, hints, posteriors, pseudo", recipe->path);
    TRY(make_speech(t, ranks));
    TRY(make_batches(t, files->data, ranks));
    TRY(check_memory(t, ranks->here));
out:
    return err;
}

void ting_am_task_free(ting_am_task *t)
{
    ting_speech_batches_free(t->batches);
    ting_speech_free(t->train);
    ting_speech_free(t->held);
    for (int i = 0; i < t->manifest_count; i++)
        ting_manifest_free(t->manifests[i]);
    ting_labeller_free(t->labeller);
    ting_lexicon_free(t->lexicon);
    ting_texts_free(&t->tokens);
    ting_augment_free(t->augment);
    ting_cmvn_free(&t->cmvn);
    ting_am_net_free(t->net);
    ting_am_teacher_free(t->teacher);
    ting_str_free(&t->samples);
    ting_str_free(&t->from);
    ting_str_free(&t->taught_by);
    *t = (ting_am_task){0};
}

/* ---- the task as the trainer sees it ---- */

static ting_err epoch(void *self, int number, size_t *batches)
{
    const ting_am_task *t = self;
    return ting_speech_batches_epoch(t->batches, number, batches);
}

static size_t largest(void *self)
{
    const ting_am_task *t = self;
    return ting_speech_batches_largest(t->batches);
}

/* What cannot be used is named when it first comes, the last one of a batch; of very many the first. */
static void name_once(ting_am_task *t, const char *why)
{
    const uint64_t hash = ting_hash_bytes(why, strlen(why));
    for (int i = 0; i < t->named_count; i++)
        if (t->named[i] == hash)
            return;
    if (t->named_count == TING_MOST_NAMED)
        return;
    t->named[t->named_count++] = hash;
    ting_log_write(t->own_log, TING_LOG_WARNING, "left out %s%s", why,
                   t->named_count == TING_MOST_NAMED ? " (further ones are counted)" : "");
}

static ting_err loss(void *self, ting_ctx *ctx, size_t place, ting_tensor *sum, double *units)
{
    ting_err err = TING_OK;
    ting_am_task *t = self;
    const ting_speech_batch *batch;
    TRY(ting_speech_batches_take(t->batches, place, &batch));
    if (batch->left_out > 0)
        name_once(t, batch->why);
    t->terms.left_out += batch->left_out;
    if (batch->left_out > 0)
        snprintf(t->why, sizeof t->why, "%s", batch->why);
    t->terms_before = t->terms;
    TRY(ting_am_loss_of(t, ctx, batch, sum, units));
out:
    return err;
}

static ting_err measure(void *self, ting_ctx *ctx, double *errors)
{
    return ting_am_measure(self, ctx, errors);
}

static const char *const term_names[TING_AM_TERMS] = {"ctc",         "transducer", "simple",
                                                      "consistency", "rows",       "hints",  "posteriors", "attention"};

static void spend(void *self, ting_spent *out)
{
    ting_am_task *t = self;
    const ting_am_terms *s = &t->terms;
    *out = (ting_spent){.sound = s->seconds, .left_out = s->left_out + s->impossible};
    for (int i = 0; i < TING_AM_TERMS; i++)
        out->terms[i] = s->computed[i] ? s->loss[i] / s->units : NAN;
    for (int i = 0; i < TING_AM_TERMS; i++) /* each view has its own, but for what lies between them */
        out->terms[i] /= i != TING_AM_CONSISTENCY && t->recipe->loss.consistency > 0 ? TING_MOST_VIEWS : 1;
    t->terms = (ting_am_terms){0};
}

/* Its sound was heard and its utterances were counted; what the network made of them is not. */
static void forget(void *self)
{
    ting_am_task *t = self;
    ting_am_terms *terms = &t->terms, *before = &t->terms_before;
    before->seconds = terms->seconds;
    before->impossible = terms->impossible;
    *terms = *before;
}

static const char *why(void *self)
{
    const ting_am_task *t = self;
    return t->why[0] != '\0' ? t->why : NULL;
}

static void samples(void *self, ting_str *out)
{
    const ting_am_task *t = self;
    ting_str_add_bytes(out, t->samples.text, t->samples.length);
}

/* All that a model file would say of the network, and what its frames are normalised with. How it wants to stream may
 * change when a training goes on. */
static ting_err hash_keys(const ting_am_task *t, uint64_t *out)
{
    ting_am_config config = t->net->config;
    ting_encoder_config *e = &config.encoder;
    ting_gguf_writer *writer = ting_gguf_writer_new();
    if (writer == NULL)
        return TING_ERR_MEMORY;
    if (e->kind == TING_ENCODER_ZIPFORMER)
        e->zipformer.chunk = e->zipformer.left = 0;
    else if (e->kind == TING_ENCODER_CONFORMER)
        e->conformer.chunk = e->conformer.left = 0;
    ting_am_put_keys(writer, &config);
    const size_t dim = (size_t)t->cmvn.dim;
    const uint64_t parts[] = {ting_gguf_keys_fingerprint(writer),
                              ting_fingerprint(t->cmvn.mean, dim * sizeof *t->cmvn.mean),
                              ting_fingerprint(t->cmvn.scale, dim * sizeof *t->cmvn.scale)};
    ting_gguf_writer_free(writer);
    *out = ting_fingerprint(parts, sizeof parts);
    return parts[0] != 0 ? TING_OK : TING_ERR_MEMORY;
}

/* What the names and shapes of the parameters do not show; earlier versions knew as much, and their checkpoints go on. */
static void describe(const ting_am_task *t, ting_str *out)
{
    const ting_encoder_config *e = &t->net->config.encoder;
    ting_str_addf(out, "%s %d", ting_encoder_kind_name(e->kind), ting_am_blank(&t->net->config));
    if (e->kind == TING_ENCODER_CONFORMER)
        ting_str_addf(out, " %d %d %d %d", e->conformer.heads, e->conformer.causal, e->conformer.positions,
                      e->conformer.act);
    for (int s = 0; e->kind == TING_ENCODER_ZIPFORMER && s < e->zipformer.stacks; s++)
        ting_str_addf(out, " %d/%d", e->zipformer.stack[s].heads, e->zipformer.stack[s].downsampling);
    ting_feature_print(&t->recipe->features, out);
    for (size_t i = 0; i < t->tokens.count; i++)
        ting_str_addf(out, " %s", t->tokens.items[i]);
}

ting_err ting_am_task_view(ting_am_task *task, ting_task *out)
{
    const ting_am_recipe *r = task->recipe;
    ting_str settings = {0};
    uint64_t keys = 0;
    describe(task, &settings);
    const bool well = ting_str_ok(&settings) && hash_keys(task, &keys) == TING_OK;
    if (well)
        *out = (ting_task){
            .self = task,
            .params = task->net->params,
            .settings_hash = ting_fingerprint(settings.text, settings.length),
            .keys_hash = keys,
            .data_hash = task->train != NULL ? ting_speech_hash(task->train) : 0,
            .unit = "row",
            .reference_batches = r->reference_batches > 0 ? r->reference_batches : r->seconds / REFERENCE_SECONDS,
            .from = task->from.text,
            .teacher = task->taught_by.text,
            .data_bytes = task->data_bytes,
            .epoch = epoch,
            .largest = largest,
            .loss = loss,
            .measure = measure,
            .error_name = ting_am_tokens_write(&task->tokens) ? "character error rate" : "token error rate",
            .terms = term_names,
            .term_count = TING_AM_TERMS,
            .spend = spend,
            .forget = forget,
            .why = why,
            .samples = samples};
    ting_str_free(&settings);
    return well ? TING_OK : TING_ERR_MEMORY;
}
