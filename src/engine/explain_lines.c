/* SPDX-License-Identifier: Apache-2.0 */
/* explain_lines.c - from syllables to characters: the syllables that competed, the decisions with their terms, the other lines. */
#include "engine/explain.h"

#include "engine/hotword_text.h"

#include <math.h>
#include <string.h>

enum { SHOWN = 6 };                /* syllables of a place */
static const double full_bar = 10; /* of a difference, in units of the score: the longest bar */
static const double close_call = 2;

/* ---- the confusion network ---- */

static const char *name_of(const ting_p2h_tables *tables, int symbol)
{
    return symbol == TING_CONFUSION_NOTHING ? "nothing" : symbol < TING_P2H_FIRST ? "?" : tables->syllable[symbol];
}

/* Indices of the choices, the likeliest first; at most SHOWN. */
static int order(const ting_confusion_place *p, int out[SHOWN])
{
    int count = 0;
    for (int i = 0; i < p->count; i++) {
        if (count == SHOWN && p->choices[out[SHOWN - 1]].log_prob >= p->choices[i].log_prob)
            continue;
        int at = count < SHOWN ? count++ : SHOWN - 1;
        for (; at > 0 && p->choices[out[at - 1]].log_prob < p->choices[i].log_prob; at--)
            out[at] = out[at - 1];
        out[at] = i;
    }
    return count;
}

static void draw_network(const ting_explained_sentence *s, const ting_decisions *d, ting_str *out)
{
    const ting_p2h_tables *tables = &ting_hanzi_p2h_model(s->use->p2h)->tables;
    const ting_confusion *network = &s->seen.page.network;
    ting_str_add(out, "<h3>Syllables that competed</h3><div class='scroll net'>");
    for (int k = 0; k < d->count; k++) {
        const int p = d->items[k].place;
        int list[SHOWN];
        const int count = order(&network->places[p], list);
        ting_str_add(out, "<div><b>");
        ting_str_add_xml(out, d->items[k].chosen.text[0] != '\0' ? d->items[k].chosen.text : d->items[k].hotword > 0 ? "·" : "–");
        ting_str_add(out, "</b>");
        for (int i = 0; i < count; i++) {
            const ting_confusion_choice *c = &network->places[p].choices[list[i]];
            const char *name = name_of(tables, c->symbol);
            const bool on = c->symbol == TING_CONFUSION_NOTHING ? d->items[k].chosen.text[0] == '\0'
                                                                : strcmp(name, d->items[k].chosen.pinyin) == 0;
            ting_str_addf(out, "<span%s><i style='width:%.0f%%'></i>", on ? " class='on'" : "", 100 * exp(c->log_prob));
            ting_str_add_xml(out, name);
            ting_str_addf(out, " <u>%.*f</u></span>", exp(c->log_prob) < 0.0995 ? 3 : 2, exp(c->log_prob));
        }
        if (network->places[p].count > count)
            ting_str_addf(out, "<em>+%d</em>", network->places[p].count - count);
        ting_str_add(out, "</div>");
    }
    ting_str_add(
        out,
        "</div><p class='cap'>A column for each place: the syllables of all hypotheses of the search, with their probability given the "
        "sound, and what was nearly heard instead (beside them: a column may add up to more than 1). Framed: the one whose character "
        "was written. &ldquo;nothing&rdquo;: hypotheses that have no syllable there.</p>\n");
}

/* ---- decisions ---- */

typedef struct term { /* a column */
    const char *name, *what;
    size_t offset;
} term;

static const term terms[] = {
    {"sound", "the sound", offsetof(ting_choice, sound)},
    {"pinyin to hanzi", "the pinyin-to-hanzi network", offsetof(ting_choice, network)},
    {"language model", "the language model", offsetof(ting_choice, language)},
    {"length", "length", offsetof(ting_choice, length)},
    {"ranking", "the language model that ranks lines", offsetof(ting_choice, ranking)},
};
enum { TERMS = sizeof terms / sizeof *terms, SOUND = 0, LANGUAGE = 2, RANKING = 4 /* of lines, not of characters */ };

