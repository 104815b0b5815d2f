/* SPDX-License-Identifier: Apache-2.0 */
/* tool_rerank.c - see tool_rerank.h. Every line is scored once; looking for weights only adds up. */
#include "engine/tool_rerank.h"

#include "base/mem.h"
#include "base/number.h"
#include "engine/nbest_text.h"
#include "text/score.h"

#include <stdlib.h>
#include <string.h>

_Static_assert((int)TING_RERANK_SCORES == (int)TING_NBEST_SCORES, "one list has as many scores as the other");

typedef struct judged { /* a line */
    double log_prob, characters;
    long errors; /* against what was said; -1: not known */
} judged;

typedef struct job {
    const ting_rerank_options *options;
    ting_nbest nbest;
    judged *judged; /* [lines] */
} job;

static double total(const job *j, size_t line, const ting_rerank_weights *w)
{
    double sum = w->lm * j->judged[line].log_prob + w->bonus * j->judged[line].characters;
    for (int i = 0; i < j->nbest.scores; i++)
        sum += w->other[i] * j->nbest.lines[line].scores[i];
    return sum;
}

/* The best line of an utterance, of equal ones the first. */
static size_t best_line(const job *j, size_t utterance, const ting_rerank_weights *w)
{
    size_t best = j->nbest.starts[utterance];
    double most = total(j, best, w);
    for (size_t at = best + 1; at < j->nbest.starts[utterance + 1]; at++) {
        const double score = total(j, at, w);
        if (score > most) {
            most = score;
            best = at;
        }
    }
    return best;
}

enum { TOGETHER = 64 }; /* lines that a network reads in one batch */

static ting_err judge_some(job *j, ting_lm_reader *reader, size_t first, size_t count, ting_rerank_report *report)
{
    ting_err err = TING_OK;
    const char *texts[TOGETHER];
    size_t lengths[TOGETHER];
    ting_lm_score scores[TOGETHER];
    for (size_t i = 0; i < count; i++) {
        texts[i] = j->nbest.lines[first + i].text.text;
        lengths[i] = j->nbest.lines[first + i].text.length;
    }
    TRY(ting_lm_reader_score(reader, texts, lengths, count, scores));
    for (size_t i = 0; i < count; i++) {
        report->words += scores[i].words;
        report->unknown += scores[i].unknown;
        j->judged[first + i] = (judged){scores[i].log_prob, (double)scores[i].characters, -1};
    }
out:
    return err;
}

static ting_err judge(job *j, const ting_lm *lm, ting_rerank_report *report)
{
    ting_err err = TING_OK;
    const ting_rerank_options *o = j->options;
    const size_t all = j->nbest.count;
    ting_lm_reader *reader = NULL;
    TRY(ting_lm_reader_new(&(ting_lm_weighted){lm, 1}, 1, NULL, &reader));
    j->judged = ting_alloc(all, sizeof *j->judged);
    TRY(j->judged != NULL ? TING_OK : TING_ERR_MEMORY);
    for (size_t first = 0, count; first < all; first += count) {
        count = all - first < TOGETHER ? all - first : TOGETHER;
        if (o->stop != NULL && o->stop(o->self) != 0)
            FAIL(TING_ERR_CANCELLED, "%s: stopped after %zu of %zu lines", o->list.name, first, all);
        TRY(judge_some(j, reader, first, count, report));
        if (o->progress != NULL)
            o->progress(o->self, first + count, all);
    }
out:
    ting_lm_reader_free(reader);
    return err;
}

/* ---- weights ---- */

/* The errors of each line of the utterances of which is known what was said. */
static ting_err count_errors(job *j, ting_rerank_report *report)
{
    ting_err err = TING_OK;
    const ting_rerank_text *tune = j->options->tune;
    ting_transcript *said = NULL;
    ting_scorer *scorer = ting_scorer_new(NULL, &(ting_score_options){0});
    size_t known = 0;
    TRY(scorer != NULL ? ting_transcript_read(tune->name, tune->bytes, tune->size, NULL, &said) : TING_ERR_MEMORY);
    for (size_t u = 0; u < j->nbest.utterances; u++) {
        const size_t first = j->nbest.starts[u];
        const ting_view name = j->nbest.lines[first].utterance;
        const int found = ting_transcript_find(said, name);
        if (found < 0)
            continue;
        if (u > 0 && ting_transcript_find(said, j->nbest.lines[first - 1].utterance) == found)
            FAIL(TING_ERR_FORMAT, "%s: \"%.*s\" is a list for each of several sentences, of which %s does not say which says what: "
                 "weights are found on recordings of one sentence", j->options->list.name, (int)(name.length < 200 ? name.length : 200),
                 name.text, tune->name);
        known++;
        for (size_t at = first; at < j->nbest.starts[u + 1]; at++) {
            ting_scored scored;
            TRY(ting_scorer_add(scorer, ting_transcript_at(said, found)->text, (ting_view){"", 0}, j->nbest.lines[at].text, &scored));
            j->judged[at].errors = scored.counts.substitutions + scored.counts.deletions + scored.counts.insertions;
            report->units += at == first ? scored.counts.units : 0;
        }
    }
    if (known == 0)
        FAIL(TING_ERR_FORMAT, "%s: none of the utterances of %s is in it", tune->name, j->options->list.name);
    if (report->units == 0)
        FAIL(TING_ERR_FORMAT, "%s: the utterances of %s have no text in it: there is nothing to find weights on", tune->name,
             j->options->list.name);
out:
    ting_transcript_free(said);
    ting_scorer_free(scorer);
    return err;
}

