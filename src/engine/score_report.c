/* SPDX-License-Identifier: Apache-2.0 */
/* score_report.c - see score_report.h. */
#include "engine/score_report.h"

#include "base/number.h"
#include "base/utf8.h"
#include "text/pinyin.h"

#include <math.h>
#include <utf8proc.h>

/* ---- alignments ---- */

/* Columns of a fixed-width terminal. */
static int width_of(const ting_str *text)
{
    int width = 0;
    for (size_t at = 0; at < text->length;) {
        uint32_t c;
        int bytes = ting_utf8_decode(text->text + at, text->length - at, &c);
        if (bytes <= 0)
            break;
        width += utf8proc_charwidth((utf8proc_int32_t)c);
        at += (size_t)bytes;
    }
    return width;
}

static char mark_of(ting_edit_kind kind, int ref_sound, int hyp_sound)
{
    static const char marks[TING_SCORE_KINDS + 1] = "HTIFSS";
    if (kind == TING_EDIT_SUBSTITUTE)
        return marks[ting_score_kind_of(ref_sound, hyp_sound)];
    return kind == TING_EDIT_MATCH ? '.' : kind == TING_EDIT_DELETE ? 'D' : '+';
}

static int sound_of(const ting_score_side *side, int index)
{
    return index < 0 ? TING_PINYIN_NONE : side->sounds[index];
}

static int unit_of(const ting_score_side *side, int index)
{
    return index < 0 ? -1 : side->units[index];
}

/* The three cells of one edit: reference, hypothesis, mark. */
static void fill_cells(ting_score_report *report, const ting_scored *scored, ting_edit edit)
{
    const ting_score_side *sides[2] = {&scored->ref, &scored->hyp};
    const int index[2] = {edit.ref, edit.hyp};
    for (int i = 0; i < 2; i++) {
        ting_str_clear(&report->cell[i]);
        ting_str_add(&report->cell[i], "");
        if (index[i] >= 0)
            ting_scorer_write_unit(report->scorer, unit_of(sides[i], index[i]), &report->cell[i]);
        else if (!report->json)
            ting_str_add(&report->cell[i], "*");
    }
    const char mark[2] = {mark_of(edit.kind, sound_of(&scored->ref, edit.ref), sound_of(&scored->hyp, edit.hyp)), '\0'};
    ting_str_clear(&report->cell[2]);
    ting_str_add(&report->cell[2], mark);
}

static void write_text_utterance(ting_score_report *report, ting_view id, bool missing, const ting_scored *scored)
{
    const ting_score_counts *c = &scored->counts;
    static const char *const names[3] = {"ref", "hyp", "   "};
    for (int row = 0; row < 3; row++) {
        ting_str_clear(&report->line[row]);
        ting_str_add(&report->line[row], names[row]);
    }
    for (int i = 0; i < scored->alignment->count; i++) {
        int widest = 0;
        fill_cells(report, scored, scored->alignment->edits[i]);
        for (int row = 0; row < 3; row++) {
            int width = width_of(&report->cell[row]);
            widest = width > widest ? width : widest;
        }
        for (int row = 0; row < 3; row++) {
            ting_str_addf(&report->line[row], " %s%*s", report->cell[row].text,
                          widest - width_of(&report->cell[row]), "");
        }
    }
    ting_number_fprint(report->out, "%.*s: %.2f %%, %ld units, %ld substitutions, %ld deletions, %ld insertions%s\n",
                       (int)id.length, id.text, 100 * ting_score_rate(c), c->units, c->substitutions, c->deletions,
                       c->insertions, missing ? " (no hypothesis)" : "");
    for (int row = 0; row < 3; row++) {
        ting_str *line = &report->line[row];
        while (line->length > 0 && line->text[line->length - 1] == ' ')
            line->text[--line->length] = '\0';
        fprintf(report->out, "%s\n", line->text);
    }
    fputc('\n', report->out);
}

static void add_counts(ting_str *out, const ting_score_counts *c, bool with_kinds)
{
    ting_str_addf(out,
                  "\"units\": %ld, \"correct\": %ld, \"substitutions\": %ld, \"deletions\": %ld, \"insertions\": %ld, "
                  "\"rate\": %.6f",
                  c->units, c->matches, c->substitutions, c->deletions, c->insertions, ting_score_rate(c));
    for (int k = 0; k < TING_SCORE_KINDS && with_kinds; k++)
        ting_str_addf(out, "%s\"%s\": %ld", k == 0 ? ", \"kinds\": {" : ", ", ting_score_kind_name((ting_score_kind)k),
                      c->kinds[k]);
    if (with_kinds)
        ting_str_add(out, "}");
}

