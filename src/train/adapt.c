/* SPDX-License-Identifier: Apache-2.0 */
/*
 * adapt.c - ting_adapt of tingxie_train.h: a model and a text of a domain to a model that knows the domain.
 *
 *     text         adapt_text.h     sentences, a tenth held out; hanzi that the network cannot write, with readings
 *     words        those of the language model, and hanzi of the text that it lacks
 *     nine tenths  ngram_estimate.h, ngram_mix.h with the language model -> share of the text, on the tenth
 *     all of it    the same -> n-grams
 *     nine tenths  adapt_tune.h, if that is wanted -> pinyin to hanzi
 *     file         adapt_file.h
 */
#include "base/mem.h"
#include "base/utf8.h"
#include "data/remarks.h"
#include "engine/model.h"
#include "engine/tables.h"
#include "engine/tool_places.h"
#include "model/vocabulary.h"
#include "train/adapt_file.h"
#include "train/adapt_tune.h"
#include "train/lm_file.h"
#include "train/ngram_estimate.h"
#include "train/ngram_fit.h"
#include "train/ngram_mix.h"
#include "train/ngram_prune.h"

#include <math.h>
#include <string.h>

enum { MOST_STEPS = 1000000, ORDER = 4, MEMORY = 64 << 20, LEAST_WORDS = 200 /* to find a weight on */, ASKED = 4096 };

static const double MOST = 0.5, UNKNOWN = 0.3; /* weights: the most that is taken by itself; where there is too little text */

typedef struct job {
    const ting_adapt_options *options;
    const ting_log *log;
    ting_adapt_report *report;
    ting_model *model;
    ting_adapt_text text;
    ting_adapt_new found;
    ting_texts words;
    ting_vocabulary *vocabulary;
    ting_cut cut;
    ting_ngram_counter *counter; /* while sentences are counted */
    ting_ngram_mix *mix;         /* while they are measured */
    size_t asked;
    ting_ngram_table table;
    char *tuned; /* file of the network that was trained on the text; NULL: none was */
} job;

static ting_err check_stop(const job *j)
{
    const ting_adapt_options *o = j->options;
    if (o->stop == NULL || o->stop(o->self) == 0)
        return TING_OK;
    return ting_fail(TING_ERR_CANCELLED, "%s: stopped before it was written", o->output);
}

static ting_err check_options(const ting_adapt_options *o)
{
    ting_err err = TING_OK;
    const char *ending = o->output != NULL ? strrchr(o->output, '.') : NULL;
    if (o->output == NULL)
        FAIL(TING_ERR_ARGUMENT, "no model file to write");
    if (ending == NULL || strcmp(ending, ".gguf") != 0)
        FAIL(TING_ERR_ARGUMENT, "%s: expected a name that ends in .gguf", o->output);
    if (o->text_count < 1)
        FAIL(TING_ERR_ARGUMENT, "no text to adapt to");
    if (o->weight != -1 && !(o->weight >= 0 && o->weight <= 1))
        FAIL(TING_ERR_ARGUMENT, "a weight of %g, expected 0 to 1, or -1 for the likeliest", o->weight);
    if (!(o->prune >= 0 && o->prune < 1))
        FAIL(TING_ERR_ARGUMENT, "prune is %g, expected 0 to below 1", o->prune);
    if (o->finetune < 0 || o->finetune > MOST_STEPS)
        FAIL(TING_ERR_ARGUMENT, "%ld steps on the text, expected 0 to %d", o->finetune, (int)MOST_STEPS);
    for (int i = 0; i < o->text_count; i++)
        TRY(ting_file_apart(o->texts[i], o->output));
    for (int i = 0; i < o->table_count; i++)
        TRY(ting_file_apart(o->tables[i], o->output));
    if (o->lm != NULL)
        TRY(ting_file_apart(o->lm, o->output));
    TRY(ting_file_check_place(o->output));
out:
    return err;
}

/* ---- the model as it is ---- */

static void say(void *self, const char *sentence)
{
    const job *j = self;
    ting_log_write(j->log, TING_LOG_INFO, "%s", sentence);
}

