/* SPDX-License-Identifier: Apache-2.0 */
/* g2p.c - see g2p.h. Steps: bytes -> code points; phrases and readings; the model; sandhi. */
#include "text/g2p.h"

#include "base/mem.h"
#include "base/utf8.h"

const char *ting_g2p_source_name(ting_g2p_source source)
{
    static const char *const names[TING_G2P_SOURCE_COUNT] = {"other",     "malformed", "unknown", "single",
                                                             "commonest", "phrase",    "model"};
    return source < TING_G2P_SOURCE_COUNT ? names[source] : "?";
}

static ting_err make_room(ting_g2p_line *line, size_t size)
{
    if (size > (size_t)1 << 30)
        return ting_fail(TING_ERR_ARGUMENT, "a line of %zu bytes, at most %d: split it", size, 1 << 30);
    if ((size_t)line->room >= size)
        return TING_OK;
    ting_g2p_line_free(line);
    size_t room = size + size / 2 + 64;
    line->items = ting_alloc(room, sizeof *line->items);
    line->text = ting_alloc(room, sizeof *line->text);
    line->wanted = ting_alloc(room, sizeof *line->wanted);
    line->chosen = ting_alloc(room, sizeof *line->chosen);
    if (line->items == NULL || line->text == NULL || line->wanted == NULL || line->chosen == NULL) {
        ting_g2p_line_free(line);
        return TING_ERR_MEMORY;
    }
    line->room = (int)room;
    return TING_OK;
}

void ting_g2p_line_free(ting_g2p_line *line)
{
    ting_free(line->items);
    ting_free(line->text);
    ting_free(line->wanted);
    ting_free(line->chosen);
    *line = (ting_g2p_line){0};
}

static void decode(const char *text, size_t size, ting_g2p_line *line)
{
    for (size_t at = 0; at < size;) {
        uint32_t c = 0xFFFD;
        int bytes = ting_utf8_decode(text + at, size - at, &c);
        ting_g2p_item *item = &line->items[line->count];
        *item = (ting_g2p_item){.code_point = c, .offset = at, .length = bytes < 0 ? 1 : bytes,
                                .id = TING_PINYIN_NONE, .ends_word = true};
        item->source = bytes < 0                   ? TING_G2P_MALFORMED
                       : ting_utf8_is_hanzi(c) ? TING_G2P_UNKNOWN
                                                   : TING_G2P_OTHER;
        line->text[line->count] = c;
        line->wanted[line->count++] = 0;
        at += (size_t)item->length;
    }
}

/* One character outside every phrase; true when a model should be asked. */
static bool read_single(const ting_lexicon *lexicon, ting_g2p_item *item)
{
    ting_readings readings = ting_lexicon_readings(lexicon, item->code_point);
    if (readings.count == 0)
        return false;
    int in_use = readings.common > 0 ? readings.common : readings.count;
    item->id = readings.ids[0];
    item->source = in_use > 1 ? TING_G2P_COMMONEST : TING_G2P_SINGLE;
    return in_use > 1;
}

/* True when the model has to be asked. */
static bool look_up(const ting_lexicon *lexicon, const ting_g2p_options *options, ting_g2p_line *line)
{
    bool ask = false;
    for (int i = 0; i < line->count;) {
        const uint16_t *ids = NULL;
        int window = line->count - i < TING_PHRASE_MAX ? line->count - i : TING_PHRASE_MAX;
        int length = options->model_only ? 0 : ting_lexicon_match(lexicon, line->text + i, window, &ids);
        for (int k = 0; k < length; k++) {
            line->items[i + k].id = ids[k];
            line->items[i + k].source = TING_G2P_PHRASE;
            line->items[i + k].ends_word = k == length - 1;
        }
        if (length == 0 && line->items[i].source == TING_G2P_UNKNOWN) {
            line->wanted[i] = read_single(lexicon, &line->items[i]) || options->model_only;
            ask = ask || line->wanted[i];
        }
        i += length > 0 ? length : 1;
    }
    return ask;
}

