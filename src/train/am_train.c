/* SPDX-License-Identifier: Apache-2.0 */
/* am_train.c - the functions of tingxie_train.h for acoustic networks: training, export. */
#include "tingxie_train.h"

#include "base/mem.h"
#include "base/str.h"
#include "model/am_file.h"
#include "train/am_data.h"
#include "train/am_from.h"
#include "train/am_record.h"
#include "train/am_task.h"
#include "data/remarks.h"

#include <stdlib.h>

typedef struct job { /* what a training and an export of it have in common */
    ting_ranks ranks;
    ting_am_recipe recipe;
    ting_am_task network;
    ting_task task;
    ting_str kept; /* recipe of the checkpoint, for an export */
    char *data;    /* folder of the manifests */
    ting_watch watch;
} job;

/* The checkpoint's recipe in the place of the given one. */
static ting_err take_kept(const ting_train_options *options, const ting_log *log, job *j)
{
    ting_err err = TING_OK;
    TRY(ting_trainer_recipe(options->folder, j->recipe.doc.root, log, &j->kept));
    if (j->kept.length == 0)
        goto out;
    ting_am_recipe_free(&j->recipe);
    TRY(ting_am_recipe_parse("recipe of the checkpoint", j->kept.text, &j->recipe));
out:
    return err;
}

/* wanted: own_log and to_train. */
static ting_err open_job(const ting_train_options *options, const ting_am_files *wanted, const ting_log *log, job *j)
{
    ting_err err = TING_OK;
    ting_am_files files = *wanted;
    if (options->recipe == NULL || options->folder == NULL)
        FAIL(TING_ERR_ARGUMENT, "a training needs a recipe and a folder");
    TRY(ting_am_recipe_load(options->recipe, options->settings, &j->recipe));
    if (files.to_train)
        TRY(ting_am_data(&j->recipe, options, log, &j->data));
    else
        TRY(take_kept(options, log, j));
    files.data = j->data;
    files.teacher = options->teacher;
    files.folder = options->folder;
    files.from = options->from;
    files.ranks = &j->ranks;
    files.watch = &j->watch;
    TRY(ting_am_task_make(&j->network, &j->recipe, &files, log));
    TRY(ting_am_task_view(&j->network, &j->task));
out:
    return err;
}

static void close_job(job *j)
{
    ting_am_task_free(&j->network);
    ting_am_recipe_free(&j->recipe);
    ting_str_free(&j->kept);
    ting_free(j->data);
    ting_ranks_leave(&j->ranks);
}

ting_err ting_train_am(const ting_train_options *options)
{
    ting_err err = TING_OK;
    ting_remarks remarks = options->remarks;
    job j = {.watch = {.options = options}};
    TRY(ting_ranks_join(&j.ranks));
    const ting_log own_log = ting_remarks_log(&remarks), log = j.ranks.rank == 0 ? own_log : (ting_log){0};
    const ting_am_files wanted = {.own_log = &own_log, .to_train = true};
    for (int first = 1; first >= 0; first--) /* what rank 0 makes (manifests, a table of characters) is there for the others */
        TRY(ting_ranks_agree(&j.ranks,
                             (j.ranks.rank == 0) == (first == 1) ? open_job(options, &wanted, &log, &j) : TING_OK));
    const ting_am_start begins = {j.network.net, &j.network.tokens, &j.recipe.features};
    if (options->from != NULL && !ting_trainer_has_checkpoint(options->folder))
        TRY(ting_ranks_agree(&j.ranks, ting_am_from(&begins, options->from, &log)));
    else if (options->from != NULL)
        ting_log_write(&log, TING_LOG_WARNING, "%s is not read: %s holds a checkpoint, which goes on", options->from, options->folder);
    TRY(ting_trainer_run(&j.task, &j.recipe.plan,
                         &(ting_trainer_options){.folder = options->folder,
                                                 .title = options->recipe,
                                                 .threads = options->threads,
                                                 .finish = options->finish,
                                                 .ranks = &j.ranks,
                                                 .recipe = j.recipe.doc.root,
                                                 .log = &log,
                                                 .report = ting_watch_report,
                                                 .stop = ting_watch_stop,
                                                 .self = &j.watch}));
out:
    close_job(&j);
    return err;
}

ting_err ting_export_am(const ting_train_options *options, const char *path, ting_export_type type, const char *licence)
{
    ting_err err = TING_OK;
    ting_remarks remarks = options->remarks;
    const ting_log log = ting_remarks_log(&remarks);
    ting_training training = {0};
    ting_str features = {0};
    char *record = NULL;
    job j = {.ranks = ting_ranks_alone};
    TRY(open_job(options, &(ting_am_files){.to_train = false}, &log, &j));
    TRY(ting_trainer_load(&j.task, &j.recipe.plan, options->folder, options->mean, &training));
    record = ting_am_record(&j.recipe, &training);
    ting_feature_print(&j.recipe.features, &features);
    if (record == NULL || !ting_str_ok(&features))
        FAIL(TING_ERR_MEMORY, "%s: out of memory for the record of the training", path);
    TRY(ting_am_save(path, j.network.net,
                     &(ting_am_about){.name = "Tingxie acoustic model",
                                      .features = features.text,
                                      .cmvn = j.recipe.cmvn != NULL ? &j.network.cmvn : NULL,
                                      .tokens = j.network.tokens.items,
                                      .token_count = j.network.tokens.count,
                                      .licence = licence,
                                      .authors = options->authors,
                                      .source = "trained by tingxie train am; the training record lists the recordings",
                                      .training = record},
                     ting_export_dtype(type)));
out:
    free(record);
    ting_str_free(&features);
    ting_training_free(&training);
    close_job(&j);
    return err;
}
