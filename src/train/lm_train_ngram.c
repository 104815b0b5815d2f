/* SPDX-License-Identifier: Apache-2.0 */
/* lm_train_ngram.c - sentences to an n-gram model: ngram_count.h -> ngram_estimate.h -> ngram_prune.h -> model/ngram.h. */
#include "train/lm_job.h"

#include "model/arpa.h"
#include "model/ngram.h"
#include "train/lm_file.h"
#include "train/ngram_estimate.h"
#include "train/ngram_prune.h"

typedef struct making {
    ting_lm_job *job;
    ting_ngram_discounts discounts[TING_NGRAM_MOST];
    ting_ngram_counter *counter;
    ting_ngram_table table;
    ting_ngram *model;
    double log_prob; /* of what is held out */
} making;

static ting_err count_sentence(void *self, const ting_cut *sentence)
{
    return ting_ngram_counter_add(self, sentence->ids, sentence->count);
}

static ting_err count_all(making *m)
{
    ting_err err = TING_OK;
    ting_lm_text *text = &m->job->text;
    TRY(ting_ngram_counter_new(&m->job->recipe.plan, text->words.count, &m->counter));
    for (int s = 0; s < text->sources; s++)
        if (!text->source[s].measure)
            TRY(ting_lm_job_read(m->job, s, count_sentence, m->counter));
    TRY(ting_ngram_counter_finish(m->counter));
out:
    return err;
}

static ting_err estimate(making *m)
{
    ting_err err = TING_OK;
    ting_lm_text *text = &m->job->text;
    const ting_lm_recipe *recipe = &m->job->recipe;
    ting_texts words = text->words;
    ting_str sizes = {0};
    ting_vocabulary_free(text->vocabulary);
    text->vocabulary = NULL;
    text->words = (ting_texts){0}; /* the table takes them */
    TRY(ting_ngram_estimate(m->counter, &words, &m->table, m->discounts));
    if (recipe->prune > 0)
        TRY(ting_ngram_prune(&m->table, recipe->prune));
    for (int k = 0; k < recipe->plan.order; k++) {
        ting_str_addf(&sizes, "%s%zu", k > 0 ? ", " : "", m->table.level[k].count);
        if (m->discounts[k].made_up)
            ting_log_write(m->job->log, TING_LOG_WARNING,
                           "order %d: too little text to estimate discounts: 0.5, 1 and 1.5 are taken", k + 1);
    }
    if (ting_str_ok(&sizes))
        ting_log_write(m->job->log, TING_LOG_INFO, "n-grams of order 1 to %d: %s", recipe->plan.order, sizes.text);
    TRY(ting_ngram_make(&m->table, &m->model));
    TRY(ting_vocabulary_new(ting_ngram_words(m->model), &text->vocabulary));
out:
    ting_texts_free(&words);
    ting_str_free(&sizes);
    return err;
}

static ting_err measure_sentence(void *self, const ting_cut *sentence)
{
    making *m = self;
    ting_ngram_state state = ting_ngram_begin(m->model);
    for (size_t i = 0; i <= sentence->count; i++)
        m->log_prob += ting_ngram_score(m->model, &state, i < sentence->count ? sentence->ids[i] : TING_NGRAM_END, &state);
    return TING_OK;
}

static ting_err measure(making *m, ting_lm_report *report)
{
    ting_err err = TING_OK;
    const ting_lm_text *text = &m->job->text;
    for (int s = 0; s < text->sources; s++) {
        if (!text->source[s].measure)
            continue;
        const double before = m->log_prob;
        TRY(ting_lm_job_read(m->job, s, measure_sentence, m));
        ting_lm_job_measured(m->job, s, m->log_prob - before, report);
    }
    ting_lm_job_all_measured(m->log_prob, report);
out:
    return err;
}

/* As an ARPA file where its name says so, which has no room for a record; else as a model. */
static ting_err save(const making *m, const ting_lm_report *report)
{
    ting_err err = TING_OK;
    ting_gguf_writer *writer = NULL;
    const char *output = m->job->options->output;
    if (ting_lm_file_is_arpa(output))
        return ting_arpa_save(output, &m->table);
    TRY(ting_lm_job_begin_file(m->job, report, json_object(), &writer));
    ting_ngram_put(m->model, writer);
    TRY(ting_gguf_save(writer, output));
out:
    ting_gguf_writer_free(writer);
    return err;
}

ting_err ting_lm_train_ngram(ting_lm_job *job, ting_lm_report *report)
{
    ting_err err = TING_OK;
    making m = {.job = job};
    TRY(count_all(&m));
    TRY(estimate(&m));
    for (int k = 0; k < job->recipe.plan.order; k++)
        report->ngrams[k] = m.table.level[k].count;
    report->words = m.table.words.count;
    report->order = job->recipe.plan.order;
    report->seconds = ting_lm_now() - job->began;
    TRY(measure(&m, report));
    TRY(save(&m, report));
out:
    ting_ngram_free(m.model);
    ting_ngram_table_free(&m.table);
    ting_ngram_counter_free(m.counter);
    return err;
}
