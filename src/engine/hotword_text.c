/* SPDX-License-Identifier: Apache-2.0 */
/* hotword_text.c - see hotword_text.h. */
#include "engine/hotword_text.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/number.h"
#include "base/tsv.h"
#include "base/utf8.h"
#include "engine/model.h"
#include "engine/tables.h"
#include "text/g2p.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double most_weight = 100;

/* log p of a hotword = this - log(ways to read the words of the list) + weight, as if one of them came every 20 words and any of them was
 * as likely: a long list disturbs no more than a short one. */
static const double any_hotword = -3;

typedef struct reader {
    const char *label;
    size_t line;
    const ting_hanzi_p2h *p2h;
    double weight;
    const ting_log *log;
    ting_lexicon *lexicon; /* opened by the first word without pinyin */
    ting_g2p_line g2p;
    ting_hotword_list *out;
    ting_hotword *words; /* [count], their arrays owned */
    int count;
    size_t room, first_room;
} reader;

/* ---- words ---- */

static ting_err add_part(ting_hotword_list *list, const char *text, size_t length)
{
    if (ting_reserve(&list->parts, list->part_count, 1, &list->part_room, sizeof *list->parts) != TING_OK)
        return TING_ERR_MEMORY;
    char *copy = ting_alloc(length + 1, 1);
    if (copy == NULL)
        return TING_ERR_MEMORY;
    memcpy(copy, text, length);
    list->parts[list->part_count++] = copy;
    return TING_OK;
}

/* One way to read the word: its syllables, ids of text/pinyin.h. */
static ting_err add_word(reader *r, ting_view word, const int *ids, int count, double weight)
{
    ting_err err = TING_OK;
    const ting_p2h_tables *tables = &ting_hanzi_p2h_model(r->p2h)->tables;
    const bool single = ting_utf8_count(word.text, word.length) == count;
    int *syllables = ting_alloc((size_t)count, sizeof *syllables), *characters = ting_alloc((size_t)count, sizeof *characters);
    if (syllables == NULL || characters == NULL || ting_reserve(&r->words, (size_t)r->count, 1, &r->room, sizeof *r->words) != TING_OK ||
        ting_reserve(&r->out->first, (size_t)r->count, 1, &r->first_room, sizeof *r->out->first) != TING_OK) {
        ting_free(syllables);
        ting_free(characters);
        return TING_ERR_MEMORY;
    }
    r->out->first[r->count] = (int)r->out->part_count;
    r->words[r->count++] = (ting_hotword){syllables, characters, count, weight};
    for (int i = 0, at = 0; i < count; i++) {
        uint32_t code_point = 0;
        const int length = single ? ting_utf8_decode(word.text + at, word.length - (size_t)at, &code_point) : 0;
        const int character = single ? ting_p2h_character(tables, code_point) : TING_P2H_UNKNOWN;
        syllables[i] = ting_hanzi_p2h_syllable(r->p2h, ids[i]);
        characters[i] = character == TING_P2H_UNKNOWN ? TING_P2H_FOREIGN : character;
        TRY(single ? add_part(r->out, word.text + at, (size_t)length) : add_part(r->out, word.text, i == 0 ? word.length : 0));
        at += length;
    }
out:
    return err;
}

static void leave_out(const reader *r, ting_view word, const char *why)
{
    ting_log_write(r->log, TING_LOG_WARNING, "%s:%zu: %.*s is left out: %s", r->label, r->line, (int)word.length, word.text, why);
}

/* The other ways to read a character, which differ by more than the tone: each with the rest as it is. */
static ting_err add_readings(reader *r, ting_view word, int *ids, int count, double weight)
{
    ting_err err = TING_OK;
    TRY(add_word(r, word, ids, count, weight));
    for (int i = 0; i < count; i++) {
        const ting_readings readings = ting_lexicon_readings(r->lexicon, r->g2p.items[i].code_point);
        const int own = ids[i];
        for (int k = 0; k < readings.common; k++) {
            bool known = ting_pinyin_base(readings.ids[k]) == ting_pinyin_base(own);
            for (int j = 0; j < k && !known; j++)
                known = ting_pinyin_base(readings.ids[j]) == ting_pinyin_base(readings.ids[k]);
            ids[i] = readings.ids[k];
            if (!known && ting_hanzi_p2h_syllable(r->p2h, ids[i]) != TING_P2H_UNKNOWN)
                TRY(add_word(r, word, ids, count, weight));
        }
        ids[i] = own;
    }
out:
    return err;
}

