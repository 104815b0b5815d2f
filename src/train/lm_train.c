/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lm_train.c - ting_train_lm of tingxie_train.h: a recipe to a language model in a file.
 *
 *     lm_text.h: sentences in words -> ngram_count.h -> ngram_estimate.h -> model/ngram.h -> GGUF
 *                what is held out   -> perplexity
 */
#include "base/mem.h"
#include "base/yaml_text.h"
#include "data/remarks.h"
#include "model/arpa.h"
#include "model/ngram.h"
#include "tingxie_train.h"
#include "train/lm_text.h"
#include "train/ngram_estimate.h"
#include "train/ngram_prune.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef struct job {
    const ting_lm_options *options;
    const ting_log *log;
    ting_yaml_doc doc;
    ting_lm_text text;
    ting_ngram_plan plan;
    double prune; /* see train/ngram_prune.h; 0: not */
    ting_ngram_discounts discounts[TING_NGRAM_MOST];
    ting_ngram_counter *counter;
    ting_ngram_table table;
    ting_ngram *model;
    ting_lm_text_counts counts[TING_LM_MOST_SOURCES];
    double log_prob; /* of what is held out */
    double seconds;
} job;

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

static ting_err read_model(ting_yaml *root, ting_ngram_plan *plan, double *prune)
{
    static const char *const kinds[] = {"ngram"};
    ting_err err = TING_OK;
    ting_yaml *map;
    int kind = 0, memory = 1024;
    *plan = (ting_ngram_plan){.order = 4};
    TRY(ting_yaml_child(root, "model", TING_YAML_MAP, &map));
    if (map != NULL) {
        TRY(ting_yaml_word(map, "kind", 1, kinds, &kind));
        TRY(ting_yaml_int(map, "order", 1, TING_NGRAM_MOST, &plan->order));
        TRY(ting_yaml_int(map, "memory", TING_NGRAM_MOST, 1 << 20, &memory));
        TRY(ting_yaml_real(map, "prune", 0, 1, prune));
        TRY(read_cutoffs(map, plan));
        TRY(ting_yaml_done(map));
    }
    plan->memory = (size_t)memory << 20;
out:
    return err;
}

static ting_err count_sentence(void *self, const ting_cut *sentence)
{
    return ting_ngram_counter_add(self, sentence->ids, sentence->count);
}

static ting_err count_all(job *j)
{
    ting_err err = TING_OK;
    TRY(ting_ngram_counter_new(&j->plan, j->text.words.count, &j->counter));
    for (int s = 0; s < j->text.sources; s++) {
        if (j->text.source[s].measure)
            continue;
        const ting_lm_text_counts *c = &j->counts[s];
        TRY(ting_lm_text_each(&j->text, s, count_sentence, j->counter, &j->counts[s]));
        ting_log_write(j->log, TING_LOG_INFO, "%s: %zu sentences, %zu characters, %zu words not known; %zu sentences held out",
                       j->text.source[s].name, c->sentences, c->characters, c->unknown, c->excluded);
    }
    TRY(ting_ngram_counter_finish(j->counter));
out:
    return err;
}

static ting_err estimate(job *j)
{
    ting_err err = TING_OK;
    ting_texts words = j->text.words;
    ting_str sizes = {0};
    ting_vocabulary_free(j->text.vocabulary);
    j->text.vocabulary = NULL;
    j->text.words = (ting_texts){0}; /* the table takes them */
    TRY(ting_ngram_estimate(j->counter, &words, &j->table, j->discounts));
    if (j->prune > 0)
        TRY(ting_ngram_prune(&j->table, j->prune));
    for (int k = 0; k < j->plan.order; k++) {
        ting_str_addf(&sizes, "%s%zu", k > 0 ? ", " : "", j->table.level[k].count);
        if (j->discounts[k].made_up)
            ting_log_write(j->log, TING_LOG_WARNING, "order %d: too little text to estimate discounts: 0.5, 1 and 1.5 are taken", k + 1);
    }
    if (ting_str_ok(&sizes))
        ting_log_write(j->log, TING_LOG_INFO, "n-grams of order 1 to %d: %s", j->plan.order, sizes.text);
    TRY(ting_ngram_make(&j->table, &j->model));
    TRY(ting_vocabulary_new(ting_ngram_words(j->model), &j->text.vocabulary));
out:
    ting_texts_free(&words);
    ting_str_free(&sizes);
    return err;
}

static ting_err measure_sentence(void *self, const ting_cut *sentence)
{
    job *j = self;
    ting_ngram_state state = ting_ngram_begin(j->model);
    for (size_t i = 0; i <= sentence->count; i++)
        j->log_prob += ting_ngram_score(j->model, &state, i < sentence->count ? sentence->ids[i] : TING_NGRAM_END, &state);
    return TING_OK;
}