static long errors_with(const job *j, const ting_rerank_weights *w)
{
    long sum = 0;
    for (size_t u = 0; u < j->nbest.utterances; u++)
        if (j->judged[j->nbest.starts[u]].errors >= 0)
            sum += j->judged[best_line(j, u, w)].errors;
    return sum;
}

static void count_ends(const job *j, ting_rerank_report *report)
{
    for (size_t u = 0; u < j->nbest.utterances; u++) {
        long least = j->judged[j->nbest.starts[u]].errors;
        if (least < 0)
            continue;
        report->first += least;
        for (size_t at = j->nbest.starts[u]; at < j->nbest.starts[u + 1]; at++)
            least = j->judged[at].errors < least ? j->judged[at].errors : least;
        report->least += least;
    }
}

/* Tries weights; takes them where there are fewer errors. */
static void consider(const job *j, const ting_rerank_weights *w, ting_rerank_weights *best, long *least)
{
    const long errors = errors_with(j, w);
    if (errors < *least) {
        *least = errors;
        *best = *w;
    }
}

/* On a grid, from small to large: the language model and the bonus together, since they depend on each other, then each of the other
 * scores but the first, whose weight is the measure of all; again until nothing is better. */
static long find_weights(const job *j, ting_rerank_weights *best)
{
    enum { LM_STEPS = 40 };
    static const double lm_step = 0.05, bonuses[] = {0, 0.5, -0.5, 1, -1, 1.5, -1.5, 2, -2, 2.5, 3, 3.5, 4, 5, 6},
                        others[] = {0, 0.1, 0.2, 0.3, 0.5, 0.7, 1, 1.4, 2, 3, 5};
    long least = errors_with(j, best), before;
    do {
        before = least;
        ting_rerank_weights w = *best;
        for (int l = 0; l <= LM_STEPS; l++)
            for (size_t b = 0; b < sizeof bonuses / sizeof bonuses[0]; b++) {
                w.lm = lm_step * l;
                w.bonus = bonuses[b];
                consider(j, &w, best, &least);
            }
        for (int i = 1; i < j->nbest.scores; i++) {
            w = *best;
            for (size_t k = 0; k < sizeof others / sizeof others[0]; k++) {
                w.other[i] = others[k];
                consider(j, &w, best, &least);
            }
        }
    } while (least < before);
    return least;
}

static ting_err tune(job *j, ting_rerank_report *report)
{
    ting_err err = TING_OK;
    TRY(count_errors(j, report));
    count_ends(j, report);
    report->before = errors_with(j, &report->weights);
    report->after = find_weights(j, &report->weights);
out:
    return err;
}

/* ---- what comes out ---- */

typedef struct ranked {
    size_t line;
    double score;
} ranked;

static int compare_ranked(const void *a, const void *b)
{
    const ranked *x = a, *y = b;
    if (x->score != y->score)
        return x->score > y->score ? -1 : 1;
    return (x->line > y->line) - (x->line < y->line);
}

static void write_line(const job *j, size_t line, double score, FILE *out)
{
    const ting_nbest_line *l = &j->nbest.lines[line];
    fwrite(l->utterance.text, 1, l->utterance.length, out);
    fputc('\t', out);
    fwrite(l->text.text, 1, l->text.length, out);
    ting_number_fprint(out, "\t%.4f\n", score);
}

static ting_err write_all(const job *j, const ting_rerank_weights *w, FILE *out)
{
    ranked *ranks = ting_alloc(j->nbest.count, sizeof *ranks);
    if (ranks == NULL)
        return TING_ERR_MEMORY;
    for (size_t u = 0; u < j->nbest.utterances; u++) {
        const size_t first = j->nbest.starts[u], count = j->nbest.starts[u + 1] - first;
        for (size_t i = 0; i < count; i++)
            ranks[i] = (ranked){first + i, total(j, first + i, w)};
        qsort(ranks, count, sizeof *ranks, compare_ranked);
        for (size_t i = 0; i < (j->options->all ? count : 1); i++)
            write_line(j, ranks[i].line, ranks[i].score, out);
    }
    ting_free(ranks);
    return TING_OK;
}

ting_err ting_tool_rerank(const ting_lm *lm, const ting_rerank_options *options, ting_rerank_report *report, FILE *out)
{
    ting_err err = TING_OK;
    job j = {.options = options};
    *report = (ting_rerank_report){.weights = options->weights};
    TRY(ting_nbest_parse(options->list.name, options->list.bytes, options->list.size, &j.nbest));
    if (options->given > 0 && j.nbest.count > 0 && options->given != j.nbest.scores)
        FAIL(TING_ERR_ARGUMENT, "%s: its lines have %d scores, for which %d weights are given: expected one for each", options->list.name,
             j.nbest.scores, options->given);
    report->utterances = j.nbest.utterances;
    report->lines = j.nbest.count;
    report->scores = j.nbest.scores;
    TRY(judge(&j, lm, report));
    if (options->tune != NULL)
        TRY(tune(&j, report));
    TRY(write_all(&j, &report->weights, out));
out:
    ting_free(j.judged);
    ting_nbest_free(&j.nbest);
    return err;
}