static void write_json_utterance(ting_score_report *report, ting_view id, bool missing, const ting_scored *scored)
{
    ting_str *out = &report->line[0], *name = &report->line[1];
    ting_str_clear(out);
    ting_str_clear(name);
    ting_str_add_bytes(name, id.text, id.length);
    ting_str_add(out, report->written > 0 ? ",\n  {\"id\": " : "\n  {\"id\": ");
    ting_str_add_json(out, ting_str_ok(name) ? name->text : "");
    ting_str_addf(out, ", \"missing\": %s, ", missing ? "true" : "false");
    add_counts(out, &scored->counts, false);
    ting_str_add(out, ", \"edits\": [");
    for (int i = 0; i < scored->alignment->count; i++) {
        fill_cells(report, scored, scored->alignment->edits[i]);
        ting_str_add(out, i > 0 ? ", [" : "[");
        for (int row = 0; row < 3; row++) {
            ting_str_add(out, row > 0 ? ", " : "");
            ting_str_add_json(out, ting_str_ok(&report->cell[row]) ? report->cell[row].text : "");
        }
        ting_str_add(out, "]");
    }
    ting_str_add(out, "]}");
    if (ting_str_ok(out))
        fputs(out->text, report->out);
}

static bool all_ok(const ting_score_report *report)
{
    bool ok = true;
    for (int row = 0; row < 3; row++)
        ok = ok && !report->line[row].failed && !report->cell[row].failed;
    return ok;
}

ting_err ting_score_report_utterance(ting_score_report *report, ting_view id, bool missing, const ting_scored *scored)
{
    if (report->json)
        write_json_utterance(report, id, missing, scored);
    else
        write_text_utterance(report, id, missing, scored);
    report->written++;
    return all_ok(report) ? TING_OK : ting_fail(TING_ERR_MEMORY, "no memory for an alignment");
}

void ting_score_report_begin(ting_score_report *report)
{
    if (report->json)
        fputs("{\"details\": [", report->out);
}

/* ---- sums ---- */

static double percent(long part, long whole)
{
    return whole == 0 ? 0 : 100.0 * (double)part / (double)whole;
}

static void write_confusion(ting_score_report *report, const ting_confusion *c, ting_str *ref, ting_str *hyp)
{
    ting_str_clear(ref);
    ting_str_clear(hyp);
    ting_str_add(ref, "");
    ting_str_add(hyp, "");
    if (c->ref != -1)
        ting_scorer_write_unit(report->scorer, c->ref, ref);
    if (c->hyp != -1)
        ting_scorer_write_unit(report->scorer, c->hyp, hyp);
}

static void write_text_calibration(FILE *out, const ting_calibration *c)
{
    ting_number_fprint(out, "confidence\n  %-17s %.4f\n  %-17s %.3f\n  %-17s %s  %s  %s\n", "calibration error", ting_calibration_error(c),
                       "norm. cross entropy", ting_calibration_nce(c), "from", "mean", "right", "characters");
    for (int i = 0; i < TING_CALIBRATION_BINS; i++)
        if (c->bins[i].count > 0)
            ting_number_fprint(out, "  %-17.1f %.3f %.3f %ld\n", (double)i / TING_CALIBRATION_BINS,
                               c->bins[i].confidence / (double)c->bins[i].count,
                               (double)c->bins[i].right / (double)c->bins[i].count, c->bins[i].count);
}

static void add_json_calibration(ting_str *out, const ting_calibration *c)
{
    const double nce = ting_calibration_nce(c);
    ting_str_addf(out, ",\n \"calibration\": {\"error\": %.6f, \"nce\": ", ting_calibration_error(c));
    ting_str_addf(out, isnan(nce) ? "null" : "%.6f", nce);
    ting_str_add(out, ", \"bins\": [");
    for (int i = 0; i < TING_CALIBRATION_BINS; i++)
        ting_str_addf(out, "%s{\"count\": %ld, \"right\": %ld, \"confidence\": %.6f}", i > 0 ? ", " : "", c->bins[i].count,
                      c->bins[i].right, c->bins[i].count > 0 ? c->bins[i].confidence / (double)c->bins[i].count : 0.0);
    ting_str_add(out, "]}");
}