static double value_of(const ting_choice *c, const term *t)
{
    double value;
    memcpy(&value, (const char *)c + t->offset, sizeof value);
    return value;
}

static bool is_used(const ting_decisions *d, int t)
{
    const bool used[TERMS] = {d->competed, true, d->weighed, d->competed, d->ranked};
    return used[t];
}

/* plus: what stands before numbers above 0. */
static void add_value(ting_str *out, double value, const char *plus)
{
    if (fabs(value) < 0.005)
        ting_str_add(out, "0");
    else
        ting_str_addf(out, "%s%.2f", value < 0 ? "&minus;" : plus, fabs(value));
}

/* What spoke most against the best rival. */
static const char *decided_by(const ting_decision *d)
{
    int most = 0;
    for (int t = 1; t < TERMS; t++)
        if (value_of(&d->rivals[0], &terms[t]) < value_of(&d->rivals[0], &terms[most]))
            most = t;
    return terms[most].what;
}

/* A hotword may be written otherwise than by a character for each syllable; then none of them has one of its own. */
static const char *shown_as(const ting_choice *c, int hotword)
{
    return c->text[0] != '\0' ? c->text : hotword > 0 ? "·" : "nothing";
}

static void add_choice_names(const ting_choice *c, int hotword, ting_str *out)
{
    ting_str_add(out, "<th>");
    ting_str_add_xml(out, shown_as(c, hotword));
    ting_str_add(out, "</th><td class='py'>");
    ting_str_add_xml(out, c->pinyin);
    ting_str_add(out, "</td>");
}

static void draw_own(double value, ting_str *out)
{
    ting_str_add(out, "<td>");
    add_value(out, value, "");
    ting_str_add(out, "</td>");
}

/* A difference: the number, and to its left a bar from a middle to either side. */
static void draw_cell(double value, ting_str *out)
{
    enum { MIDDLE = 28 }; /* percent of the cell */
    const double length = fmin(fabs(value) / full_bar, 1) * MIDDLE;
    ting_str_addf(out, "<td><i class='%s' style='width:%.1f%%;%s:%d%%'></i><span>", value < 0 ? "ag" : "fo", length,
                  value < 0 ? "right" : "left", value < 0 ? 100 - MIDDLE : MIDDLE);
    add_value(out, value, "+");
    ting_str_add(out, "</span></td>");
}

static void draw_table(const ting_decisions *all, const ting_decision *d, ting_str *out)
{
    ting_str_add(out, "<table><tr><td></td><td></td>");
    for (int t = 0; t < TERMS; t++)
        if (is_used(all, t))
            ting_str_addf(out, "<td>%s</td>", terms[t].name);
    ting_str_addf(out, "%s<td>all</td></tr><tr class='on'>", d->lift > 0 ? "<td>hotword</td>" : "");
    add_choice_names(&d->chosen, d->hotword, out);
    for (int t = 0; t < TERMS; t++)
        if (is_used(all, t))
            t == RANKING ? ting_str_add(out, "<td></td>") : draw_own(value_of(&d->chosen, &terms[t]), out);
    if (d->lift > 0)
        draw_own(d->lift, out);
    draw_own(d->chosen.total, out);
    ting_str_add(out, "</tr>");
    for (int r = 0; r < d->rival_count; r++) {
        ting_str_add(out, "<tr>");
        add_choice_names(&d->rivals[r], 0, out);
        for (int t = 0; t < TERMS; t++)
            if (is_used(all, t))
                draw_cell(value_of(&d->rivals[r], &terms[t]), out);
        draw_cell(d->rivals[r].total, out);
        ting_str_add(out, "</tr>");
    }
    ting_str_add(out, "</table>");
}

/* How far the best rival is behind. */
static double lead_of(const ting_decision *d)
{
    return d->rival_count > 0 ? -d->rivals[0].total : INFINITY;
}