static ting_err read_hanzi(reader *r, ting_view word, double weight)
{
    ting_err err = TING_OK;
    int ids[TING_HOTWORD_MOST];
    if (r->lexicon == NULL)
        TRY(ting_tables_lexicon(NULL, NULL, 0, false, &r->lexicon));
    TRY(ting_g2p_read(r->lexicon, &(ting_g2p_options){0}, word.text, word.length, &r->g2p));
    if (r->g2p.count > TING_HOTWORD_MOST)
        FAIL(TING_ERR_FORMAT, "%s:%zu: a word of %d characters, expected at most %d", r->label, r->line, r->g2p.count,
             (int)TING_HOTWORD_MOST);
    for (int i = 0; i < r->g2p.count; i++) {
        ids[i] = r->g2p.items[i].id;
        if (ids[i] == TING_PINYIN_NONE || ting_hanzi_p2h_syllable(r->p2h, ids[i]) == TING_P2H_UNKNOWN) {
            leave_out(r, word, memchr(word.text, ':', word.length) != NULL ? "between a word and its :weight stands a space"
                                                                          : "its pinyin is not known; it can stand behind the word");
            goto out;
        }
    }
    TRY(add_readings(r, word, ids, r->g2p.count, weight));
out:
    return err;
}

/* ---- lines ---- */

static ting_view take_field(ting_view *rest)
{
    *rest = ting_view_trim(*rest);
    ting_view field = {rest->text, 0};
    while (field.length < rest->length && !ting_is_space(rest->text[field.length]))
        field.length++;
    *rest = (ting_view){rest->text + field.length, rest->length - field.length};
    return field;
}

static ting_err read_weight(const reader *r, ting_view field, double *out)
{
    char copy[32] = "", *end = copy;
    if (field.length - 1 < sizeof copy)
        memcpy(copy, field.text + 1, field.length - 1);
    *out = ting_number_read(copy, &end);
    if (end == copy || *end != '\0' || !(fabs(*out) <= most_weight))
        return ting_fail(TING_ERR_FORMAT, "%s:%zu: the weight \"%.*s\", expected : and a number of at most %g", r->label, r->line,
                         (int)(field.length < 40 ? field.length : 40), field.text, most_weight);
    return TING_OK;
}

/* With its tone: "Tao" may be a name. */
static bool is_syllable(ting_view word)
{
    bool tone = word.text[word.length - 1] >= '1' && word.text[word.length - 1] <= '5';
    for (size_t i = 0; i < word.length && !tone; i++)
        tone = (unsigned char)word.text[i] >= 0x80;
    return tone && ting_pinyin_read(word.text, word.length) != TING_PINYIN_NONE;
}

/* How many hanzi the word is; 0: it is something else too. */
static int hanzi_in(ting_view word)
{
    int count = 0;
    for (size_t at = 0; at < word.length; count++) {
        uint32_t c = 0;
        const int length = ting_utf8_decode(word.text + at, word.length - at, &c);
        if (length <= 0 || !ting_utf8_is_hanzi(c))
            return 0;
        at += (size_t)length;
    }
    return count;
}

static ting_err read_line(reader *r, ting_view rest)
{
    ting_err err = TING_OK;
    int ids[TING_HOTWORD_MOST], count = 0;
    double weight = r->weight;
    const ting_view word = take_field(&rest);
    if (word.length == 0 || (word.length == 1 && word.text[0] == '#'))
        goto out;
    if (ting_utf8_count(word.text, word.length) < 0)
        FAIL(TING_ERR_FORMAT, "%s:%zu: not UTF-8", r->label, r->line);
    if (is_syllable(word))
        FAIL(TING_ERR_FORMAT, "%s:%zu: \"%.*s\" is a syllable, expected the word as it is to be written, then its pinyin", r->label,
             r->line, (int)word.length, word.text);
    for (ting_view field; (field = take_field(&rest)).length > 0;) {
        if (field.text[0] == ':') {
            TRY(read_weight(r, field, &weight));
            continue;
        }
        const int id = ting_pinyin_read(field.text, field.length);
        if (id == TING_PINYIN_NONE || count == TING_HOTWORD_MOST)
            FAIL(TING_ERR_FORMAT, "%s:%zu: \"%.*s\" behind the word, expected a weight as :2.5, or up to %d syllables as zhong1", r->label,
                 r->line, (int)(field.length < 40 ? field.length : 40), field.text, (int)TING_HOTWORD_MOST);
        if (ting_hanzi_p2h_syllable(r->p2h, id) == TING_P2H_UNKNOWN) {
            leave_out(r, word, "the pinyin-to-hanzi network does not know one of its syllables");
            goto out;
        }
        ids[count++] = id;
    }
    if (count > 0 && hanzi_in(word) > 0 && hanzi_in(word) != count)
        leave_out(r, word, "it has other syllables than characters");
    else
        TRY(count > 0 ? add_word(r, word, ids, count, weight) : read_hanzi(r, word, weight));
out:
    return err;
}

