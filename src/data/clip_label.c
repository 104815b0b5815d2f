/* SPDX-License-Identifier: Apache-2.0 */
/* clip_label.c - see clip_label.h. */
#include "data/clip_label.h"

#include "base/mem.h"
#include "base/utf8.h"
#include "loss/ctc.h"
#include "text/plain.h"

#include <string.h>

enum { POINTS = 0x110000 };

static ting_err start(ting_label_reader *r)
{
    if (r->examples != NULL)
        return TING_OK;
    r->seen = ting_alloc(POINTS / 8, 1);
    r->examples = r->seen == NULL ? NULL : ting_alloc(TING_PINYIN_COUNT, sizeof *r->examples);
    return r->examples != NULL ? TING_OK : TING_ERR_MEMORY;
}

static ting_err add_id(ting_label_reader *r, int id, ting_clip_label *out)
{
    ting_err err = ting_reserve(&r->ids, (size_t)out->count, 1, &r->room, sizeof *r->ids);
    if (err == TING_OK)
        r->ids[out->count++] = id;
    return err;
}

/* Counts the hanzi of r->plain, and whatever else there is, which has no reading. */
static void look_at_text(ting_label_reader *r, ting_clip_label *out)
{
    out->hanzi = 0;
    for (size_t at = 0; at < r->plain.length;) {
        uint32_t point = 0xFFFD;
        int bytes = ting_utf8_decode(r->plain.text + at, r->plain.length - at, &point);
        at += bytes < 0 ? 1 : (size_t)bytes;
        if (ting_utf8_is_hanzi(point)) {
            out->hanzi++;
            r->seen[point / 8] |= (unsigned char)(1u << point % 8);
        }
    }
    r->hanzi += (size_t)out->hanzi;
}

static ting_err read_text(ting_label_reader *r, ting_clip_label *out)
{
    ting_err err = TING_OK;
    const char *text = r->plain.text != NULL ? r->plain.text : "";
    TRY(ting_g2p_read(r->lexicon, &(ting_g2p_options){.sandhi = true}, text, r->plain.length, &r->line));
    for (int i = 0; i < r->line.count; i++) {
        const ting_g2p_item *item = &r->line.items[i];
        if (item->code_point == ' ')
            continue;
        if (item->id == TING_PINYIN_NONE) {
            out->unread = out->unread_count == 0 ? item->code_point : out->unread;
            out->unread_count++;
        }
        TRY(add_id(r, item->id, out));
    }
out:
    return err;
}

static ting_err read_pinyin(ting_label_reader *r, const char *pinyin, ting_clip_label *out)
{
    ting_err err = TING_OK;
    TRY(ting_words_read(pinyin, strlen(pinyin), &r->words));
    for (int i = 0; i < r->words.count; i++) {
        const ting_word *word = &r->words.items[i];
        if (word->id == TING_PINYIN_NONE && out->wrong[0] == '\0') {
            size_t length = word->length < sizeof out->wrong ? word->length : sizeof out->wrong - 1;
            memcpy(out->wrong, pinyin + word->offset, length);
        }
        TRY(add_id(r, word->id, out));
    }
out:
    return err;
}

/* ---- what a network would be taught ---- */

static ting_err add_unit(ting_label_reader *r, int unit)
{
    ting_err err = ting_reserve(&r->units, (size_t)r->unit_count, 1, &r->unit_room, sizeof *r->units);
    if (err == TING_OK)
        r->units[r->unit_count++] = unit;
    return err;
}

/* An initial and a final, or the syllable; what is no syllable is like no other. */
static ting_err add_syllables(ting_label_reader *r, int count)
{
    ting_err err = TING_OK;
    for (int i = 0; i < count; i++) {
        const int id = r->ids[i];
        if (id == TING_PINYIN_NONE || r->table == TING_TOKENS_SYLLABLES) {
            TRY(add_unit(r, id == TING_PINYIN_NONE ? -1 - i : id));
            continue;
        }
        const ting_initial initial = ting_pinyin_initial(id);
        if (initial != TING_INITIAL_none)
            TRY(add_unit(r, (int)initial));
        TRY(add_unit(r, TING_INITIAL_COUNT + ting_pinyin_final(id) * TING_PINYIN_TONES + ting_pinyin_tone(id) - 1));
    }
out:
    return err;
}

static ting_err add_characters(ting_label_reader *r)
{
    ting_err err = TING_OK;
    for (size_t at = 0; at < r->plain.length;) {
        uint32_t point = 0xFFFD;
        const int bytes = ting_utf8_decode(r->plain.text + at, r->plain.length - at, &point);
        at += bytes < 0 ? 1 : (size_t)bytes;
        if (point != ' ')
            TRY(add_unit(r, (int)point));
    }
out:
    return err;
}

ting_err ting_label_read(ting_label_reader *r, const ting_clip *clip, ting_clip_label *out)
{
    ting_err err = TING_OK;
    *out = (ting_clip_label){.hanzi = -1};
    TRY(start(r));
    ting_str_clear(&r->plain);
    if (clip->text != NULL) {
        TRY(ting_text_plain(clip->text, strlen(clip->text), &r->plain));
        look_at_text(r, out);
    }
    if (clip->pinyin != NULL)
        TRY(read_pinyin(r, clip->pinyin, out));
    else if (clip->text != NULL && r->lexicon != NULL)
        TRY(read_text(r, out));
    for (int i = 0; i < out->count; i++) {
        if (r->ids[i] == TING_PINYIN_NONE)
            continue;
        r->examples[r->ids[i]]++;
        r->syllables++;
    }
    out->ids = r->ids;
    r->unit_count = 0;
    TRY(r->table == TING_TOKENS_CHARACTERS ? add_characters(r) : add_syllables(r, out->count));
    out->frames = ting_ctc_frames(r->units, r->unit_count);
out:
    return err;
}

size_t ting_label_reader_hanzi(const ting_label_reader *r)
{
    size_t count = 0;
    for (size_t i = 0; r->seen != NULL && i < POINTS; i++)
        count += r->seen[i / 8] >> i % 8 & 1u;
    return count;
}

void ting_label_reader_free(ting_label_reader *r)
{
    ting_str_free(&r->plain);
    ting_g2p_line_free(&r->line);
    ting_words_free(&r->words);
    ting_free(r->ids);
    ting_free(r->units);
    ting_free(r->seen);
    ting_free(r->examples);
    *r = (ting_label_reader){0};
}
