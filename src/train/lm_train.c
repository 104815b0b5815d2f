/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lm_train.c - ting_train_lm of tingxie_train.h: a recipe to a language model in a file.
 *
 *     lm_text.h: sentences in words -> lm_train_ngram.c: counts -> estimates   \
 *                                   -> lm_train_net.c: batches -> trainer.h    -> GGUF
 *                what is held out   -> perplexity
 */
#include "train/lm_job.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/yaml_text.h"
#include "data/remarks.h"
#include "model/schema.h"
#include "train/lm_file.h"

#include <math.h>
#include <stdlib.h>
#include <time.h>

double ting_lm_now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

ting_err ting_lm_job_read(ting_lm_job *j, int source, ting_err (*take)(void *self, const ting_cut *sentence), void *self)
{
    ting_err err = TING_OK;
    const ting_lm_text_counts *c = &j->counts[source];
    TRY(ting_lm_text_each(&j->text, source, take, self, &j->counts[source]));
    if (c->unspelled > 0)
        ting_log_write(j->log, TING_LOG_INFO, "%s: %zu sentences left out: they hold what the acoustic model's tokens cannot spell",
                       j->text.source[source].name, c->unspelled);
    if (!j->text.source[source].measure)
        ting_log_write(j->log, TING_LOG_INFO, "%s: %zu sentences, %zu characters, %zu words not known; %zu sentences held out",
                       j->text.source[source].name, c->sentences, c->characters, c->unknown, c->excluded);
out:
    return err;
}

void ting_lm_job_measured(ting_lm_job *j, int source, double log_prob, ting_lm_report *report)
{
    const ting_lm_text_counts *c = &j->counts[source];
    report->held_sentences += c->sentences;
    report->held_characters += c->characters;
    if (c->sentences == 0)
        ting_log_write(j->log, TING_LOG_WARNING, "%s: no sentence to measure on", j->text.source[source].name);
    else
        ting_log_write(j->log, TING_LOG_INFO, "%s: %zu sentences, %zu characters, %zu words not known: perplexity %.2f a character",
                       j->text.source[source].name, c->sentences, c->characters, c->unknown,
                       exp(-log_prob / (double)(c->characters + c->sentences)));
}

void ting_lm_job_all_measured(double log_prob, ting_lm_report *report)
{
    const size_t places = report->held_characters + report->held_sentences;
    report->perplexity = places > 0 ? exp(-log_prob / (double)places) : -1;
}

/* ---- the file ---- */

/* Owned by the C library; NULL when out of memory, or when a name is not UTF-8. */
static char *record_of(const ting_lm_job *j, const ting_lm_report *report, json_t *more)
{
    ting_str recipe = {0};
    char *text = NULL;
    bool well = true;
    ting_yaml_print(j->doc.root, &recipe);
    json_t *record = json_pack("{s:f, s:f, s:o, s:o}", "seconds", report->seconds, "held_out_perplexity", report->perplexity, "sources",
                               json_array(), "recipe", ting_str_ok(&recipe) ? json_loads(recipe.text, 0, NULL) : NULL);
    json_t *sources = json_object_get(record, "sources");
    for (int s = 0; s < j->text.sources && record != NULL; s++)
        well = well && json_array_append_new(
                           sources, json_pack("{s:s, s:s, s:I, s:I, s:b}", "name", j->text.source[s].name, "licence",
                                              j->text.source[s].licence, "sentences", (json_int_t)j->counts[s].sentences, "characters",
                                              (json_int_t)j->counts[s].characters, "held_out", j->text.source[s].measure)) == 0;
    if (record != NULL && well && json_object_update_missing(record, more) == 0)
        text = json_dumps(record, JSON_COMPACT | JSON_REAL_PRECISION(6));
    json_decref(record);
    ting_str_free(&recipe);
    return text;
}

ting_err ting_lm_job_begin_file(ting_lm_job *j, const ting_lm_report *report, json_t *more, ting_gguf_writer **out)
{
    ting_err err = TING_OK;
    char *record = more != NULL ? record_of(j, report, more) : NULL;
    *out = ting_gguf_writer_new();
    if (*out == NULL || record == NULL)
        FAIL(TING_ERR_MEMORY, "%s: the record of the training cannot be made: out of memory, or a name that is not UTF-8",
             j->options->output);
    ting_schema_begin(*out, "Tingxie language model", (const char *const[]){"lm"}, 1);
    ting_lm_file_put_notes(*out, &(ting_lm_file_notes){
                                     .licence = j->options->licence,
                                     .authors = j->options->authors,
                                     .source = "trained by tingxie lm train; texts and their licences are listed in the training record",
                                     .training = record});
out:
    json_decref(more);
    free(record);
    return err;
}

