/* SPDX-License-Identifier: Apache-2.0 */
/* align_text.c - see align_text.h. */
#include "engine/align_text.h"

#include "base/mem.h"
#include "base/str.h"
#include "base/utf8.h"
#include "engine/spell.h"
#include "engine/tables.h"
#include "text/g2p.h"
#include "text/plain.h"
#include "text/sentences.h"

#include <stdio.h>
#include <string.h>

enum { LONGEST_WORD = 40 }; /* bytes of it that an error names */

typedef struct reader {
    const ting_am *am;
    int vocab; /* outputs that the heads have */
    ting_lexicon *lexicon;
    ting_str plain;     /* a sentence */
    ting_g2p_line line; /* its characters */
    int sentence;       /* its number, from 1 */
    int line_number;    /* from 1; 0: the text has one line */
    char where[64];     /* "sentence 3 of the text (line 2)" */
    ting_align_text *out;
} reader;

static int find_text(const reader *r, const char *text, size_t length)
{
    for (int i = 0; i < r->vocab; i++)
        if (strlen(r->am->tokens.items[i]) == length && memcmp(r->am->tokens.items[i], text, length) == 0)
            return i;
    return -1;
}

static void add_path(ting_align_place *place, ting_align_path path)
{
    bool known = path.count == 0 || place->path_count == TING_ALIGN_PATHS;
    for (int i = 0; i < place->path_count && !known; i++)
        known = memcmp(&place->paths[i], &path, sizeof path) == 0;
    if (!known)
        place->paths[place->path_count++] = path;
}

/* The ways to say a hanzi; `next`: the one behind it, NULL at an end. */
static void add_readings(const reader *r, const ting_g2p_item *item, const ting_g2p_item *next, ting_align_place *place)
{
    enum { YI = 0x4E00, BU = 0x4E0D };
    const ting_readings readings = ting_lexicon_readings(r->lexicon, item->code_point);
    add_path(place, ting_spell(r->am, item->id));
    for (int i = 0; i < readings.common && item->source == TING_G2P_COMMONEST; i++)
        add_path(place, ting_spell(r->am, readings.ids[i]));
    if (item->code_point == YI || item->code_point == BU)
        add_path(place, ting_spell(r->am, ting_pinyin_with_tone(item->id, 2)));
    if (item->code_point == YI)
        add_path(place, ting_spell(r->am, ting_pinyin_with_tone(item->id, 4)));
    if (ting_pinyin_tone(item->id) == 3 && next != NULL && next->id != TING_PINYIN_NONE && ting_pinyin_tone(next->id) == 3)
        add_path(place, ting_spell(r->am, ting_pinyin_with_tone(item->id, 2)));
    for (int tone = 1; tone <= TING_PINYIN_TONES && place->path_count == 0; tone++) /* a model may lack a rare one */
        add_path(place, ting_spell(r->am, ting_pinyin_with_tone(item->id, tone)));
}

/* The error for what stands at item i, with all of a Latin word or number. */
static ting_err refuse(const reader *r, int i)
{
    const ting_g2p_item *item = &r->line.items[i];
    const char *text = r->plain.text + item->offset;
    int length = item->length;
    if (item->code_point == 0xFFFD) /* what text/plain.h makes of a byte that is none */
        return ting_fail(TING_ERR_ARGUMENT, "%s is not UTF-8", r->where);
    if (item->source == TING_G2P_UNKNOWN && !r->am->writes)
        return ting_fail(TING_ERR_ARGUMENT, "%s has '%.*s', whose reading is not known: write another hanzi of the same sound", r->where,
                         length, text);
    const bool latin = ting_ascii_is_alnum(text[0]);
    while (latin && ting_ascii_is_alnum(text[length]) && length < LONGEST_WORD)
        length++;
    for (; latin && text > r->plain.text && ting_ascii_is_alnum(text[-1]) && length < LONGEST_WORD; text--)
        length++;
    return ting_fail(TING_ERR_ARGUMENT, "%s has '%.*s', for which the model has no token: write it in hanzi, as it is said", r->where,
                     length, text);
}