static ting_err read_lines(reader *r, const char *text, size_t size)
{
    ting_err err = TING_OK;
    const size_t mark = ting_utf8_mark(text, size);
    text += mark;
    size -= mark;
    while (size > 0) {
        const char *newline = memchr(text, '\n', size);
        const size_t length = newline != NULL ? (size_t)(newline - text) : size, used = length + (newline != NULL);
        r->line++;
        TRY(read_line(r, (ting_view){text, length}));
        text += used;
        size -= used;
    }
out:
    return err;
}

/* Weights become probabilities. */
static void share_out(reader *r)
{
    for (int i = 0; i < r->count; i++)
        r->words[i].log_prob += any_hotword - log(r->count);
}

ting_err ting_hotword_list_parse(const char *label, const char *text, size_t size, const ting_hanzi_p2h *p2h, double weight,
                                 const ting_log *log, ting_hotword_list **out)
{
    ting_err err = TING_OK;
    ting_hotword_list *list = ting_alloc(1, sizeof *list);
    reader r = {.label = label, .p2h = p2h, .weight = weight, .log = log, .out = list};
    *out = NULL;
    if (list == NULL)
        return TING_ERR_MEMORY;
    list->p2h = p2h;
    TRY(read_lines(&r, text, size));
    share_out(&r);
    TRY(ting_hotwords_new(&ting_hanzi_p2h_model(p2h)->tables, r.words, r.count, &list->hotwords));
    *out = list;
    list = NULL;
out:
    for (int i = 0; i < r.count; i++) {
        ting_free((void *)(uintptr_t)r.words[i].syllables);
        ting_free((void *)(uintptr_t)r.words[i].characters);
    }
    ting_free(r.words);
    ting_g2p_line_free(&r.g2p);
    ting_lexicon_free(r.lexicon);
    ting_hotword_list_free(list);
    return err;
}

static ting_err read_for(const ting_model *model, const char *label, const char *text, size_t length, double weight,
                         ting_hotword_list **out)
{
    *out = NULL;
    if (!(fabs(weight) <= most_weight))
        return ting_fail(TING_ERR_ARGUMENT, "a weight of %g for hotwords, expected -%g to %g", weight, most_weight, most_weight);
    if (model->weighing.lm == NULL)
        return ting_fail(TING_ERR_MODEL, "%s: hotwords are weighed by a language model, and the model was opened without one", label);
    if (ting_hanzi_p2h_model(model->writing.p2h)->net == NULL)
        return ting_fail(TING_ERR_MODEL, "%s: hotwords want a pinyin-to-hanzi network that writes a character for each syllable; this one "
                         "is an encoder-decoder", label);
    return ting_hotword_list_parse(label, text, length, model->writing.p2h, weight, &model->log, out);
}

ting_err ting_hotword_list_open(const ting_model *model, const char *path, double weight, ting_hotword_list **out)
{
    ting_err err = TING_OK;
    ting_file file = {0};
    *out = NULL;
    TRY(ting_file_map(path, &file));
    TRY(read_for(model, path, (const char *)file.data, file.size, weight, out));
out:
    ting_file_unmap(&file);
    return err;
}

ting_err ting_hotword_list_read(const ting_model *model, const char *text, size_t length, double weight, ting_hotword_list **out)
{
    return read_for(model, "hotwords", text, length, weight, out);
}

void ting_hotword_list_free(ting_hotword_list *list)
{
    if (list == NULL)
        return;
    ting_hotwords_free(list->hotwords);
    for (size_t i = 0; i < list->part_count; i++)
        ting_free(list->parts[i]);
    ting_free(list->parts);
    ting_free(list->first);
    ting_free(list);
}

const char *ting_hotword_list_part(const ting_hotword_list *list, int number, int part)
{
    return list->parts[list->first[number] + part];
}