static ting_err ask_model(const ting_polyphone *model, ting_g2p_line *line)
{
    ting_err err = TING_OK;
    for (int i = 0; i < line->count; i++)
        line->chosen[i] = TING_PINYIN_NONE;
    TRY(model->choose(model->self, line->text, line->count, line->wanted, line->chosen));
    for (int i = 0; i < line->count; i++)
        if (line->wanted[i] && line->chosen[i] != TING_PINYIN_NONE) {
            line->items[i].id = line->chosen[i];
            line->items[i].source = TING_G2P_MODEL;
        }
out:
    return err;
}

/* ---- sandhi of 一 and 不 ---- */

static bool is_one_of(uint32_t c, const uint32_t *set, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (set[i] == c)
            return true;
    return false;
}

#define IS_ONE_OF(c, ...) \
    is_one_of((c), (const uint32_t[]){__VA_ARGS__}, sizeof((const uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t))

/* 〇零一二三四五六七八九两十: beside one of them 一 is a digit. */
static bool is_digit(uint32_t c)
{
    return IS_ONE_OF(c, 0x3007, 0x96F6, 0x4E00, 0x4E8C, 0x4E09, 0x56DB, 0x4E94, 0x516D, 0x4E03, 0x516B, 0x4E5D,
                     0x4E24, 0x5341);
}

/* 一 keeps yi1 at the end of a word, as a digit, as an ordinal (第 初 期 拜 before it) and in dates (月 日 号
 * after it). */
static bool counts_as_number(const ting_g2p_line *line, int i)
{
    uint32_t before = i > 0 ? line->text[i - 1] : 0;
    uint32_t after = i + 1 < line->count ? line->text[i + 1] : 0;
    bool ends = line->items[i].ends_word && i > 0 && !line->items[i - 1].ends_word;
    return ends || is_digit(before) || is_digit(after) || IS_ONE_OF(before, 0x7B2C, 0x521D, 0x671F, 0x62DC) ||
           IS_ONE_OF(after, 0x6708, 0x65E5, 0x53F7);
}

enum { YI = 0x4E00, BU = 0x4E0D }; /* 一 不 */

static void apply_sandhi(ting_g2p_line *line)
{
    const int yi1 = ting_pinyin_id(TING_BASE_yi, 1), bu4 = ting_pinyin_id(TING_BASE_bu, 4);
    for (int i = 0; i + 1 < line->count; i++) {
        ting_g2p_item *item = &line->items[i];
        const ting_g2p_item *next = item + 1;
        if (next->id == TING_PINYIN_NONE)
            continue;
        int tone = ting_pinyin_tone(next->id);
        if (next->code_point == 0x4E2A) /* 个 is ge4 underneath its neutral tone */
            tone = 4;
        if (item->code_point == BU && item->id == bu4 && tone == 4)
            item->id = ting_pinyin_with_tone(bu4, 2);
        else if (item->code_point == YI && item->id == yi1 && tone != 5 && !counts_as_number(line, i))
            item->id = ting_pinyin_with_tone(yi1, tone == 4 ? 2 : 4);
    }
}

int ting_g2p_without_sandhi(uint32_t code_point, int id)
{
    if (code_point == YI && ting_pinyin_base(id) == TING_BASE_yi)
        return ting_pinyin_with_tone(id, 1);
    if (code_point == BU && ting_pinyin_base(id) == TING_BASE_bu)
        return ting_pinyin_with_tone(id, 4);
    return id;
}

ting_err ting_g2p_read(const ting_lexicon *lexicon, const ting_g2p_options *options, const char *text,
                       size_t size, ting_g2p_line *out)
{
    ting_err err = TING_OK;
    out->count = 0;
    TRY(make_room(out, size));
    decode(text, size, out);
    if (look_up(lexicon, options, out) && options->model != NULL)
        TRY(ask_model(options->model, out));
    if (options->sandhi)
        apply_sandhi(out);
out:
    return err;
}