static void write_text_sums(ting_score_report *report, const ting_tool_score_result *result, bool with_kinds,
                            const ting_confusion *confusions, int count)
{
    FILE *out = report->out;
    const ting_score_counts *c = ting_scorer_totals(report->scorer), *t = ting_scorer_toneless(report->scorer);
    bool syllables = t->utterances > 0;
    ting_number_fprint(out, "%-19s %.2f %%\n", syllables ? "syllable error rate" : "character error rate",
                       100 * ting_score_rate(c));
    if (syllables)
        ting_number_fprint(out, "%-19s %.2f %%  (%ld substitutions, %ld deletions, %ld insertions)\n",
                           "  without tone", 100 * ting_score_rate(t), t->substitutions, t->deletions, t->insertions);
    fprintf(out, "%-19s %ld\n", syllables ? "syllables" : "characters", c->units);
    fprintf(out, "%-19s %ld\n", "correct", c->matches);
    fprintf(out, "%-19s %ld\n", "substitutions", c->substitutions);
    for (int k = 0; k < TING_SCORE_KINDS && with_kinds; k++)
        if (!(syllables && k == TING_SCORE_HOMOPHONE)) /* equal syllables are no error */
            ting_number_fprint(out, "  %-17s %ld  (%.1f %%)\n", ting_score_kind_name((ting_score_kind)k), c->kinds[k],
                               percent(c->kinds[k], c->substitutions));
    fprintf(out, "%-19s %ld\n", "deletions", c->deletions);
    fprintf(out, "%-19s %ld\n", "insertions", c->insertions);
    fprintf(out, "%-19s %ld\n", "utterances", c->utterances);
    ting_number_fprint(out, "%-19s %ld  (%.1f %%)\n", "  with errors", c->wrong_utterances,
                       percent(c->wrong_utterances, c->utterances));
    const struct {
        const char *name;
        long count;
    } odd[] = {{"  missing", result->missing}, {"  extra", result->extra}, {"  there twice", result->duplicates}};
    for (int i = 0; i < 3; i++)
        if (odd[i].count > 0)
            fprintf(out, "%-19s %ld\n", odd[i].name, odd[i].count);
    if (report->calibration != NULL)
        write_text_calibration(out, report->calibration);
    for (int i = 0; i < count; i++) {
        write_confusion(report, &confusions[i], &report->cell[0], &report->cell[1]);
        fprintf(out, "%6ld  %s -> %s\n", confusions[i].count, confusions[i].ref == -1 ? "*" : report->cell[0].text,
                confusions[i].hyp == -1 ? "*" : report->cell[1].text);
    }
}

static void write_json_sums(ting_score_report *report, const ting_tool_score_result *result, bool with_kinds,
                            const ting_confusion *confusions, int count)
{
    const ting_score_counts *c = ting_scorer_totals(report->scorer), *t = ting_scorer_toneless(report->scorer);
    ting_str *out = &report->line[0];
    ting_str_clear(out);
    ting_str_addf(out, "],\n \"unit\": \"%s\", \"utterances\": %ld, \"wrong_utterances\": %ld, \"missing\": %ld, "
                       "\"extra\": %ld, \"duplicates\": %ld,\n ",
                  result->unit, c->utterances, c->wrong_utterances, result->missing, result->extra, result->duplicates);
    add_counts(out, c, with_kinds);
    if (t->utterances > 0) {
        ting_str_add(out, ",\n \"toneless\": {");
        add_counts(out, t, false);
        ting_str_add(out, "}");
    }
    if (report->calibration != NULL)
        add_json_calibration(out, report->calibration);
    ting_str_add(out, ",\n \"confusions\": [");
    for (int i = 0; i < count; i++) {
        write_confusion(report, &confusions[i], &report->cell[0], &report->cell[1]);
        ting_str_add(out, i > 0 ? ", [" : "[");
        ting_str_add_json(out, report->cell[0].text);
        ting_str_add(out, ", ");
        ting_str_add_json(out, report->cell[1].text);
        ting_str_addf(out, ", %ld]", confusions[i].count);
    }
    ting_str_add(out, "]}\n");
    if (ting_str_ok(out))
        fputs(out->text, report->out);
}

ting_err ting_score_report_end(ting_score_report *report, const ting_tool_score_result *result, bool with_kinds,
                               int wanted)
{
    ting_err err = TING_OK;
    const ting_confusion *confusions = NULL;
    int count = 0;
    if (wanted > 0)
        TRY(ting_scorer_confusions(report->scorer, &confusions, &count));
    if (report->json)
        write_json_sums(report, result, with_kinds, confusions, count < wanted ? count : wanted);
    else
        write_text_sums(report, result, with_kinds, confusions, count < wanted ? count : wanted);
    if (!all_ok(report))
        FAIL(TING_ERR_MEMORY, "no memory for the report");
out:
    return err;
}

void ting_score_report_free(ting_score_report *report)
{
    for (int row = 0; row < 3; row++) {
        ting_str_free(&report->line[row]);
        ting_str_free(&report->cell[row]);
    }
}
