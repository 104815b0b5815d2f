/* SPDX-License-Identifier: Apache-2.0 */
/*
 * write_json.c - everything a result holds, as one JSON object:
 *
 *     {"name": .., "duration": .., "text": .., "sentences": [
 *       {"start", "end", "confidence", "text", "pinyin",
 *        "chars": [{"text", "start", "end", "confidence", "pinyin", "alternatives": [..],
 *          "pronunciation": {"expected", "heard", "syllable": {"score", "log_ratio"}, "initial", "final", "tone"}}],    if scored
 *        "tokens": [{"text", "id", "start", "log_prob"}],
 *        "nbest": [{"text", "pinyin", "score"}]}]}
 *
 * Times in seconds to the millisecond. Written by hand rather than through a tree, so that a ten-hour
 * recording needs no second copy and each character stands on one line.
 */
#include "engine/write.h"

#include <math.h>

/* JSON has no infinities: a score of minus infinity is null. */
static void add_number(ting_str *out, const char *key, double value, int digits)
{
    if (isfinite(value))
        ting_str_addf(out, "\"%s\": %.*f", key, digits, value);
    else
        ting_str_addf(out, "\"%s\": null", key);
}

static void add_text(ting_str *out, const char *key, const char *text)
{
    ting_str_addf(out, "\"%s\": ", key);
    ting_str_add_json(out, text);
}

static void add_grade(ting_str *out, const char *key, const ting_grade *grade)
{
    ting_str_addf(out, ", \"%s\": {\"score\": %.1f, \"log_ratio\": %.3f}", key, grade->score, grade->log_ratio);
}

static void add_pronunciation(ting_str *out, const ting_pronunciation *p)
{
    ting_str_add(out, ",\n        \"pronunciation\": {");
    add_text(out, "expected", p->expected);
    ting_str_add(out, ", ");
    add_text(out, "heard", p->heard);
    add_grade(out, "syllable", &p->syllable);
    add_grade(out, "initial", &p->initial);
    add_grade(out, "final", &p->final);
    add_grade(out, "tone", &p->tone);
    ting_str_add(out, "}");
}

static void add_chars(ting_str *out, const ting_sentence *sentence)
{
    ting_str_add(out, "     \"chars\": [");
    for (int i = 0; i < sentence->char_count; i++) {
        const ting_char *c = ting_sentence_char(sentence, i);
        ting_str_add(out, i == 0 ? "\n       {" : ",\n       {");
        add_text(out, "text", c->text);
        ting_str_addf(out, ", \"start\": %.3f, \"end\": %.3f, ", c->start, c->end);
        add_number(out, "confidence", (double)c->confidence, 4);
        ting_str_add(out, ", ");
        add_text(out, "pinyin", c->pinyin);
        ting_str_add(out, ", \"alternatives\": [");
        for (int k = 0; k < c->alternative_count; k++) {
            ting_str_add(out, k == 0 ? "" : ", ");
            ting_str_add_json(out, c->alternatives[k]);
        }
        ting_str_add(out, "]");
        if (c->pronunciation != NULL)
            add_pronunciation(out, c->pronunciation);
        ting_str_add(out, "}");
    }
    ting_str_add(out, "],\n");
}

static void add_tokens(ting_str *out, const ting_sentence *sentence)
{
    ting_str_add(out, "     \"tokens\": [");
    for (int i = 0; i < sentence->token_count; i++) {
        const ting_token *token = ting_sentence_token(sentence, i);
        ting_str_add(out, i == 0 ? "\n       {" : ",\n       {");
        add_text(out, "text", token->text);
        ting_str_addf(out, ", \"id\": %d, \"start\": %.3f, ", token->id, token->start);
        add_number(out, "log_prob", (double)token->log_prob, 4);
        ting_str_add(out, "}");
    }
    ting_str_add(out, "],\n");
}

static void add_hypotheses(ting_str *out, const ting_sentence *sentence)
{
    ting_str_add(out, "     \"nbest\": [");
    for (int i = 0; i < sentence->hypothesis_count; i++) {
        const ting_hypothesis *hypothesis = ting_sentence_hypothesis(sentence, i);
        ting_str_add(out, i == 0 ? "\n       {" : ",\n       {");
        add_text(out, "text", hypothesis->text);
        ting_str_add(out, ", ");
        add_text(out, "pinyin", hypothesis->pinyin);
        ting_str_add(out, ", ");
        add_number(out, "score", hypothesis->score, 4);
        ting_str_add(out, "}");
    }
    ting_str_add(out, "]}");
}

void ting_write_json(ting_str *out, const ting_result *result, const char *name)
{
    ting_str_add(out, "{");
    add_text(out, "name", name);
    ting_str_addf(out, ", \"duration\": %.3f,\n ", ting_result_duration(result));
    add_text(out, "text", ting_result_text(result));
    ting_str_add(out, ",\n \"sentences\": [");
    for (int i = 0; i < ting_result_sentence_count(result); i++) {
        const ting_sentence *sentence = ting_result_sentence(result, i);
        ting_str_addf(out, "%s\n    {\"start\": %.3f, \"end\": %.3f, ", i == 0 ? "" : ",", sentence->start,
                      sentence->end);
        add_number(out, "confidence", (double)sentence->confidence, 4);
        ting_str_add(out, ",\n     ");
        add_text(out, "text", sentence->text);
        ting_str_add(out, ",\n     ");
        add_text(out, "pinyin", sentence->pinyin);
        ting_str_add(out, ",\n");
        add_chars(out, sentence);
        add_tokens(out, sentence);
        add_hypotheses(out, sentence);
    }
    ting_str_add(out, "]}\n");
}
