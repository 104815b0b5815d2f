/* SPDX-License-Identifier: Apache-2.0 */
/* am_task.c - see am_task.h. */
#include "train/am_task.h"

#include "base/available.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "engine/tables.h"
#include "train/footprint.h"
#include "train/model_origin.h"

#include <math.h>

enum { AHEAD = 2, HELD_SHARE = 8 }; /* batches beside those of the loaders; of the memory for sound, the share of what is held out */

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

/* What a teacher hears beside what the network hears. */
static ting_clean clean_of(const ting_am_task *t)
{
    static const ting_clean of[] = {
        [TING_HEARS_VOICE] = TING_CLEAN_VOICE, [TING_HEARS_LINE] = TING_CLEAN_LINE, [TING_HEARS_ALL] = TING_CLEAN_NONE};
    return t->teacher != NULL ? of[t->recipe->loss.hears] : TING_CLEAN_NONE;
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
                                                 .clean = clean_of(t),
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
    const double frames = r->seconds * 100, views = (r->loss.consistency > 0 ? 2 : 1) + (clean_of(t) != TING_CLEAN_NONE);
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