static int closest(const ting_decisions *d)
{
    int least = 0;
    for (int p = 1; p < d->count; p++)
        if (lead_of(&d->items[p]) < lead_of(&d->items[least]))
            least = p;
    return least;
}

/* hotwords: the list, if a character is of one. */
static void draw_decision(int sentence, const ting_decisions *all, int p, const ting_hotword_list *hotwords, bool open, ting_str *out)
{
    const ting_decision *d = &all->items[p];
    const double lead = lead_of(d);
    if (d->chosen.text[0] == '\0' && d->rival_count == 0)
        return;
    ting_str_addf(out, "<details id='s%dp%d'%s><summary><b>", sentence, p, open || lead < close_call || d->lift > 0 ? " open" : "");
    ting_str_add_xml(out, shown_as(&d->chosen, d->hotword));
    ting_str_add(out, "</b> ");
    ting_str_add_xml(out, d->chosen.pinyin);
    if (d->hotword > 0) {
        ting_str_add(out, " <span>of the hotword ");
        for (int i = 0; i < ting_hotwords_at(hotwords->hotwords, d->hotword - 1)->count; i++)
            ting_str_add_xml(out, ting_hotword_list_part(hotwords, d->hotword - 1, i));
        ting_str_add(out, "</span>");
    } else if (d->rival_count > 0) {
        ting_str_addf(out, " <span>%s %.1f ahead of ", lead < close_call ? "only" : "", lead);
        ting_str_add_xml(out, shown_as(&d->rivals[0], 0));
        ting_str_add(out, d->rivals[0].pinyin[0] != '\0' ? " " : "");
        ting_str_add_xml(out, d->rivals[0].pinyin);
        ting_str_addf(out, ", by %s</span>", decided_by(d));
    } else {
        ting_str_add(out, " <span>no other character is possible</span>");
    }
    ting_str_add(out, "</summary>");
    draw_table(all, d, out);
    ting_str_add(out, "</details>\n");
}

static void draw_sum(const ting_decisions *d, ting_str *out)
{
    double sums[TERMS] = {0}, lift = 0;
    for (int p = 0; p < d->count; p++) {
        for (int t = 0; t < TERMS; t++)
            sums[t] += value_of(&d->items[p].chosen, &terms[t]);
        lift += d->items[p].lift;
    }
    sums[SOUND] += d->heard;
    sums[LANGUAGE] += d->end;
    sums[RANKING] += d->ranking;
    ting_str_add(out, "<p class='sum'>Score of the line <b>");
    add_value(out, d->score, "");
    ting_str_add(out, "</b> =");
    for (int t = 0; t < TERMS; t++) {
        if (!is_used(d, t) && sums[t] == 0)
            continue;
        ting_str_addf(out, " <span>%s ", terms[t].name);
        add_value(out, sums[t], "+");
        ting_str_add(out, "</span>");
    }
    if (lift > 0)
        ting_str_addf(out, " <span>hotwords +%.2f</span>", lift);
    ting_str_add(out, "</p>\n");
}

static void draw_decisions(const ting_explained *e, int sentence, const ting_decisions *d, ting_str *out)
{
    const ting_explained_sentence *s = &e->sentences[sentence];
    ting_str_add(out, "<h3>Why these characters</h3>");
    draw_sum(d, out);
    ting_str_add(out, "<div class='dec'>\n");
    for (int p = 0; p < d->count; p++)
        draw_decision(sentence, d, p, s->use->hotwords, p == closest(d), out);
    ting_str_add(
        out,
        "</div><p class='cap'>First line: what each model gave the chosen character, log-probabilities in nats times their weights");
    if (d->competed)
        ting_str_addf(out, " (sound %g, network 1, language model %g; %g for each character)", s->use->heard_weight,
                      s->use->lm->weight, s->use->bonus);
    else if (d->weighed)
        ting_str_addf(out, " (network 1, language model %g)", s->use->lm->weight);
    ting_str_addf(
        out,
        ". Below: what the line would gain (right, green) or lose (left, red) with another character there; the language model&rsquo;s "
        "difference counts the words behind it too. A full bar is %g. The closest decision and those closer than %g are open.</p>\n",
        full_bar, close_call);
}