static ting_err open_model(job *j)
{
    ting_err err = TING_OK;
    ting_model_options options;
    ting_model_options_defaults(&options, sizeof options);
    options.folder = j->options->folder;
    options.lm = j->options->lm;
    options.log = say;
    options.log_self = j;
    err = ting_model_open(j->options->model, &options, &j->model);
    if (err == TING_ERR_MODEL) /* no acoustic network: pinyin to hanzi alone can be adapted too */
        err = ting_model_open_writing(j->options->model, &options, &j->model);
    TRY(err);
    if (j->model->writing.path == NULL)
        FAIL(TING_ERR_UNSUPPORTED, "%s: %s: nothing here that a text could change", j->model->hearing.path,
             j->model->hearing.am.writes ? "it writes characters itself" : "there is no pinyin-to-hanzi network beside it");
    if (ting_hanzi_p2h_model(j->model->writing.p2h)->net == NULL)
        FAIL(TING_ERR_UNSUPPORTED, "%s: its pinyin-to-hanzi network is an encoder-decoder, which no language model weighs",
             j->model->writing.path);
    if (j->model->hearing.path != NULL)
        TRY(ting_file_apart(j->model->hearing.path, j->options->output));
    TRY(ting_file_apart(j->model->writing.path, j->options->output));
    if (j->model->weighing.path != NULL)
        TRY(ting_file_apart(j->model->weighing.path, j->options->output));
out:
    return err;
}

/* ---- the text ---- */

static void name_strange(const job *j)
{
    enum { NAMED = 20 };
    ting_str list = {0};
    for (size_t i = 0; i < j->found.strange_count && i < NAMED; i++) {
        char text[5] = "";
        ting_utf8_encode(j->found.strange[i], text);
        ting_str_add(&list, text);
    }
    if (j->found.strange_count > 0 && ting_str_ok(&list))
        ting_log_write(j->log, TING_LOG_WARNING, "%zu hanzi are not learnt, since the table of standard characters lacks them: %s%s",
                       j->found.strange_count, list.text, j->found.strange_count > NAMED ? " ..." : "");
    ting_str_free(&list);
}

/* Readings of the general standard characters, which are simplified: others in a text are slips, or traditional, and would only
 * compete with what is meant. */
static ting_err open_standard(ting_lexicon **out)
{
    ting_err err = TING_OK;
    char *folder = NULL, *path = NULL;
    ting_lexicon *lexicon = ting_lexicon_new();
    *out = NULL;
    TRY(ting_tool_lexicon_folder(&folder));
    path = ting_path_join(folder, "char-pinyin-8105.tsv");
    TRY(path != NULL && lexicon != NULL ? ting_lexicon_add(lexicon, path, TING_LEXICON_COMMON) : TING_ERR_MEMORY);
    *out = lexicon;
    lexicon = NULL;
out:
    ting_lexicon_free(lexicon);
    ting_free(folder);
    ting_free(path);
    return err;
}

static ting_err read_texts(job *j)
{
    ting_err err = TING_OK;
    const ting_adapt_options *o = j->options;
    ting_lexicon *lexicon = NULL;
    for (int i = 0; i < o->text_count; i++) {
        TRY(check_stop(j));
        TRY(ting_adapt_text_read(&j->text, o->texts[i]));
    }
    if (j->text.sentences == 0)
        FAIL(TING_ERR_FORMAT, "%s: there is nothing in it that is spoken", o->texts[0]);
    TRY(open_standard(&lexicon));
    for (int i = 0; i < o->table_count; i++)
        TRY(ting_adapt_take_table(o->tables[i], j->model->writing.p2h, &j->text, &j->found));
    TRY(ting_adapt_find_new(&j->text, j->model->writing.p2h, lexicon, &j->found));
    ting_log_write(j->log, TING_LOG_INFO, "%zu sentences, %zu characters; the share of the text is looked for on %zu sentences",
                   j->text.sentences, j->text.characters, j->text.held);
    name_strange(j);
    j->report->sentences = j->text.sentences;
    j->report->characters = j->text.characters;
    j->report->held = j->text.held;
    j->report->strange = j->found.strange_count;
out:
    ting_lexicon_free(lexicon);
    return err;
}

/* ---- n-grams ---- */

