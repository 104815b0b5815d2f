/* SPDX-License-Identifier: Apache-2.0 */
/* p2h_train.c - the functions of tingxie_train.h for pinyin to hanzi: text, training, export. */
#include "tingxie_train.h"

#include "data/p2h_prepare.h"
#include "train/model_origin.h"
#include "train/p2h_export.h"
#include "train/p2h_from.h"
#include "train/p2h_task.h"
#include "data/remarks.h"
#include "train/trainer.h"

ting_err ting_prepare_p2h(const ting_p2h_files *files, const ting_remarks *remarks, ting_p2h_counts *counts)
{
    ting_remarks own = remarks != NULL ? *remarks : (ting_remarks){0};
    const ting_log log = ting_remarks_log(&own);
    return ting_p2h_prepare(files, &log, counts);
}

typedef struct job { /* what a training and an export of it have in common */
    ting_ranks ranks;
    ting_p2h_recipe recipe;
    ting_p2h_corpus corpus;
    ting_p2h_task network;
    ting_task task;
    ting_str from; /* what the first weights come from, for the record */
    ting_str kept; /* recipe of the checkpoint, for an export */
} job;

/* The checkpoint's recipe in the place of the given one. */
static ting_err take_kept(const ting_train_options *options, const ting_log *log, job *j)
{
    ting_err err = TING_OK;
    TRY(ting_trainer_recipe(options->folder, j->recipe.doc.root, log, &j->kept));
    if (j->kept.length == 0)
        goto out;
    ting_p2h_recipe_free(&j->recipe);
    TRY(ting_p2h_recipe_parse("recipe of the checkpoint", j->kept.text, &j->recipe));
out:
    return err;
}

/* exported: remarks of an export; NULL: this is to train. */
static ting_err open_job(const ting_train_options *options, const ting_log *exported, job *j)
{
    ting_err err = TING_OK;
    if (options->recipe == NULL || options->data == NULL || options->folder == NULL)
        FAIL(TING_ERR_ARGUMENT, "a training needs a recipe, its data and a folder");
    TRY(ting_p2h_recipe_load(options->recipe, &j->recipe));
    if (exported != NULL)
        TRY(take_kept(options, exported, j));
    TRY(ting_p2h_corpus_open(options->data, &j->corpus));
    TRY(ting_p2h_task_make(&j->network, &j->recipe, &j->corpus, &j->ranks));
    if (options->from != NULL && !ting_trainer_has_checkpoint(options->folder))
        TRY(ting_model_origin(options->from, "p2h", &j->from));
    j->network.from = j->from.text;
    TRY(ting_p2h_task_view(&j->network, &j->task));
out:
    return err;
}

static void close_job(job *j)
{
    ting_p2h_task_free(&j->network);
    ting_p2h_corpus_close(&j->corpus);
    ting_p2h_recipe_free(&j->recipe);
    ting_str_free(&j->from);
    ting_str_free(&j->kept);
    ting_ranks_leave(&j->ranks);
}

ting_err ting_train_p2h(const ting_train_options *options)
{
    ting_err err = TING_OK;
    ting_remarks remarks = options->remarks;
    job j = {0};
    TRY(ting_ranks_join(&j.ranks));
    const ting_log log = j.ranks.rank == 0 ? ting_remarks_log(&remarks) : (ting_log){0};
    TRY(ting_ranks_agree(&j.ranks, open_job(options, NULL, &j)));
    if (options->from != NULL && !ting_trainer_has_checkpoint(options->folder)) {
        int known = 0;
        TRY(ting_ranks_agree(&j.ranks, ting_p2h_from(&j.network, options->from, &known)));
        ting_log_write(&log, TING_LOG_INFO, "%s: first weights; %d of %d characters are in it", options->from, known,
                       j.corpus.tables.characters - TING_P2H_FIRST);
    } else if (options->from != NULL)
        ting_log_write(&log, TING_LOG_WARNING, "%s is not read: %s holds a checkpoint, which goes on", options->from, options->folder);
    TRY(ting_trainer_run(&j.task, &j.recipe.plan,
                         &(ting_trainer_options){.folder = options->folder,
                                                 .title = options->recipe,
                                                 .threads = options->threads,
                                                 .finish = options->finish,
                                                 .ranks = &j.ranks,
                                                 .recipe = j.recipe.doc.root,
                                                 .log = &log,
                                                 .report = options->report,
                                                 .stop = options->stop,
                                                 .self = options->self}));
out:
    close_job(&j);
    return err;
}

ting_err ting_export_p2h(const ting_train_options *options, const char *path, ting_export_type type, const char *licence)
{
    ting_err err = TING_OK;
    ting_training training = {0};
    ting_remarks remarks = options->remarks;
    const ting_log log = ting_remarks_log(&remarks);
    job j = {.ranks = ting_ranks_alone};
    TRY(open_job(options, &log, &j));
    TRY(ting_trainer_load(&j.task, &j.recipe.plan, options->folder, options->mean, &training));
    TRY(ting_p2h_export_save(&(ting_p2h_export){.recipe = &j.recipe,
                                                .corpus = &j.corpus,
                                                .training = &training,
                                                .model = &j.network.model,
                                                .dtype = ting_export_dtype(type),
                                                .licence = licence,
                                                .authors = options->authors},
                             path));
out:
    ting_training_free(&training);
    close_job(&j);
    return err;
}