static void draw_other_lines(const ting_sentence *s, ting_str *out)
{
    if (s->hypothesis_count < 2)
        return;
    ting_str_add(out, "<h3>Other lines</h3><table class='alt'>");
    for (int i = 0; i < s->hypothesis_count; i++) {
        const ting_hypothesis *h = ting_sentence_hypothesis(s, i);
        ting_str_addf(out, "<tr%s>", i == 0 ? " class='on'" : "");
        draw_own(h->score, out);
        ting_str_add(out, "<td>");
        ting_str_add_xml(out, h->text);
        ting_str_add(out, "</td><td>");
        ting_str_add_xml(out, h->pinyin);
        ting_str_add(out, "</td></tr>");
    }
    ting_str_add(out, "</table>\n");
}

/* ---- who looks at whom ---- */

static ting_err draw_neighbours(ting_explained *e, int sentence, ting_str *out)
{
    enum { CELL = 22, EDGE = 30 };
    ting_err err = TING_OK;
    const float *weights;
    int count;
    TRY(ting_explain_neighbours(e, sentence, &weights, &count));
    if (weights == NULL)
        goto out;
    float most = 0;
    for (int i = 0; i < count * count; i++)
        most = fmaxf(most, weights[i]);
    const int size = EDGE + count * CELL + 2;
    ting_str_addf(out,
                  "<details><summary>What the pinyin-to-hanzi network looked at</summary><div class='scroll'><svg style='width:%dpx' "
                  "viewBox='0 0 %d %d'>",
                  size, size, size);
    for (int i = 0; i < count; i++) {
        const char *text = ting_sentence_char(e->sentences[sentence].sentence, i)->text;
        ting_str_addf(out, "<text class='n e' x='%d' y='%d'>", EDGE - 6, EDGE + i * CELL + 16);
        ting_str_add_xml(out, text);
        ting_str_addf(out, "</text><text class='n m' x='%d' y='%d'>", EDGE + i * CELL + CELL / 2, EDGE - 10);
        ting_str_add_xml(out, text);
        ting_str_add(out, "</text>");
        for (int k = 0; k < count; k++) {
            const double weight = (double)weights[i * count + k];
            ting_str_addf(out, "<rect class='at' x='%d' y='%d' width='%d' height='%d' fill-opacity='%.2f'><title>%.2f</title></rect>",
                          EDGE + k * CELL, EDGE + i * CELL, CELL - 1, CELL - 1, weight / (double)most, weight);
        }
    }
    ting_str_addf(out,
                  "</svg></div><p class='cap'>Row: the character that is being chosen; column: the syllable that it looks at. Mean of "
                  "all layers and heads; each row adds up to 1, the fullest cell is %.2f.</p></details>\n",
                  (double)most);
out:
    return err;
}

ting_err ting_explain_draw_lines(ting_explained *e, int sentence, ting_str *out)
{
    ting_err err = TING_OK;
    const ting_explained_sentence *s = &e->sentences[sentence];
    ting_decisions d;
    TRY(ting_explain_decisions(e, sentence, &d));
    if (d.count == 0)
        ting_str_add(out, s->use == NULL
                              ? "<p class='cap'>The tokens are what is written: no network chose characters.</p>\n"
                              : "<p class='cap'>An encoder-decoder wrote this line as a whole: it has no places to compare.</p>\n");
    if (d.competed)
        draw_network(s, &d, out);
    if (d.count > 0)
        draw_decisions(e, sentence, &d, out);
    TRY(draw_neighbours(e, sentence, out));
    draw_other_lines(s->sentence, out);
out:
    return err;
}