/* The words of the language model, where there is one, and the hanzi that it lacks. */
static ting_err find_words(job *j)
{
    ting_err err = TING_OK;
    ting_str block = {0};
    ting_vocabulary *known = NULL;
    const ting_texts *old = j->model->weighing.ngram != NULL ? ting_ngram_words(j->model->weighing.ngram) : NULL;
    size_t count = old != NULL ? old->count : TING_NGRAM_SPECIALS;
    if (old == NULL)
        ting_vocabulary_begin(&block);
    else
        TRY(ting_vocabulary_new(old, &known));
    for (size_t w = 0; old != NULL && w < old->count; w++)
        ting_str_add_bytes(&block, old->items[w], strlen(old->items[w]) + 1);
    for (size_t i = 0; i < j->found.character_count; i++) {
        char text[5] = "";
        const size_t bytes = (size_t)ting_utf8_encode(j->found.characters[i], text);
        if (known != NULL && ting_vocabulary_find(known, text, bytes) != TING_NGRAM_UNKNOWN)
            continue;
        ting_str_add_bytes(&block, text, bytes + 1);
        count++;
    }
    TRY(ting_str_ok(&block) ? ting_texts_make(block.text, block.length, count, &j->words) : TING_ERR_MEMORY);
    TRY(ting_vocabulary_new(&j->words, &j->vocabulary));
out:
    ting_vocabulary_free(known);
    ting_str_free(&block);
    return err;
}

static ting_err cut(job *j, ting_view sentence)
{
    ting_err err = TING_OK;
    if (j->asked++ % ASKED == 0)
        TRY(check_stop(j));
    TRY(ting_vocabulary_cut(j->vocabulary, sentence.text, sentence.length, &j->cut));
out:
    return err;
}

static ting_err count_sentence(void *self, ting_view sentence)
{
    job *j = self;
    const ting_err err = cut(j, sentence);
    return err == TING_OK ? ting_ngram_counter_add(j->counter, j->cut.ids, j->cut.count) : err;
}

static ting_err measure_sentence(void *self, ting_view sentence)
{
    job *j = self;
    const ting_err err = cut(j, sentence);
    return err == TING_OK ? ting_ngram_mix_tune(j->mix, j->cut.ids, j->cut.count) : err;
}

static ting_err estimate(job *j, ting_adapt_share share, ting_ngram_table *out)
{
    ting_err err = TING_OK;
    ting_ngram_discounts discounts[TING_NGRAM_MOST];
    ting_texts words = {0};
    TRY(ting_ngram_counter_new(&(ting_ngram_plan){.order = ORDER, .memory = MEMORY}, j->words.count, &j->counter));
    TRY(ting_adapt_text_each(&j->text, share, count_sentence, j));
    TRY(ting_ngram_counter_finish(j->counter));
    TRY(ting_texts_copy(&j->words, &words));
    TRY(ting_ngram_estimate(j->counter, &words, out, discounts));
out:
    ting_texts_free(&words);
    ting_ngram_counter_free(j->counter);
    j->counter = NULL;
    return err;
}

/* The language model as it was, then that of the text. */
static ting_err begin_mix(job *j, ting_adapt_share share)
{
    ting_err err = TING_OK;
    ting_ngram_table tables[2] = {{0}};
    TRY(ting_lm_file_read(j->model->weighing.path, &tables[0]));
    TRY(estimate(j, share, &tables[1]));
    TRY(check_stop(j));
    TRY(ting_ngram_mix_new(tables, 2, &j->mix));
out:
    for (int i = 0; i < 2; i++)
        ting_ngram_table_free(&tables[i]);
    return err;
}

static void end_mix(job *j)
{
    ting_ngram_mix_free(j->mix);
    j->mix = NULL;
}

static double perplexity(ting_ngram_tuned tuned)
{
    return tuned.words > 0 ? exp(-tuned.log_prob / (double)tuned.words) : -1;
}

