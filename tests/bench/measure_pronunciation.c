/* SPDX-License-Identifier: Apache-2.0 */
/*
 * measure_pronunciation.c - how well scores of pronunciation find syllables that were said otherwise than a text has them (docs/ALIGN.md).
 *
 *     measure_pronunciation FOLDER SPEAKER|dev-many [MODEL]     FOLDER has manifest.tsv (id, path, split, speaker, .., text, ..)
 *
 * Nobody here recorded mistakes, so the text makes them: each dev sentence of the speaker is aligned with what was said, and with texts in
 * which every fourth character has become a hanzi of a single reading that differs in the tone, the initial or the final: any other, or a
 * near one that learners confuse. The log-ratio of what was changed should then be low. Prints a line a kind of change: how many, area
 * under the ROC curve, equal error rate, percent found and false alarms of right syllables at scores below 50 and below 25, and the first
 * two for the confidence of the character instead.
 */
#include "base/file.h"
#include "base/mem.h"
#include "base/rng.h"
#include "base/str.h"
#include "base/tsv.h"
#include "base/utf8.h"
#include "engine/tables.h"
#include "text/pinyin.h"

#include "tingxie.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EVERY = 4, LONGEST = 64 /* characters */, CANDIDATES = 64 };

typedef enum kind { TONE, INITIAL, INITIAL_NEAR, FINAL, FINAL_NEAR, KINDS } kind;
static const char *const kind_names[KINDS] = {"tone", "initial", "initial, near", "final", "final, near"};

static const char *const near_initials[][2] = {{"zh", "z"}, {"ch", "c"}, {"sh", "s"},  {"n", "l"},  {"f", "h"}, {"r", "l"}, {"j", "zh"},
                                               {"q", "ch"}, {"x", "sh"}, {"b", "p"},   {"d", "t"},  {"g", "k"}, {"j", "q"}};
static const char *const near_finals[][2] = {{"an", "ang"}, {"en", "eng"}, {"in", "ing"}, {"ian", "iang"}, {"uan", "uang"}, {"e", "uo"},
                                             {"ie", "ia"},  {"ou", "uo"},  {"i", "ei"},   {"ai", "ei"},    {"ao", "ou"},    {"ong", "eng"}};

typedef struct values { /* a growing list */
    double *items;
    size_t count, room;
} values;

static struct {
    ting_lexicon *lexicon;
    uint32_t hanzi[TING_PINYIN_COUNT]; /* one of a single reading for each syllable; 0: there is none */
    ting_model *model;
    ting_options options;
    ting_rng rng;
    values right[4], right_confidence;              /* log-ratios of right syllables: initial, final, tone, whole */
    values wrong[KINDS], wrong_confidence[KINDS]; /* of what was changed */
} b;

static ting_err push(values *list, double value)
{
    ting_err err = ting_reserve(&list->items, list->count, 1, &list->room, sizeof *list->items);
    if (err == TING_OK)
        list->items[list->count++] = value;
    return err;
}

static bool are_near(const char *const pairs[][2], size_t count, const char *a, const char *z)
{
    for (size_t i = 0; i < count; i++)
        if ((strcmp(pairs[i][0], a) == 0 && strcmp(pairs[i][1], z) == 0) || (strcmp(pairs[i][1], a) == 0 && strcmp(pairs[i][0], z) == 0))
            return true;
    return false;
}

/* Whether `to` differs from `from` as the kind says. */
static bool is_change(kind k, int from, int to)
{
    const ting_initial i = ting_pinyin_initial(from), j = ting_pinyin_initial(to);
    const ting_final f = ting_pinyin_final(from), g = ting_pinyin_final(to);
    const bool tone = ting_pinyin_tone(from) == ting_pinyin_tone(to);
    const bool written = i != TING_INITIAL_none && i != TING_INITIAL_y && i != TING_INITIAL_w; /* y and w are no sounds of their own */
    if (k == TONE)
        return i == j && f == g && !tone;
    if (k == INITIAL || k == INITIAL_NEAR)
        return written && j != TING_INITIAL_none && j != TING_INITIAL_y && j != TING_INITIAL_w && i != j && f == g && tone &&
               (k == INITIAL || are_near(near_initials, sizeof near_initials / sizeof *near_initials, ting_initial_name(i), ting_initial_name(j)));
    return written && i == j && f != g && tone &&
           (k == FINAL || are_near(near_finals, sizeof near_finals / sizeof *near_finals, ting_final_name(f), ting_final_name(g)));
}

