/* SPDX-License-Identifier: Apache-2.0 */
/* lm_train_net.c - sentences to a network: lm_batch.h -> lm_task.h (begun by lm_from.h) -> trainer.h -> model/lm_model.h. */
#include "train/lm_job.h"

#include "base/mem.h"
#include "train/lm_task.h"
#include "train/model_origin.h"
#include "train/outcome.h"

typedef struct making {
    ting_lm_job *job;
    ting_ranks ranks;
    char *folder;
    ting_lm_sentences learnt, held; /* held: of all that is measured, source after source */
    ting_epoch_group *groups;       /* [group_count]: a source each */
    int group_count;
    size_t *held_end;               /* [sources]: pieces of held behind each source */
    ting_str from; /* what the first weights come from, for the record */
    ting_lm_task network;
    ting_task task;
    ting_training training;
} making;

static ting_err add_sentence(void *self, const ting_cut *sentence)
{
    return ting_lm_sentences_add(self, sentence);
}

static ting_err read_all(making *m)
{
    ting_err err = TING_OK;
    const ting_lm_text *text = &m->job->text;
    const ting_lm_config *net = &m->job->recipe.net;
    m->learnt.most = m->held.most = net->kind == TING_LM_GPT ? net->context : 0;
    m->groups = ting_alloc((size_t)text->sources + 1, sizeof *m->groups);
    m->held_end = ting_alloc((size_t)text->sources + 1, sizeof *m->held_end);
    TRY(m->groups != NULL && m->held_end != NULL ? TING_OK : TING_ERR_MEMORY);
    for (int s = 0; s < text->sources; s++) {
        ting_lm_sentences *to = text->source[s].measure ? &m->held : &m->learnt;
        const size_t first = to->piece_count;
        TRY(ting_lm_job_read(m->job, s, add_sentence, to));
        m->held_end[s] = m->held.piece_count;
        if (to->piece_count == first || text->source[s].measure)
            continue;
        ting_epoch_group *group = &m->groups[m->group_count++];
        *group = (ting_epoch_group){first, to->piece_count - first, 1};
        TRY(ting_lm_recipe_weight(&m->job->recipe, text->source[s].name, &group->weight));
    }
out:
    return err;
}

static ting_err train(making *m)
{
    const ting_lm_options *o = m->job->options;
    return ting_trainer_run(&m->task, &m->job->recipe.train,
                            &(ting_trainer_options){.folder = m->folder,
                                                    .title = o->recipe,
                                                    .threads = o->threads,
                                                    .finish = o->finish,
                                                    .ranks = &m->ranks,
                                                    .recipe = m->job->doc.root,
                                                    .log = m->ranks.rank == 0 ? m->job->log : &(ting_log){0},
                                                    .report = o->report,
                                                    .stop = o->stop,
                                                    .self = o->self});
}

/* Source after source, with the weights that the file gets. */
static ting_err measure(making *m, ting_lm_report *report)
{
    ting_err err = TING_OK;
    const ting_lm_options *o = m->job->options;
    const ting_lm_text *text = &m->job->text;
    double all = 0;
    ting_arena *arena = ting_arena_new((size_t)1 << 20);
    ting_pool *pool = ting_pool_new(o->threads > 0 ? o->threads : ting_cpu_count());
    ting_ctx ctx = {.arena = arena, .pool = pool, .kern = ting_kern_select(ting_cpu_detect()), .multiply = TING_PRECISION_F32};
    TRY(arena != NULL && pool != NULL ? TING_OK : TING_ERR_MEMORY);
    for (int s = 0; s < text->sources; s++) {
        if (!text->source[s].measure)
            continue;
        const size_t first = s > 0 ? m->held_end[s - 1] : 0;
        ting_lm_sentences own = m->held; /* borrowed */
        double log_prob;
        size_t places;
        own.pieces += first;
        own.piece_count = m->held_end[s] - first;
        TRY(ting_lm_task_measure(&m->network, &ctx, &own, 0, o->stop, o->self, &log_prob, &places));
        ting_lm_job_measured(m->job, s, log_prob, report);
        all += log_prob;
    }
    ting_lm_job_all_measured(all, report);
out:
    ting_pool_free(pool);
    ting_arena_free(arena);
    return err;
}

static ting_err save(making *m, const ting_lm_report *report)
{
    ting_err err = TING_OK;
    ting_gguf_writer *writer = NULL;
    const ting_training *t = &m->training;
    const ting_outcome end = ting_outcome_of(t);
    json_t *more = json_pack("{s:I, s:I, s:I, s:f, s:I}", "steps", (json_int_t)t->step, "epoch", (json_int_t)t->epoch, "skipped_steps",
                             (json_int_t)t->skipped, "last_loss", end.loss, "parameters", (json_int_t)report->parameters);
    if (more != NULL && !ting_outcome_record(t, more)) {
        json_decref(more);
        more = NULL;
    }
    TRY(ting_lm_job_begin_file(m->job, report, more, &writer));
    ting_lm_model_put(writer, &m->network.model, ting_export_dtype((ting_export_type)m->job->options->type));
    TRY(ting_gguf_save(writer, m->job->options->output));
out:
    ting_gguf_writer_free(writer);
    return err;
}

static ting_err open_all(making *m)
{
    ting_err err = TING_OK;
    const ting_lm_options *o = m->job->options;
    m->folder = o->folder != NULL ? ting_strdup(o->folder) : ting_trainer_folder_beside(o->output);
    TRY(m->folder != NULL ? TING_OK : TING_ERR_MEMORY);
    TRY(read_all(m));
    TRY(ting_lm_task_make(&m->network, &m->job->recipe, &m->job->text.words, &m->learnt, &m->held, m->groups, m->group_count,
                          o->from != NULL ? &m->job->from : NULL, &m->ranks));
    if (o->from != NULL && !ting_trainer_has_checkpoint(m->folder))
        TRY(ting_model_origin(o->from, "lm", &m->from));
    else if (o->from != NULL && m->ranks.rank == 0)
        ting_log_write(m->job->log, TING_LOG_WARNING, "the weights of %s are not taken: %s holds a checkpoint, which goes on", o->from,
                       m->folder);
    m->network.from = m->from.text;
    TRY(ting_lm_task_view(&m->network, &m->task));
out:
    return err;
}

ting_err ting_lm_train_net(ting_lm_job *job, ting_lm_report *report)
{
    ting_err err = TING_OK;
    making m = {.job = job};
    TRY(ting_ranks_join(&m.ranks));
    TRY(ting_ranks_agree(&m.ranks, open_all(&m)));
    report->words = job->text.words.count;
    report->parameters = ting_params_elements(m.network.model.params);
    TRY(train(&m));
    if (m.ranks.rank != 0)
        goto out;
    TRY(ting_trainer_load(&m.task, &job->recipe.train, m.folder, 0, &m.training));
    report->seconds = ting_outcome_of(&m.training).seconds;
    TRY(measure(&m, report));
    TRY(save(&m, report));
out:
    ting_training_free(&m.training);
    ting_lm_task_free(&m.network);
    ting_lm_sentences_free(&m.learnt);
    ting_lm_sentences_free(&m.held);
    ting_free(m.groups);
    ting_free(m.held_end);
    ting_str_free(&m.from);
    ting_free(m.folder);
    ting_ranks_leave(&m.ranks);
    return err;
}
