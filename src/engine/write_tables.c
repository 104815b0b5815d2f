/* SPDX-License-Identifier: Apache-2.0 */
/*
 * write_tables.c - tab-separated sentences, NIST CTM, and Praat's TextGrid (long text form).
 *
 *     tsv        start<TAB>end<TAB>text, milliseconds, with this heading line
 *     ctm        name 1 start duration character confidence, seconds; blanks in the name become "_"
 *     textgrid   interval tiers "sentences", "characters", "pinyin" that tile [0, duration]
 */
#include "engine/write.h"

static void add_flat(ting_str *out, const char *text) /* tabs and line breaks become spaces */
{
    for (const char *c = text; *c != '\0'; c++) {
        char one = (unsigned char)*c < 0x20 ? ' ' : *c;
        ting_str_add_bytes(out, &one, 1);
    }
}

static void add_word(ting_str *out, const char *text) /* one field of a line of words */
{
    if (*text == '\0')
        ting_str_add(out, "_");
    for (const char *c = text; *c != '\0'; c++) {
        char one = (unsigned char)*c <= ' ' ? '_' : *c;
        ting_str_add_bytes(out, &one, 1);
    }
}

void ting_write_tsv(ting_str *out, const ting_result *result, const char *name)
{
    (void)name;
    ting_str_add(out, "start\tend\ttext\n");
    for (int i = 0; i < ting_result_sentence_count(result); i++) {
        const ting_sentence *sentence = ting_result_sentence(result, i);
        ting_str_addf(out, "%lld\t%lld\t", ting_milliseconds(sentence->start), ting_milliseconds(sentence->end));
        add_flat(out, sentence->text);
        ting_str_add(out, "\n");
    }
}

void ting_write_ctm(ting_str *out, const ting_result *result, const char *name)
{
    for (int i = 0; i < ting_result_sentence_count(result); i++) {
        const ting_sentence *sentence = ting_result_sentence(result, i);
        for (int k = 0; k < sentence->char_count; k++) {
            const ting_char *c = ting_sentence_char(sentence, k);
            add_word(out, name);
            ting_str_addf(out, " 1 %.3f %.3f ", c->start, c->end - c->start);
            add_word(out, c->text);
            ting_str_addf(out, " %.4f\n", (double)c->confidence);
        }
    }
}

typedef enum tier { SENTENCES, CHARACTERS, PINYIN, TIERS } tier;
static const char *const tier_names[TIERS] = {"sentences", "characters", "pinyin"};

typedef struct grid { /* one tier being written; intervals follow each other without holes or overlap */
    ting_str *out;    /* NULL while only counting */
    long long at;     /* end of the last interval, ms */
    int count;
} grid;

static void add_interval(grid *g, long long end, const char *text)
{
    if (end <= g->at)
        return;
    g->count++;
    if (g->out != NULL) {
        ting_str_addf(g->out, "        intervals [%d]:\n            xmin = %lld.%03lld\n            xmax = %lld.%03lld\n"
                              "            text = \"",
                      g->count, g->at / 1000, g->at % 1000, end / 1000, end % 1000);
        for (const char *c = text; *c != '\0'; c++)
            ting_str_add_bytes(g->out, *c == '"' ? "\"\"" : (unsigned char)*c < 0x20 ? " " : c, *c == '"' ? 2 : 1);
        ting_str_add(g->out, "\"\n");
    }
    g->at = end;
}

static void add_marked(grid *g, double start, double end, const char *text)
{
    add_interval(g, ting_milliseconds(start), "");
    add_interval(g, ting_milliseconds(end), text);
}

static void walk(grid *g, const ting_result *result, tier which, long long whole)
{
    for (int i = 0; i < ting_result_sentence_count(result); i++) {
        const ting_sentence *sentence = ting_result_sentence(result, i);
        if (which == SENTENCES)
            add_marked(g, sentence->start, sentence->end, sentence->text);
        for (int k = 0; which != SENTENCES && k < sentence->char_count; k++) {
            const ting_char *c = ting_sentence_char(sentence, k);
            add_marked(g, c->start, c->end, which == PINYIN ? c->pinyin : c->text);
        }
    }
    add_interval(g, whole, "");
}

void ting_write_textgrid(ting_str *out, const ting_result *result, const char *name)
{
    (void)name;
    long long whole = ting_milliseconds(ting_result_duration(result));
    int last = ting_result_sentence_count(result) - 1;
    if (last >= 0 && ting_milliseconds(ting_result_sentence(result, last)->end) > whole)
        whole = ting_milliseconds(ting_result_sentence(result, last)->end);
    whole = whole > 0 ? whole : 1; /* Praat refuses a tier of no length */
    ting_str_addf(out, "File type = \"ooTextFile\"\nObject class = \"TextGrid\"\n\nxmin = 0\nxmax = %lld.%03lld\n"
                       "tiers? <exists>\nsize = %d\nitem []:\n",
                  whole / 1000, whole % 1000, (int)TIERS);
    for (int t = 0; t < TIERS; t++) {
        grid count = {NULL, 0, 0}, write = {out, 0, 0};
        walk(&count, result, (tier)t, whole);
        ting_str_addf(out, "    item [%d]:\n        class = \"IntervalTier\"\n        name = \"%s\"\n        xmin = 0\n"
                           "        xmax = %lld.%03lld\n        intervals: size = %d\n",
                      t + 1, tier_names[t], whole / 1000, whole % 1000, count.count);
        walk(&write, result, (tier)t, whole);
    }
}
