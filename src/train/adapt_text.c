/* SPDX-License-Identifier: Apache-2.0 */
/* adapt_text.c - see adapt_text.h. */
#include "train/adapt_text.h"

#include "base/hash.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "data/lines.h"
#include "text/plain.h"
#include "text/sentences.h"

#include <string.h>

enum { POINTS = 0x110000, HELD_EVERY = 10 };

void ting_adapt_text_free(ting_adapt_text *text)
{
    ting_str_free(&text->plain);
    *text = (ting_adapt_text){0};
}

void ting_adapt_new_free(ting_adapt_new *found)
{
    ting_free(found->readings);
    ting_free(found->characters);
    ting_free(found->strange);
    *found = (ting_adapt_new){0};
}

/* ---- sentences ---- */

static bool is_held(ting_view sentence)
{
    return ting_hash_bytes(sentence.text, sentence.length) % HELD_EVERY == 0;
}

static ting_err add_sentence(ting_adapt_text *text, ting_view sentence)
{
    ting_err err = TING_OK;
    const size_t before = text->plain.length;
    TRY(ting_text_plain(sentence.text, sentence.length, &text->plain));
    if (!ting_str_ok(&text->plain))
        FAIL(TING_ERR_MEMORY, "out of memory for the text");
    if (text->plain.length == before)
        goto out;
    const ting_view plain = {text->plain.text + before, text->plain.length - before};
    const long characters = ting_utf8_count(plain.text, plain.length);
    text->sentences++;
    text->characters += characters > 0 ? (size_t)characters : 0;
    text->held += is_held(plain);
    ting_str_add(&text->plain, "\n");
    err = ting_str_ok(&text->plain) ? TING_OK : TING_ERR_MEMORY;
out:
    return err;
}

ting_err ting_adapt_text_read(ting_adapt_text *text, const char *path)
{
    ting_err err = TING_OK;
    ting_lines lines = {0};
    ting_view line, sentence;
    TRY(ting_lines_open(path, &lines));
    while (ting_lines_next(&lines, &line.text, &line.length)) {
        TRY(ting_lines_check(&lines, line.text, line.length));
        while (ting_sentence_next(&line, &sentence))
            TRY(add_sentence(text, sentence));
    }
    TRY(lines.err);
out:
    ting_lines_close(&lines);
    return err;
}

ting_err ting_adapt_text_each(const ting_adapt_text *text, ting_adapt_share share, ting_err (*take)(void *self, ting_view sentence),
                              void *self)
{
    ting_err err = TING_OK;
    const char *at = text->plain.text, *end = at + text->plain.length;
    while (at < end) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        const ting_view sentence = {at, (size_t)(stop - at)};
        if (share == TING_ADAPT_ALL || is_held(sentence) == (share == TING_ADAPT_HELD))
            TRY(take(self, sentence));
        at = stop + 1;
    }
out:
    return err;
}

/* ---- what is new ---- */

static bool has_reading(const ting_p2h_tables *t, int character, int syllable)
{
    for (int i = t->choice_start[syllable]; i < t->choice_start[syllable + 1]; i++)
        if (t->choices[i] == character)
            return true;
    return false;
}

static ting_err add_reading(ting_adapt_new *found, const ting_hanzi_p2h *p2h, uint32_t point, int pinyin)
{
    ting_err err = TING_OK;
    const ting_p2h_tables *t = &ting_hanzi_p2h_model(p2h)->tables;
    const int character = ting_p2h_character(t, point), syllable = ting_hanzi_p2h_syllable(p2h, pinyin);
    bool known = syllable == TING_P2H_UNKNOWN || (character != TING_P2H_UNKNOWN && has_reading(t, character, syllable));
    for (size_t i = 0; i < found->count && !known; i++)
        known = found->readings[i].character == point && found->readings[i].syllable == syllable;
    if (known)
        goto out;
    TRY(ting_reserve(&found->readings, found->count, 1, &found->room, sizeof *found->readings));
    found->readings[found->count++] = (ting_p2h_reading){point, syllable};
out:
    return err;
}