/* Said before the work, not behind it: no file that is read is overwritten, and the model can be written where it shall be. */
static ting_err check_output(const ting_lm_job *j)
{
    ting_err err = TING_OK;
    const ting_lm_options *o = j->options;
    const char *file = NULL, *of = NULL;
    char *words = NULL, *model = NULL;
    ting_yaml *tokens;
    TRY(ting_yaml_child(j->doc.root, "tokens", TING_YAML_MAP, &tokens));
    if (tokens != NULL) {
        TRY(ting_yaml_text(tokens, "file", &file));
        TRY(ting_yaml_text(tokens, "of", &of));
    }
    words = file != NULL ? ting_path_under(o->base, file) : NULL;
    model = of != NULL ? ting_path_under(o->base, of) : NULL;
    TRY((file == NULL) == (words == NULL) && (of == NULL) == (model == NULL) ? TING_OK : TING_ERR_MEMORY);
    TRY(ting_file_apart(o->recipe, o->output));
    if (o->from != NULL)
        TRY(ting_file_apart(o->from, o->output));
    if (words != NULL)
        TRY(ting_file_apart(words, o->output));
    if (model != NULL)
        TRY(ting_file_apart(model, o->output));
    TRY(ting_text_sources_apart(ting_yaml_find(j->doc.root, "sources"), o->base, o->output));
    TRY(ting_text_sources_apart(ting_yaml_find(j->doc.root, "exclude"), o->base, o->output));
    TRY(ting_lm_file_check_name(o->output, !j->recipe.ngram));
    if (j->recipe.ngram || o->folder != NULL) /* a network's folder beside it is made, and what is above it too */
        TRY(ting_file_check_place(o->output));
out:
    ting_free(words);
    ting_free(model);
    return err;
}

ting_err ting_train_lm(const ting_lm_options *options, ting_lm_report *report)
{
    ting_err err = TING_OK;
    ting_remarks remarks = options->remarks;
    const ting_log log = ting_remarks_log(&remarks);
    *report = (ting_lm_report){.perplexity = -1};
    ting_lm_job *j = ting_alloc(1, sizeof *j);
    if (j == NULL)
        return TING_ERR_MEMORY;
    *j = (ting_lm_job){.options = options, .log = &log, .began = ting_lm_now()};
    if (options->recipe == NULL || options->output == NULL)
        FAIL(TING_ERR_ARGUMENT, "a training of a language model needs a recipe and a model file to write");
    if (options->type < TING_EXPORT_F32 || options->type > TING_EXPORT_INT8 || options->threads < 0 || options->finish < 0)
        FAIL(TING_ERR_ARGUMENT, "type %d, threads %d, finish %ld: expected a ting_export_type, and numbers from 0 on", options->type,
             options->threads, options->finish);
    TRY(ting_yaml_load(options->recipe, &j->doc));
    for (const char *const *s = options->settings; s != NULL && *s != NULL; s++)
        TRY(ting_yaml_set(&j->doc, *s));
    TRY(ting_lm_recipe_read(j->doc.root, &j->recipe));
    TRY(check_output(j));
    if (options->from != NULL && j->recipe.ngram)
        FAIL(TING_ERR_ARGUMENT, "%s: n-grams begin with no other model: mix them (tingxie lm mix)", options->from);
    if (options->from != NULL)
        TRY(ting_lm_from_open(options->from, &j->recipe.net, &j->from));
    TRY(ting_lm_text_open(j->doc.root, options->base, options->from != NULL ? &j->from.model.words : NULL, options->stop, options->self,
                          &j->text));
    TRY(ting_yaml_done(j->doc.root));
    TRY(ting_lm_recipe_check_weights(&j->recipe, j->text.source, j->text.sources));
    TRY(j->recipe.ngram ? ting_lm_train_ngram(j, report) : ting_lm_train_net(j, report));
out:
    ting_lm_text_free(&j->text);
    ting_lm_from_close(&j->from);
    ting_yaml_free(&j->doc);
    ting_free(j);
    return err;
}
