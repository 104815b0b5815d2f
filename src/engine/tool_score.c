/* SPDX-License-Identifier: Apache-2.0 */
/* tool_score.c - see tool_score.h. Steps: read both files, pair utterances, score each, write the report. */
#include "engine/tool_score.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/number.h"
#include "base/str.h"
#include "engine/score_report.h"
#include "engine/tables.h"
#include "text/score.h"

#include <stdarg.h>
#include <string.h>

typedef struct input { /* one of the two files */
    const char *name;
    ting_file file;
    ting_str text; /* of standard input */
    ting_transcript *transcript;
} input;

typedef struct job {
    const ting_tool_score_options *options;
    void (*say)(void *self, const char *sentence);
    void *self;
    input ref, hyp;
    int *hyp_of;  /* [references] its hypothesis, -1: none */
    long remarks; /* made so far */
    ting_lexicon *lexicon;
    ting_score_options scoring;
    ting_scorer *scorer;
    ting_score_report report;
    ting_tool_score_result *result;
    ting_calibration calibration;
    double *confidences; /* [room] of one hypothesis */
    size_t room;
} job;

/* Remarks on single utterances: the first few, then only their number. */
enum { SHOWN_REMARKS = 10 };

static void say(job *j, const char *format, ...) TING_PRINTF(2, 3);
static void say(job *j, const char *format, ...)
{
    char text[1024];
    va_list args;
    if (j->say == NULL || j->remarks++ >= SHOWN_REMARKS)
        return;
    va_start(args, format);
    ting_number_vprint(text, sizeof text, format, args);
    va_end(args);
    j->say(j->self, text);
}

static void say_how_many_more(job *j)
{
    long more = j->remarks - SHOWN_REMARKS;
    j->remarks = 0;
    if (more > 0)
        say(j, "and %ld more such utterances", more);
    j->remarks = 0;
}

/* A view in a sentence, at most so many bytes of it. */
#define SHOWN(view) (int)((view).length > 200 ? 200 : (view).length), (view).text

/* ---- reading ---- */

static ting_err read_standard_input(ting_str *out)
{
    char block[1 << 16];
    size_t n;
    while ((n = fread(block, 1, sizeof block, stdin)) > 0)
        ting_str_add_bytes(out, block, n);
    if (ferror(stdin))
        return ting_fail(TING_ERR_IO, "standard input cannot be read");
    return ting_str_ok(out) || out->length == 0 ? TING_OK : TING_ERR_MEMORY;
}

static ting_err read_input(input *in, const char *path, const char *column)
{
    ting_err err = TING_OK;
    if (strcmp(path, "-") == 0) {
        in->name = "standard input";
        TRY(read_standard_input(&in->text));
        TRY(ting_transcript_read(in->name, in->text.text, in->text.length, column, &in->transcript));
    } else {
        in->name = path;
        TRY(ting_file_map(path, &in->file));
        TRY(ting_transcript_read(path, (const char *)in->file.data, in->file.size, column, &in->transcript));
    }
    if (ting_transcript_count(in->transcript) == 0)
        FAIL(TING_ERR_FORMAT, "%s: no utterance: nothing stands below the line that names the columns", in->name);
out:
    return err;
}

static void close_input(input *in)
{
    ting_transcript_free(in->transcript);
    ting_file_unmap(&in->file);
    ting_str_free(&in->text);
}

/* ---- pairing ---- */

static ting_err pair(job *j)
{
    ting_err err = TING_OK;
    int references = ting_transcript_count(j->ref.transcript), found = 0;
    j->hyp_of = ting_alloc((size_t)references, sizeof *j->hyp_of);
    if (j->hyp_of == NULL)
        return TING_ERR_MEMORY;
    for (int i = 0; i < references; i++)
        j->hyp_of[i] = -1;
    for (int k = 0; k < ting_transcript_count(j->hyp.transcript); k++) {
        const ting_utterance *u = ting_transcript_at(j->hyp.transcript, k);
        int i = ting_transcript_find(j->ref.transcript, u->id);
        if (i < 0 && u->path.length > 0)
            i = ting_transcript_find(j->ref.transcript, u->path);
        if (i < 0) {
            j->result->extra++;
            say(j, "%s:%ld: \"%.*s\" %s", j->hyp.name, u->line, SHOWN(u->id),
                i == TING_MATCH_AMBIGUOUS ? "fits several references by its file name" : "has no reference");
        } else if (j->hyp_of[i] >= 0) {
            j->result->duplicates++;
            say(j, "%s:%ld: \"%.*s\" is there twice; the first counts", j->hyp.name, u->line, SHOWN(u->id));
        } else {
            j->hyp_of[i] = k;
            found++;
        }
    }
    say_how_many_more(j);
    if (found == 0) {
        ting_view ref = ting_transcript_at(j->ref.transcript, 0)->id, hyp = ting_transcript_at(j->hyp.transcript, 0)->id;
        FAIL(TING_ERR_FORMAT, "no utterance in common: %s has ids such as \"%.*s\", %s such as \"%.*s\"", j->ref.name,
             SHOWN(ref), j->hyp.name, SHOWN(hyp));
    }
out:
    return err;
}