/* The share of the text, on what is held out of it. */
static ting_err find_weight(job *j)
{
    ting_err err = TING_OK;
    ting_adapt_report *r = j->report;
    double weights[2];
    TRY(begin_mix(j, TING_ADAPT_KEPT));
    TRY(ting_adapt_text_each(&j->text, TING_ADAPT_HELD, measure_sentence, j));
    const ting_ngram_tuned tuned = ting_ngram_mix_weights(j->mix, weights);
    const bool enough = tuned.words >= LEAST_WORDS;
    r->found = enough ? weights[1] : -1;
    r->weight = j->options->weight >= 0 ? j->options->weight : enough ? fmin(weights[1], MOST) : UNKNOWN;
    if (enough) {
        r->before = perplexity(ting_ngram_mix_measure(j->mix, (const double[]){1, 0}));
        r->after = perplexity(ting_ngram_mix_measure(j->mix, (const double[]){1 - r->weight, r->weight}));
    } else if (j->options->weight < 0)
        ting_log_write(j->log, TING_LOG_WARNING, "too little text to find a weight on: %zu words are held out, expected %d; %g is taken",
                       tuned.words, (int)LEAST_WORDS, UNKNOWN);
out:
    end_mix(j);
    return err;
}

static ting_err make_ngrams(job *j)
{
    ting_err err = TING_OK;
    ting_adapt_report *r = j->report;
    if (j->model->weighing.path == NULL) {
        ting_log_write(j->log, TING_LOG_WARNING, "no language model is found beside the model: that of the text alone is taken");
        r->weight = 1;
        TRY(estimate(j, TING_ADAPT_ALL, &j->table));
    } else {
        TRY(find_weight(j));
        ting_log_write(j->log, TING_LOG_INFO,
                       "the text has a share of %.3g; now its n-grams are counted and mixed once more, with all of it", r->weight);
        TRY(check_stop(j));
        if (r->weight > 0 && r->weight < 1) {
            TRY(begin_mix(j, TING_ADAPT_ALL));
            TRY(ting_ngram_mix_make(j->mix, (const double[]){1 - r->weight, r->weight}, &j->table));
            end_mix(j);
        } else {
            TRY(r->weight == 1 ? estimate(j, TING_ADAPT_ALL, &j->table) : ting_lm_file_read(j->model->weighing.path, &j->table));
        }
    }
    TRY(check_stop(j));
    if (j->options->prune > 0) {
        if (r->weight == 0) /* it was read, and not mixed */
            ting_ngram_fit(&j->table);
        TRY(ting_ngram_prune(&j->table, j->options->prune));
    }
    r->order = j->table.order;
    r->words = j->table.words.count;
    for (int k = 0; k < j->table.order; k++)
        r->ngrams[k] = j->table.level[k].count;
out:
    end_mix(j);
    return err;
}

/* ---- pinyin to hanzi ---- */

static ting_err tune(job *j)
{
    ting_err err = TING_OK;
    ting_lexicon *lexicon = NULL;
    if (j->options->finetune == 0)
        goto out;
    TRY(ting_tables_lexicon(NULL, j->options->tables, j->options->table_count, false, &lexicon));
    TRY(ting_adapt_tune(j->options, j->model, &j->text, lexicon, j->log, j->report, &j->tuned));
out:
    ting_lexicon_free(lexicon);
    return err;
}

ting_err ting_adapt(const ting_adapt_options *options, ting_adapt_report *report)
{
    ting_err err = TING_OK;
    ting_remarks remarks = options->remarks;
    const ting_log log = ting_remarks_log(&remarks);
    job j = {.options = options, .log = &log, .report = report};
    *report = (ting_adapt_report){.found = -1, .before = -1, .after = -1, .errors_before = -1, .errors_after = -1};
    TRY(check_options(options));
    TRY(open_model(&j));
    TRY(read_texts(&j));
    TRY(find_words(&j));
    TRY(make_ngrams(&j));
    TRY(check_stop(&j));
    TRY(tune(&j));
    TRY(ting_adapt_file_write(options, j.model, j.tuned != NULL ? j.tuned : j.model->writing.path, &j.found, &j.table, report));
out:
    ting_free(j.tuned);
    ting_model_free(j.model);
    ting_adapt_text_free(&j.text);
    ting_adapt_new_free(&j.found);
    ting_vocabulary_free(j.vocabulary);
    ting_texts_free(&j.words);
    ting_cut_free(&j.cut);
    ting_ngram_table_free(&j.table);
    return err;
}