static ting_err add_item(reader *r, int i)
{
    ting_err err = TING_OK;
    const ting_g2p_item *item = &r->line.items[i];
    const char *text = r->plain.text + item->offset;
    ting_align_text *out = r->out;
    ting_align_place place = {.path_count = 0};
    if (item->code_point == ' ')
        goto out;
    if (item->id != TING_PINYIN_NONE) {
        add_readings(r, item, i + 1 < r->line.count ? item + 1 : NULL, &place);
    } else {
        const char upper = text[0] >= 'a' && text[0] <= 'z' ? (char)(text[0] - 'a' + 'A') : text[0];
        int token = find_text(r, text, (size_t)item->length);
        if (token < 0 || r->am->pieces[token].kind != TING_PIECE_OTHER) /* "b" is an initial, the letter is "B" */
            token = item->length == 1 ? find_text(r, &upper, 1) : -1;
        if (token >= 0 && r->am->pieces[token].kind == TING_PIECE_OTHER)
            add_path(&place, (ting_align_path){{token}, 1});
    }
    if (place.path_count == 0) {
        err = refuse(r, i);
        goto out;
    }
    TRY(ting_reserve(&out->places, (size_t)out->count, 1, &out->place_room, sizeof *out->places));
    TRY(ting_reserve(&out->characters, (size_t)out->count, 1, &out->character_room, sizeof *out->characters));
    TRY(ting_reserve(&out->ends, (size_t)out->count, 1, &out->end_room, sizeof *out->ends));
    out->places[out->count] = place;
    memcpy(out->characters[out->count], text, (size_t)item->length);
    out->characters[out->count][item->length] = '\0';
    out->ends[out->count++] = false;
out:
    return err;
}

static ting_err add_sentence(reader *r, const char *text, size_t length)
{
    ting_err err = TING_OK;
    const int before = r->out->count;
    r->sentence++;
    snprintf(r->where, sizeof r->where, r->line_number > 0 ? "sentence %d of the text (line %d)" : "sentence %d of the text", r->sentence,
             r->line_number);
    ting_str_clear(&r->plain);
    TRY(ting_text_plain(text, length, &r->plain));
    ting_str_add(&r->plain, "");
    if (!ting_str_ok(&r->plain))
        FAIL(TING_ERR_MEMORY, "out of memory for a text of %zu bytes", length);
    TRY(ting_g2p_read(r->lexicon, &(ting_g2p_options){0}, r->plain.text, r->plain.length, &r->line));
    for (int i = 0; i < r->line.count; i++)
        TRY(add_item(r, i));
    if (r->out->count > before)
        r->out->ends[r->out->count - 1] = true;
    else
        r->sentence--; /* nothing but marks */
out:
    return err;
}

ting_err ting_align_text_read(const ting_am *am, const char *text, ting_align_text *out)
{
    ting_err err = TING_OK;
    reader r = {.am = am, .vocab = ting_am_vocab(&am->net->config), .out = out};
    *out = (ting_align_text){0};
    if (am->writes)
        r.lexicon = ting_lexicon_new(); /* it knows no reading: characters stay what they are */
    else
        TRY(ting_tables_lexicon(NULL, NULL, 0, false, &r.lexicon));
    if (r.lexicon == NULL)
        FAIL(TING_ERR_MEMORY, "out of memory for a text");
    ting_view left = {text, strlen(text)}, sentence;
    const char *at = text, *end = strchr(text, '\n');
    r.line_number = end != NULL && end[1] != '\0';
    while (ting_sentence_next(&left, &sentence)) {
        for (; at < sentence.text && r.line_number > 0; at++)
            r.line_number += *at == '\n';
        TRY(add_sentence(&r, sentence.text, sentence.length));
    }
    if (out->count == 0)
        FAIL(TING_ERR_ARGUMENT, "the text has nothing that is spoken: expected hanzi");
out:
    ting_lexicon_free(r.lexicon);
    ting_str_free(&r.plain);
    ting_g2p_line_free(&r.line);
    if (err != TING_OK)
        ting_align_text_free(out);
    return err;
}

void ting_align_text_free(ting_align_text *text)
{
    ting_free(text->places);
    ting_free(text->characters);
    ting_free(text->ends);
    *text = (ting_align_text){0};
}