/* ---- scoring ---- */

static ting_err open_scorer(job *j)
{
    ting_err err = TING_OK;
    const ting_tool_score_options *o = j->options;
    bool ref_pinyin = ting_transcript_is_pinyin(j->ref.transcript);
    bool hyp_pinyin = ting_transcript_is_pinyin(j->hyp.transcript);
    ting_score_options options = {.units = {.letters = o->letters, .punctuation = o->punctuation}};
    options.syllables = o->unit == TING_TOOL_UNIT_SYLLABLE || (o->unit == TING_TOOL_UNIT_AUTO && (ref_pinyin || hyp_pinyin));
    options.ref_pinyin = ref_pinyin;
    options.hyp_pinyin = hyp_pinyin;
    ting_err found = ting_tables_lexicon(o->lexicon, NULL, 0, false, &j->lexicon);
    bool needed = options.syllables && (!ref_pinyin || !hyp_pinyin);
    if (found != TING_OK && (found != TING_ERR_NOT_FOUND || o->lexicon != NULL || needed))
        return found;
    if (found != TING_OK && !options.syllables)
        say(j, "%s: substitutions are not split by sound", ting_error_message());
    j->scoring = options;
    j->scorer = ting_scorer_new(j->lexicon, &options);
    if (j->scorer == NULL)
        FAIL(TING_ERR_MEMORY, "no memory for scoring");
    j->result->unit = options.syllables ? "syllable" : "character";
out:
    return err;
}

static const ting_view nothing = {"", 0};

/* Whether any reference has a unit at all: a rate needs something to divide by. Said before the report begins; it usually
 * takes one utterance to know. */
static ting_err check_units(job *j)
{
    ting_err err = TING_OK;
    ting_scorer *probe = ting_scorer_new(j->lexicon, &j->scoring);
    if (probe == NULL)
        FAIL(TING_ERR_MEMORY, "no memory for scoring");
    for (int i = 0; i < ting_transcript_count(j->ref.transcript); i++) {
        const ting_utterance *ref = ting_transcript_at(j->ref.transcript, i);
        if (j->hyp_of[i] < 0 && j->options->present_only)
            continue;
        TRY_IN(ting_scorer_add(probe, ref->text, ref->pinyin, nothing, NULL), "%s:%ld", j->ref.name, ref->line);
        if (ting_scorer_totals(probe)->units > 0)
            goto out;
    }
    FAIL(TING_ERR_FORMAT, "%s: no %s in any text that counts: there is no error rate against nothing", j->ref.name,
         j->result->unit);
out:
    ting_scorer_free(probe);
    return err;
}

/* The numbers of a column, to j->confidences; *count -1: something there is none. */
static ting_err read_confidences(job *j, ting_view text, int *count)
{
    ting_err err = TING_OK;
    *count = 0;
    for (text = ting_view_trim(text); text.length > 0; text = ting_view_trim(text)) {
        char word[32], *end;
        size_t length = 0;
        while (length < text.length && !ting_is_space(text.text[length]))
            length++;
        const size_t kept = length < sizeof word ? length : 0;
        memcpy(word, text.text, kept);
        word[kept] = '\0';
        const double value = ting_number_read(word, &end);
        if (kept == 0 || *end != '\0' || !(value >= 0 && value <= 1)) {
            *count = -1;
            return TING_OK;
        }
        TRY(ting_reserve(&j->confidences, (size_t)*count, 1, &j->room, sizeof *j->confidences));
        j->confidences[(*count)++] = value;
        text = (ting_view){text.text + length, text.length - length};
    }
out:
    return err;
}