/* Another syllable by chance; TING_PINYIN_NONE: there is none. */
static int change(kind k, int from)
{
    int list[CANDIDATES], count = 0;
    if (ting_pinyin_tone(from) == 5)
        return TING_PINYIN_NONE;
    for (int id = 0; id < TING_PINYIN_COUNT && count < CANDIDATES; id++)
        if (b.hanzi[id] != 0 && ting_pinyin_tone(id) != 5 && is_change(k, from, id))
            list[count++] = id;
    return count > 0 ? list[ting_rng_below(&b.rng, (uint32_t)count)] : TING_PINYIN_NONE;
}

static const ting_char *character(const ting_result *result, int index)
{
    for (int s = 0; s < ting_result_sentence_count(result); index -= ting_result_sentence(result, s++)->char_count)
        if (index < ting_result_sentence(result, s)->char_count)
            return ting_sentence_char(ting_result_sentence(result, s), index);
    return NULL;
}

static double log_ratio(const ting_pronunciation *p, kind k)
{
    return k == TONE ? p->tone.log_ratio : k == INITIAL || k == INITIAL_NEAR ? p->initial.log_ratio : p->final.log_ratio;
}

/* The text with every EVERY-th character from `first` on changed; wanted [LONGEST] the syllables of those. Returns how many. */
static int spoil(const char *text, const ting_result *right, kind k, int first, ting_str *out, int *wanted)
{
    int changed = 0, at = 0;
    ting_str_clear(out);
    for (int i = 0; i < LONGEST && text[at] != '\0'; i++, at += 3) {
        const ting_char *c = character(right, i);
        wanted[i] = TING_PINYIN_NONE;
        if (i % EVERY == first && c != NULL && c->pronunciation != NULL)
            wanted[i] = change(k, ting_pinyin_read(c->pronunciation->expected, strlen(c->pronunciation->expected)));
        char hanzi[5] = "";
        if (wanted[i] != TING_PINYIN_NONE)
            hanzi[ting_utf8_encode(b.hanzi[wanted[i]], hanzi)] = '\0';
        ting_str_add_bytes(out, wanted[i] != TING_PINYIN_NONE ? hanzi : text + at, 3);
        changed += wanted[i] != TING_PINYIN_NONE;
    }
    return changed;
}

static ting_err measure_wrong(const char *path, const char *text, const ting_result *right, kind k)
{
    ting_err err = TING_OK;
    ting_str changed = {0};
    ting_result *result = NULL;
    int wanted[LONGEST];
    for (int first = 0; first < EVERY; first++) {
        if (spoil(text, right, k, first, &changed, wanted) == 0)
            continue;
        TRY(ting_align_file(b.model, path, changed.text, &b.options, &result));
        for (int i = 0; i < LONGEST && character(result, i) != NULL; i++) {
            const ting_char *c = character(result, i);
            if (wanted[i] == TING_PINYIN_NONE || c->pronunciation == NULL ||
                ting_pinyin_read(c->pronunciation->expected, strlen(c->pronunciation->expected)) != wanted[i])
                continue; /* a phrase of the lexicon reads it otherwise */
            TRY(push(&b.wrong[k], log_ratio(c->pronunciation, k)));
            TRY(push(&b.wrong_confidence[k], (double)c->confidence));
        }
        ting_result_free(result);
        result = NULL;
    }
out:
    ting_str_free(&changed);
    ting_result_free(result);
    return err;
}

static ting_err measure_sentence(const char *path, const char *text)
{
    ting_err err = TING_OK;
    ting_result *right = NULL;
    TRY(ting_align_file(b.model, path, text, &b.options, &right));
    for (int i = 0; i < LONGEST && character(right, i) != NULL; i++) {
        const ting_pronunciation *p = character(right, i)->pronunciation;
        if (p == NULL)
            continue;
        TRY(push(&b.right[0], p->initial.log_ratio));
        TRY(push(&b.right[1], p->final.log_ratio));
        TRY(push(&b.right[2], p->tone.log_ratio));
        TRY(push(&b.right[3], p->syllable.log_ratio));
        TRY(push(&b.right_confidence, (double)character(right, i)->confidence));
    }
    for (kind k = TONE; k < KINDS; k++)
        TRY(measure_wrong(path, text, right, k));
out:
    ting_result_free(right);
    return err;
}

