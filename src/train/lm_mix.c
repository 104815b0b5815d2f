/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lm_mix.c - ting_mix_lm of tingxie_train.h: files to tables, ngram_mix.h, and a file again with a record of what went into it.
 */
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "data/lines.h"
#include "data/remarks.h"
#include "model/vocabulary.h"
#include "tingxie_train.h"
#include "train/model_origin.h"
#include "train/lm_file.h"
#include "train/ngram_fit.h"
#include "train/ngram_mix.h"
#include "train/ngram_prune.h"

#include <math.h>

enum { ASKED = 1024 };

_Static_assert((int)TING_LM_MIX_MOST == (int)TING_NGRAM_MIX_MOST, "as many as can be mixed");

typedef struct job {
    const ting_lm_mix_options *options;
    const ting_log *log;
    ting_lm_mix_report *report;
    int used[TING_LM_MIX_MOST]; /* [count] the inputs whose weight is not 0 */
    int count;
    ting_ngram_mix *mix;
    ting_ngram_table table;
} job;

static ting_err check_stop(const job *j)
{
    const ting_lm_mix_options *o = j->options;
    if (o->stop == NULL || o->stop(o->self) == 0)
        return TING_OK;
    return ting_fail(TING_ERR_CANCELLED, "%s: stopped before it was written", o->output);
}

static ting_err check_weights(job *j)
{
    ting_err err = TING_OK;
    const ting_lm_mix_options *o = j->options;
    double sum = 0;
    if (o->count < 1 || o->count > TING_LM_MIX_MOST)
        FAIL(TING_ERR_ARGUMENT, "%d models to mix, expected 1 to %d", o->count, (int)TING_LM_MIX_MOST);
    if ((o->weights != NULL) == (o->tune != NULL))
        FAIL(TING_ERR_ARGUMENT, "expected either weights or a text to find them on, %s given",
             o->tune != NULL ? "both are" : "neither is");
    for (int i = 0; i < o->count; i++) {
        const double weight = o->weights != NULL ? o->weights[i] : 1;
        if (!(weight >= 0 && weight < 1e9))
            FAIL(TING_ERR_ARGUMENT, "a weight of %g, expected 0 or more", weight);
        sum += weight;
        if (weight > 0)
            j->used[j->count++] = i;
    }
    if (!(sum > 0))
        FAIL(TING_ERR_ARGUMENT, "all weights are 0");
    for (int i = 0; i < o->count && o->weights != NULL; i++)
        j->report->weights[i] = o->weights[i] / sum;
out:
    return err;
}

/* Said before the work, not behind it: no file that is named is overwritten, and the model can be written where it shall be. */
static ting_err check_output(const ting_lm_mix_options *o)
{
    ting_err err = TING_OK;
    if (o->output == NULL)
        FAIL(TING_ERR_ARGUMENT, "no model file to write");
    if (!(o->prune >= 0 && o->prune < 1))
        FAIL(TING_ERR_ARGUMENT, "prune is %g, expected 0 to below 1", o->prune);
    for (int i = 0; i < o->count; i++)
        TRY(ting_file_apart(o->models[i], o->output));
    if (o->tune != NULL)
        TRY(ting_file_apart(o->tune, o->output));
    TRY(ting_lm_file_check_name(o->output, false));
    TRY(ting_file_check_place(o->output));
out:
    return err;
}

/* Models of characters and of an acoustic model's tokens have no word in common: what is mixed of them is good for neither. */
static void say_strange(const job *j, const ting_ngram_table *tables)
{
    int with = -1, without = -1;
    for (int i = 0; i < j->count; i++)
        *(ting_vocabulary_has_hanzi(&tables[i].words) ? &with : &without) = j->used[i];
    if (with >= 0 && without >= 0)
        ting_log_write(j->log, TING_LOG_WARNING, "%s has hanzi among its words, %s has none: is it over other words, such as an acoustic "
                       "model's tokens?", j->options->models[with], j->options->models[without]);
}

static ting_err open_models(job *j)
{
    ting_err err = TING_OK;
    ting_ngram_table tables[TING_LM_MIX_MOST] = {{0}};
    for (int i = 0; i < j->count; i++) {
        TRY(check_stop(j));
        TRY(ting_lm_file_read(j->options->models[j->used[i]], &tables[i]));
    }
    say_strange(j, tables);
    if (j->count == 1) { /* itself, to the last digit */
        j->table = tables[0];
        tables[0] = (ting_ngram_table){0};
    } else {
        TRY(ting_ngram_mix_new(tables, j->count, &j->mix));
    }
out:
    for (int i = 0; i < j->count; i++)
        ting_ngram_table_free(&tables[i]);
    return err;
}