/* The common readings of a hanzi that the network cannot write; *known: there is one, here or from a person's table. */
static ting_err look_up(ting_adapt_new *found, const ting_hanzi_p2h *p2h, const ting_lexicon *lexicon, uint32_t point, bool *known)
{
    ting_err err = TING_OK;
    const ting_readings readings = ting_lexicon_readings(lexicon, point);
    for (int i = 0; i < readings.common; i++)
        TRY(add_reading(found, p2h, point, readings.ids[i]));
    *known = false;
    for (size_t i = 0; i < found->count && !*known; i++)
        *known = found->readings[i].character == point;
out:
    return err;
}

ting_err ting_adapt_find_new(const ting_adapt_text *text, const ting_hanzi_p2h *p2h, const ting_lexicon *lexicon, ting_adapt_new *found)
{
    ting_err err = TING_OK;
    const ting_p2h_tables *t = &ting_hanzi_p2h_model(p2h)->tables;
    bool *seen = ting_alloc(POINTS, sizeof *seen);
    TRY(seen != NULL ? TING_OK : TING_ERR_MEMORY);
    for (size_t at = 0; at < text->plain.length;) {
        uint32_t point = 0;
        const int bytes = ting_utf8_decode(text->plain.text + at, text->plain.length - at, &point);
        at += bytes > 0 ? (size_t)bytes : 1;
        seen[bytes > 0 ? point : 0] = true;
    }
    for (uint32_t point = 0; point < POINTS; point++) {
        bool known = seen[point] && ting_p2h_character(t, point) != TING_P2H_UNKNOWN;
        if (!seen[point] || !ting_utf8_is_hanzi(point))
            continue;
        if (!known)
            TRY(look_up(found, p2h, lexicon, point, &known));
        if (known) {
            TRY(ting_reserve(&found->characters, found->character_count, 1, &found->character_room, sizeof *found->characters));
            found->characters[found->character_count++] = point;
        } else {
            TRY(ting_reserve(&found->strange, found->strange_count, 1, &found->strange_room, sizeof *found->strange));
            found->strange[found->strange_count++] = point;
        }
    }
out:
    ting_free(seen);
    return err;
}

/* ---- a person's table ---- */

/* An entry of the table, whose readings `own` has. */
static ting_err take_entry(ting_view word, const ting_lexicon *own, const ting_hanzi_p2h *p2h, ting_adapt_text *text, ting_adapt_new *found)
{
    ting_err err = TING_OK;
    uint32_t points[TING_PHRASE_MAX];
    int count = 0;
    for (size_t at = 0; at < word.length && count < TING_PHRASE_MAX;) {
        const int bytes = ting_utf8_decode(word.text + at, word.length - at, &points[count]);
        at += bytes > 0 ? (size_t)bytes : 1;
        count += bytes > 0 && points[count] != 0xFEFF; /* a byte order mark */
    }
    if (count == 1) {
        const ting_readings readings = ting_lexicon_readings(own, points[0]);
        for (int i = 0; i < readings.count; i++)
            TRY(add_reading(found, p2h, points[0], readings.ids[i]));
    } else if (count > 1) {
        const uint16_t *ids;
        const int length = ting_lexicon_match(own, points, count, &ids);
        for (int i = 0; i < length; i++)
            TRY(add_reading(found, p2h, points[i], ids[i]));
        TRY(add_sentence(text, word));
    }
out:
    return err;
}

ting_err ting_adapt_take_table(const char *path, const ting_hanzi_p2h *p2h, ting_adapt_text *text, ting_adapt_new *found)
{
    ting_err err = TING_OK;
    ting_lines lines = {0};
    const char *line;
    size_t length;
    ting_lexicon *own = ting_lexicon_new();
    TRY(own != NULL ? ting_lexicon_add(own, path, TING_LEXICON_COMMON) : TING_ERR_MEMORY);
    TRY(ting_lines_open(path, &lines));
    while (ting_lines_next(&lines, &line, &length)) {
        ting_tsv fields;
        ting_tsv_cut((ting_view){line, length}, &fields);
        const ting_view word = ting_tsv_at(&fields, 0);
        if (word.length > 0 && word.text[0] != '#')
            TRY(take_entry(word, own, p2h, text, found));
    }
    TRY(lines.err);
out:
    ting_lines_close(&lines);
    ting_lexicon_free(own);
    return err;
}