static ting_err measure_all(const char *folder, const char *whose)
{
    ting_err err = TING_OK;
    ting_str path = {0}, said = {0};
    ting_file manifest = {0};
    ting_tsv header = {0}, fields;
    ting_str_addf(&path, "%s/manifest.tsv", folder);
    TRY(ting_file_map(path.text, &manifest));
    const char *text = (const char *)manifest.data;
    for (size_t at = 0, next; at < manifest.size; at = next + 1) {
        const char *end = memchr(text + at, '\n', manifest.size - at);
        next = end != NULL ? (size_t)(end - text) : manifest.size;
        ting_tsv_cut((ting_view){text + at, next - at}, at == 0 ? &header : &fields);
        if (at == 0)
            continue;
        const ting_view split = ting_tsv_at(&fields, ting_tsv_find(&header, "split"));
        const ting_view speaker = ting_tsv_at(&fields, ting_tsv_find(&header, "speaker"));
        const ting_view file = ting_tsv_at(&fields, ting_tsv_find(&header, "path")), words = ting_tsv_at(&fields, ting_tsv_find(&header, "text"));
        if (!ting_view_is(split, whose) && !(ting_view_is(split, "dev") && ting_view_is(speaker, whose)))
            continue;
        ting_str_clear(&path);
        ting_str_clear(&said);
        ting_str_addf(&path, "%s/%.*s", folder, (int)file.length, file.text);
        ting_str_add_bytes(&said, words.text, words.length);
        TRY(measure_sentence(path.text, said.text));
    }
out:
    ting_file_unmap(&manifest);
    ting_str_free(&path);
    ting_str_free(&said);
    return err;
}

/* ---- figures ---- */

static int by_value(const void *x, const void *y)
{
    const double d = *(const double *)x, e = *(const double *)y;
    return (d > e) - (d < e);
}

static double below(const values *list, double limit)
{
    size_t count = 0;
    for (size_t i = 0; i < list->count; i++)
        count += list->items[i] < limit;
    return list->count > 0 ? (double)count / (double)list->count : NAN;
}

/* Chance that a wrong one has less than a right one; and the error where as many are missed as are false alarms. */
static void separate(const values *wrong, const values *right, double *area, double *equal)
{
    double sum = 0;
    *equal = 1;
    for (size_t i = 0; i < wrong->count; i++) {
        for (size_t k = 0; k < right->count; k++)
            sum += wrong->items[i] < right->items[k] ? 1 : wrong->items[i] == right->items[k] ? 0.5 : 0;
        const double limit = wrong->items[i] + 1e-12;
        *equal = fmin(*equal, fmax(1 - below(wrong, limit), below(right, limit)));
    }
    *area = sum / ((double)wrong->count * (double)right->count);
}

static void report(void)
{
    static const int aspect[KINDS] = {2, 0, 0, 1, 1};
    printf("change\tplaces\tAUC\tEER %%\tfound below 50\tfalse\tfound below 25\tfalse\tAUC of confidence\tits EER %%\n");
    for (kind k = TONE; k < KINDS; k++) {
        double area, equal, other_area, other_equal;
        const values *right = &b.right[aspect[k]];
        separate(&b.wrong[k], right, &area, &equal);
        separate(&b.wrong_confidence[k], &b.right_confidence, &other_area, &other_equal);
        printf("%s\t%zu\t%.4f\t%.1f\t%.1f\t%.1f\t%.1f\t%.1f\t%.4f\t%.1f\n", kind_names[k], b.wrong[k].count, area, 100 * equal,
               100 * below(&b.wrong[k], 0), 100 * below(right, 0), 100 * below(&b.wrong[k], -log(3)), 100 * below(right, -log(3)), other_area,
               100 * other_equal);
    }
    qsort(b.right[3].items, b.right[3].count, sizeof(double), by_value);
    printf("right syllables\t%zu\tlikeliest in their place %.1f %%\tscore: tenth %.0f, median %.0f\n", b.right[3].count,
           100 - 100 * below(&b.right[3], 0), 100 / (1 + exp(-b.right[3].items[b.right[3].count / 10])),
           100 / (1 + exp(-b.right[3].items[b.right[3].count / 2])));
}

int main(int argc, char **argv)
{
    ting_err err = TING_OK;
    ting_model_options how;
    if (argc < 3) {
        fprintf(stderr, "usage: measure_pronunciation FOLDER SPEAKER|dev-many [MODEL]\n");
        return 2;
    }
    TRY(ting_tables_lexicon(NULL, NULL, 0, false, &b.lexicon));
    for (uint32_t c = 0x4E00; c < 0xA000; c++) {
        const ting_readings readings = ting_lexicon_readings(b.lexicon, c);
        if (readings.count == 1 && readings.common == 1 && b.hanzi[readings.ids[0]] == 0)
            b.hanzi[readings.ids[0]] = c;
    }
    ting_model_options_defaults(&how, sizeof how);
    how.hanzi = 0;
    ting_options_defaults(&b.options, sizeof b.options);
    b.options.pronunciation = 1;
    b.options.threads = 1;
    b.rng = ting_rng_new(7, 0);
    TRY(ting_model_open(argc > 3 ? argv[3] : "models/tingxie.gguf", &how, &b.model));
    TRY(measure_all(argv[1], argv[2]));
    report();
out:
    if (err != TING_OK)
        fprintf(stderr, "measure_pronunciation: %s\n", ting_error_message());
    return err == TING_OK ? 0 : 1;
}