static ting_err tune(job *j)
{
    ting_err err = TING_OK;
    ting_vocabulary *vocabulary = NULL;
    ting_lines lines = {0};
    ting_cut cut = {0};
    const char *text;
    size_t length;
    TRY(ting_vocabulary_new(ting_ngram_mix_words(j->mix), &vocabulary));
    TRY(ting_lines_open(j->options->tune, &lines));
    while (ting_lines_next(&lines, &text, &length)) {
        if (lines.number % ASKED == 0)
            TRY(check_stop(j));
        TRY(ting_lines_check(&lines, text, length));
        TRY(ting_vocabulary_cut(vocabulary, text, length, &cut));
        if (cut.count == 0)
            continue;
        TRY(ting_ngram_mix_tune(j->mix, cut.ids, cut.count));
        j->report->sentences++;
        j->report->unknown += cut.unknown;
    }
    TRY(lines.err);
    const ting_ngram_tuned tuned = ting_ngram_mix_weights(j->mix, j->report->weights);
    if (tuned.words == 0)
        FAIL(TING_ERR_FORMAT, "%s: no word of it is known to the models: there is nothing to find weights on", j->options->tune);
    j->report->perplexity = exp(-tuned.log_prob / (double)tuned.words);
    ting_log_write(j->log, TING_LOG_INFO, "%s: %zu sentences, %zu words not known; weights found in %d rounds", j->options->tune,
                   j->report->sentences, j->report->unknown, tuned.rounds);
out:
    ting_lines_close(&lines);
    ting_vocabulary_free(vocabulary);
    ting_cut_free(&cut);
    return err;
}

/* {"mixed": [{"weight": 0.7, "model": {...}}, ...], "perplexity": 81.2, "prune": 1e-8} */
static ting_err make_record(const job *j, ting_str *out)
{
    ting_err err = TING_OK;
    ting_str_add(out, "{\"mixed\":[");
    for (int i = 0; i < j->count; i++) {
        const char *path = j->options->models[j->used[i]];
        ting_str_addf(out, "%s{\"weight\":%.6g,\"model\":", i > 0 ? "," : "", j->report->weights[j->used[i]]);
        TRY(ting_model_origin(path, ting_lm_file_is_arpa(path) ? NULL : "lm", out));
        ting_str_add(out, "}");
    }
    ting_str_add(out, "]");
    if (j->report->perplexity >= 0)
        ting_str_addf(out, ",\"tuned_sentences\":%zu,\"perplexity\":%.6g", j->report->sentences, j->report->perplexity);
    ting_str_addf(out, ",\"prune\":%g}", j->options->prune);
    TRY(ting_str_ok(out) ? TING_OK : TING_ERR_MEMORY);
out:
    return err;
}

static ting_err save(const job *j)
{
    ting_err err = TING_OK;
    ting_str record = {0};
    TRY(make_record(j, &record));
    TRY(ting_lm_file_write(&j->table,
                              &(ting_lm_file_notes){.name = "Tingxie language model, mixed",
                                                       .licence = j->options->licence,
                                                       .authors = j->options->authors,
                                                       .source = "mixed by tingxie lm mix; the training record lists the models",
                                                       .training = record.text},
                              j->options->output));
out:
    ting_str_free(&record);
    return err;
}

ting_err ting_mix_lm(const ting_lm_mix_options *options, ting_lm_mix_report *report)
{
    ting_err err = TING_OK;
    ting_remarks remarks = options->remarks;
    const ting_log log = ting_remarks_log(&remarks);
    job j = {.options = options, .log = &log, .report = report};
    *report = (ting_lm_mix_report){.perplexity = -1};
    TRY(check_weights(&j));
    TRY(check_output(options));
    TRY(open_models(&j));
    if (options->tune != NULL && j.mix == NULL)
        report->weights[0] = 1;
    else if (options->tune != NULL)
        TRY(tune(&j));
    TRY(check_stop(&j));
    if (j.mix != NULL) {
        double weights[TING_LM_MIX_MOST];
        for (int i = 0; i < j.count; i++)
            weights[i] = report->weights[j.used[i]];
        TRY(ting_ngram_mix_make(j.mix, weights, &j.table));
        ting_ngram_mix_free(j.mix); /* writing takes its own memory */
        j.mix = NULL;
    }
    TRY(check_stop(&j));
    if (options->prune > 0) {
        if (j.count == 1) /* a mixture has been fitted */
            ting_ngram_fit(&j.table);
        TRY(ting_ngram_prune(&j.table, options->prune));
    }
    report->order = j.table.order;
    report->words = j.table.words.count;
    for (int k = 0; k < j.table.order; k++)
        report->ngrams[k] = j.table.level[k].count;
    TRY(check_stop(&j));
    TRY(save(&j));
out:
    ting_ngram_mix_free(j.mix);
    ting_ngram_table_free(&j.table);
    return err;
}