static ting_err measure(job *j, ting_lm_report *report)
{
    ting_err err = TING_OK;
    for (int s = 0; s < j->text.sources; s++) {
        if (!j->text.source[s].measure)
            continue;
        const double before = j->log_prob;
        ting_lm_text_counts *c = &j->counts[s];
        TRY(ting_lm_text_each(&j->text, s, measure_sentence, j, c));
        report->held_sentences += c->sentences;
        report->held_characters += c->characters;
        ting_log_write(j->log, TING_LOG_INFO, "%s: %zu sentences, %zu characters, %zu words not known: perplexity %.2f a character",
                       j->text.source[s].name, c->sentences, c->characters, c->unknown,
                       exp((before - j->log_prob) / (double)(c->characters + c->sentences)));
    }
    const size_t places = report->held_characters + report->held_sentences;
    report->perplexity = places > 0 ? exp(-j->log_prob / (double)places) : -1;
out:
    return err;
}

/* ---- the file ---- */

/* Owned by the C library; NULL when out of memory, or when a name is not UTF-8. */
static char *record_of(const job *j, const ting_lm_report *report)
{
    ting_str recipe = {0};
    char *text = NULL;
    bool well = true;
    ting_yaml_print(j->doc.root, &recipe);
    json_t *record = json_pack("{s:f, s:f, s:o, s:o}", "seconds", j->seconds, "held_out_perplexity", report->perplexity, "sources",
                               json_array(), "recipe", ting_str_ok(&recipe) ? json_loads(recipe.text, 0, NULL) : NULL);
    json_t *sources = json_object_get(record, "sources");
    for (int s = 0; s < j->text.sources && record != NULL; s++)
        well = well && json_array_append_new(
                           sources, json_pack("{s:s, s:s, s:I, s:I, s:b}", "name", j->text.source[s].name, "licence",
                                              j->text.source[s].licence, "sentences", (json_int_t)j->counts[s].sentences, "characters",
                                              (json_int_t)j->counts[s].characters, "held_out", j->text.source[s].measure)) == 0;
    if (record != NULL && well)
        text = json_dumps(record, JSON_COMPACT | JSON_REAL_PRECISION(6));
    json_decref(record);
    ting_str_free(&recipe);
    return text;
}

/* As an ARPA file where its name says so, which has no room for a record; else as a model. */
static ting_err save(const job *j, const ting_lm_report *report)
{
    ting_err err = TING_OK;
    const char *ending = strrchr(j->options->output, '.');
    if (ending != NULL && strcmp(ending, ".arpa") == 0)
        return ting_arpa_save(j->options->output, &j->table);
    ting_gguf_writer *writer = ting_gguf_writer_new();
    char *record = record_of(j, report);
    if (writer == NULL || record == NULL)
        FAIL(TING_ERR_MEMORY, "%s: the record of the training cannot be made: out of memory, or a name that is not UTF-8",
             j->options->output);
    ting_schema_begin(writer, "Tingxie language model", (const char *const[]){"lm"}, 1);
    ting_gguf_put_text(writer, "tingxie.lm." TING_KEY_LICENSE, j->options->licence);
    ting_gguf_put_text(writer, "tingxie.lm." TING_KEY_AUTHORS, j->options->authors);
    ting_gguf_put_text(writer, "tingxie.lm." TING_KEY_SOURCE,
                       "trained by tingxie lm train; texts and their licences are listed in the training record");
    ting_gguf_put_text(writer, "tingxie.lm." TING_KEY_TRAINING, record);
    ting_ngram_put(j->model, writer);
    TRY(ting_gguf_save(writer, j->options->output));
out:
    ting_gguf_writer_free(writer);
    free(record);
    return err;
}

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

ting_err ting_train_lm(const ting_lm_options *options, ting_lm_report *report)
{
    ting_err err = TING_OK;
    ting_remarks remarks = options->remarks;
    const ting_log log = ting_remarks_log(&remarks);
    const double began = now();
    *report = (ting_lm_report){.perplexity = -1};
    job *j = ting_alloc(1, sizeof *j);
    if (j == NULL)
        return TING_ERR_MEMORY;
    *j = (job){.options = options, .log = &log};
    TRY(ting_yaml_load(options->recipe, &j->doc));
    TRY(read_model(j->doc.root, &j->plan, &j->prune));
    TRY(ting_lm_text_open(j->doc.root, options->base, options->stop, options->self, &j->text));
    TRY(ting_yaml_done(j->doc.root));
    TRY(count_all(j));
    TRY(estimate(j));
    for (int k = 0; k < j->plan.order; k++)
        report->ngrams[k] = j->table.level[k].count;
    report->words = j->table.words.count;
    report->order = j->plan.order;
    TRY(measure(j, report));
    j->seconds = now() - began;
    TRY(save(j, report));
out:
    ting_ngram_free(j->model);
    ting_ngram_table_free(&j->table);
    ting_ngram_counter_free(j->counter);
    ting_lm_text_free(&j->text);
    ting_yaml_free(&j->doc);
    ting_free(j);
    return err;
}