static ting_err judge_confidences(job *j, const ting_utterance *hyp, const ting_scored *scored)
{
    ting_err err = TING_OK;
    int count;
    TRY(read_confidences(j, hyp->confidences, &count));
    if (count != scored->hyp.count) {
        say(j, count < 0 ? "%s:%ld: \"%.*s\": its confidences are not all numbers from 0 to 1"
                         : "%s:%ld: \"%.*s\": %d confidences for %d %ss",
            j->hyp.name, hyp->line, SHOWN(hyp->id), count, scored->hyp.count, j->result->unit);
        return TING_OK;
    }
    for (int i = 0; i < scored->alignment->count; i++) {
        const ting_edit edit = scored->alignment->edits[i];
        if (edit.hyp >= 0)
            ting_calibration_add(&j->calibration, j->confidences[edit.hyp], edit.kind == TING_EDIT_MATCH);
    }
out:
    return err;
}

static ting_err score_all(job *j)
{
    ting_err err = TING_OK;
    for (int i = 0; i < ting_transcript_count(j->ref.transcript); i++) {
        const ting_utterance *ref = ting_transcript_at(j->ref.transcript, i);
        const ting_utterance *hyp = j->hyp_of[i] < 0 ? NULL : ting_transcript_at(j->hyp.transcript, j->hyp_of[i]);
        if (ting_transcript_find(j->ref.transcript, ref->id) != i) { /* an earlier one has this id */
            j->result->duplicates++;
            say(j, "%s:%ld: \"%.*s\" is there twice; the first counts", j->ref.name, ref->line, SHOWN(ref->id));
            continue;
        }
        if (hyp == NULL) {
            j->result->missing++;
            if (j->options->present_only)
                continue;
            say(j, "%s:%ld: \"%.*s\" has no hypothesis; it counts as deleted", j->ref.name, ref->line, SHOWN(ref->id));
        }
        ting_scored scored;
        TRY_IN(ting_scorer_add(j->scorer, ref->text, ref->pinyin, hyp == NULL ? nothing : hyp->text, &scored), "%s:%ld",
               j->ref.name, ref->line);
        if (j->options->align)
            TRY(ting_score_report_utterance(&j->report, ref->id, hyp == NULL, &scored));
        if (j->options->calibration && hyp != NULL)
            TRY(judge_confidences(j, hyp, &scored));
    }
    say_how_many_more(j);
out:
    return err;
}

ting_err ting_tool_score(const ting_tool_score_options *options, const char *ref, const char *hyp,
                         void (*say_to)(void *self, const char *sentence), void *self, FILE *out,
                         ting_tool_score_result *result)
{
    ting_err err = TING_OK;
    job j = {.options = options, .say = say_to, .self = self, .result = result};
    *result = (ting_tool_score_result){.unit = "character"};
    if (strcmp(ref, "-") == 0 && strcmp(hyp, "-") == 0)
        FAIL(TING_ERR_ARGUMENT, "reference and hypothesis cannot both be standard input");
    TRY(read_input(&j.ref, ref, options->ref_column));
    TRY(read_input(&j.hyp, hyp, options->hyp_column));
    TRY(pair(&j));
    TRY(open_scorer(&j));
    TRY(check_units(&j));
    j.report = (ting_score_report){.out = out, .json = options->json, .scorer = j.scorer};
    ting_score_report_begin(&j.report);
    TRY(score_all(&j));
    j.report.calibration = j.calibration.count > 0 ? &j.calibration : NULL;
    const ting_score_counts *totals = ting_scorer_totals(j.scorer);
    result->rate = ting_score_rate(totals);
    result->utterances = totals->utterances;
    TRY(ting_score_report_end(&j.report, result, j.lexicon != NULL, options->confusions));
    if (ferror(out))
        FAIL(TING_ERR_IO, "the report could not be written");
    if (options->calibration && j.calibration.count == 0)
        FAIL(TING_ERR_FORMAT, "%s: no confidence in it can be judged: expected one from 0 to 1 for each %s in its third column, or in that "
             "named confidence, as of tingxie transcribe --confidence", j.hyp.name, result->unit);
out:
    ting_score_report_free(&j.report);
    ting_scorer_free(j.scorer);
    ting_lexicon_free(j.lexicon);
    ting_free(j.hyp_of);
    ting_free(j.confidences);
    close_input(&j.ref);
    close_input(&j.hyp);
    return err;
}
