/* SPDX-License-Identifier: Apache-2.0 */
/* units.c - see units.h. Steps: bytes -> NFKC code points; code points -> text and units. */
#include "text/units.h"

#include "base/hash.h"
#include "base/mem.h"
#include "base/utf8.h"

#include <string.h>
#include <utf8proc.h>

enum { MOST_BYTES = 1 << 28 };

/* ---- table of words: open hash of numbers into a list of offsets ---- */

struct ting_words_table {
    ting_str text;
    size_t *offsets; /* [count + 1] */
    int *slots;      /* [slot_room] number + 1, 0: free; at most half full */
    int count, room;
    size_t slot_room;
};

ting_words_table *ting_words_table_new(void)
{
    return ting_alloc(1, sizeof(ting_words_table));
}

void ting_words_table_free(ting_words_table *table)
{
    if (table == NULL)
        return;
    ting_str_free(&table->text);
    ting_free(table->offsets);
    ting_free(table->slots);
    ting_free(table);
}

static size_t place_of(const ting_words_table *table, const char *word, size_t length)
{
    size_t mask = table->slot_room - 1, at = (size_t)ting_hash_bytes(word, length) & mask;
    for (;; at = (at + 1) & mask) {
        int slot = table->slots[at];
        if (slot == 0)
            return at;
        size_t from = table->offsets[slot - 1], to = table->offsets[slot];
        if (to - from == length && memcmp(table->text.text + from, word, length) == 0)
            return at;
    }
}

static ting_err table_grow(ting_words_table *table)
{
    int room = table->room == 0 ? 64 : 2 * table->room;
    size_t *offsets = ting_grow(table->offsets, table->room == 0 ? 0 : (size_t)table->room + 1, (size_t)room + 1,
                                sizeof *offsets);
    if (offsets == NULL)
        return TING_ERR_MEMORY;
    table->offsets = offsets;
    int *old = table->slots, *slots = ting_alloc(2 * (size_t)room, sizeof *slots);
    if (slots == NULL)
        return TING_ERR_MEMORY;
    table->slots = slots;
    table->slot_room = 2 * (size_t)room;
    table->room = room;
    for (int i = 0; i < table->count; i++) {
        const char *word = table->text.text + offsets[i];
        slots[place_of(table, word, offsets[i + 1] - offsets[i])] = i + 1;
    }
    ting_free(old);
    return TING_OK;
}

ting_err ting_words_table_number(ting_words_table *table, const char *word, size_t length, int *number)
{
    ting_err err = TING_OK;
    if (table->count == table->room)
        TRY(table_grow(table));
    size_t at = place_of(table, word, length);
    if (table->slots[at] == 0) {
        ting_str_add_bytes(&table->text, word, length);
        if (!ting_str_ok(&table->text))
            return ting_fail(TING_ERR_MEMORY, "no memory for a table of %d words", table->count);
        table->slots[at] = ++table->count;
        table->offsets[table->count] = table->text.length;
    }
    *number = TING_FIRST_WORD + table->slots[at] - 1;
out:
    return err;
}

const char *ting_words_table_word(const ting_words_table *table, int number, size_t *length)
{
    size_t from = table->offsets[number - TING_FIRST_WORD];
    *length = table->offsets[number - TING_FIRST_WORD + 1] - from;
    return table->text.text + from;
}

/* ---- normal form ---- */

static const int normal_form = UTF8PROC_STABLE | UTF8PROC_COMPAT | UTF8PROC_COMPOSE | UTF8PROC_CASEFOLD | UTF8PROC_IGNORE;

/* Canonical order of combining marks. A mark passes at most as many others as Unicode's stream-safe text has
 * in a row; more only occur in hostile input, where order does not matter but time does. */
static void order_marks(int32_t *points, size_t count)
{
    enum { STREAM_SAFE = 30 };
    for (size_t i = 1; i < count; i++) {
        int32_t point = points[i];
        int now = utf8proc_get_property(point)->combining_class;
        size_t j = i;
        while (now != 0 && j > 0 && i - j < STREAM_SAFE &&
               utf8proc_get_property(points[j - 1])->combining_class > now) {
            points[j] = points[j - 1];
            j--;
        }
        points[j] = point;
    }
}

/* Decomposes into units->points; returns how many code points came out. */
static ting_err normalise(const char *text, size_t size, ting_units *units, size_t *out)
{
    ting_err err = TING_OK;
    size_t count = 0;
    int boundary = 0;
    for (size_t at = 0; at < size;) {
        uint32_t c = 0xFFFD;
        int bytes = ting_utf8_decode(text + at, size - at, &c);
        at += bytes < 0 ? 1 : (size_t)bytes;
        enum { LONGEST = 32 }; /* U+FDFA decomposes into 18 code points, the longest of all */
        if (units->point_room < count + LONGEST) {
            size_t room = 2 * units->point_room + size + LONGEST;
            int32_t *points = ting_grow(units->points, units->point_room, room, sizeof *points);
            if (points == NULL)
                return TING_ERR_MEMORY;
            units->points = points;
            units->point_room = room;
        }
        utf8proc_ssize_t n = utf8proc_decompose_char((utf8proc_int32_t)c, units->points + count, LONGEST,
                                                     (utf8proc_option_t)normal_form, &boundary);
        if (n < 0 || n > LONGEST)
            FAIL(TING_ERR_INTERNAL, "decomposing U+%04X: %s", c, utf8proc_errmsg(n));
        count += (size_t)n;
    }
    order_marks(units->points, count);
    utf8proc_ssize_t n = utf8proc_normalize_utf32(units->points, (utf8proc_ssize_t)count,
                                                  (utf8proc_option_t)normal_form);
    if (n < 0)
        FAIL(TING_ERR_INTERNAL, "composing: %s", utf8proc_errmsg(n));
    *out = (size_t)n;
out:
    return err;
}

/* ---- units ---- */

typedef enum kind { NOTHING, SPACE, MARK, ALONE, LETTER } kind;

static kind kind_of(int32_t point)
{
    uint32_t c = (uint32_t)point;
    if (ting_utf8_is_hanzi(c) || (c >= 0x3040 && c <= 0x312F) || (c >= 0x31A0 && c <= 0x31BF) ||
        (c >= 0x31F0 && c <= 0x31FF) || c == 0xFFFD)
        return c >= 0x3099 && c <= 0x309C ? MARK : ALONE;
    switch (utf8proc_category(point)) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ME:
        return LETTER;
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_NO:
        return ALONE;
    case UTF8PROC_CATEGORY_ZS:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP:
        return SPACE;
    case UTF8PROC_CATEGORY_CC:
        return c == '\t' || c == '\n' || c == '\r' || c == '\v' || c == '\f' ? SPACE : NOTHING;
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_CN:
    case UTF8PROC_CATEGORY_CS:
    case UTF8PROC_CATEGORY_CO:
        return NOTHING;
    default:
        return MARK; /* punctuation and symbols */
    }
}

static ting_err make_room(ting_units *units, size_t count)
{
    if ((size_t)units->room >= count)
        return TING_OK;
    ting_free(units->ids);
    ting_free(units->offsets);
    ting_free(units->lengths);
    units->room = 0;
    units->ids = ting_alloc(count, sizeof *units->ids);
    units->offsets = ting_alloc(count, sizeof *units->offsets);
    units->lengths = ting_alloc(count, sizeof *units->lengths);
    if (units->ids == NULL || units->offsets == NULL || units->lengths == NULL)
        return TING_ERR_MEMORY;
    units->room = (int)count;
    return TING_OK;
}

static void add_unit(ting_units *units, int id, size_t offset, size_t length)
{
    units->ids[units->count] = id;
    units->offsets[units->count] = offset;
    units->lengths[units->count++] = (int)length;
}

static size_t add_point(ting_units *units, int32_t point)
{
    char bytes[4];
    int length = ting_utf8_encode((uint32_t)point, bytes);
    ting_str_add_bytes(&units->text, bytes, (size_t)length);
    return (size_t)length;
}

/* Number of code points of the word that begins at points[0]: letters, and apostrophes between letters. */
static size_t word_length(const int32_t *points, size_t count)
{
    size_t n = 1;
    while (n < count && (kind_of(points[n]) == LETTER ||
                         ((points[n] == '\'' || points[n] == 0x2019) && n + 1 < count && kind_of(points[n + 1]) == LETTER)))
        n++;
    return n;
}

static ting_err split(ting_words_table *table, const ting_units_options *options, size_t count, ting_units *units)
{
    ting_err err = TING_OK;
    for (size_t i = 0; i < count;) {
        int32_t point = units->points[i];
        kind k = kind_of(point);
        size_t n = 1, offset = units->text.length, bytes = 0;
        if (k == LETTER && !options->letters)
            n = word_length(units->points + i, count - i);
        for (size_t j = 0; j < n; j++)
            bytes += add_point(units, units->points[i + j] == 0x2019 ? '\'' : units->points[i + j]);
        if (!ting_str_ok(&units->text))
            FAIL(TING_ERR_MEMORY, "no memory for a text of %zu characters", count);
        if (k == LETTER && !options->letters) {
            int number;
            TRY(ting_words_table_number(table, units->text.text + offset, bytes, &number));
            add_unit(units, number, offset, bytes);
        } else if (k == ALONE || k == LETTER || (k == MARK && options->punctuation)) {
            add_unit(units, point, offset, bytes);
        } else if (k == SPACE && options->punctuation) {
            bool again = units->count > 0 && units->ids[units->count - 1] == ' ';
            if (!again && units->count > 0)
                add_unit(units, ' ', offset, bytes);
        }
        i += n;
    }
    if (units->count > 0 && units->ids[units->count - 1] == ' ') /* spaces at the ends are nothing */
        units->count--;
out:
    return err;
}

ting_err ting_units_read(ting_words_table *table, const ting_units_options *options, const char *text,
                         size_t size, ting_units *out)
{
    ting_err err = TING_OK;
    size_t count = 0;
    out->count = 0;
    ting_str_clear(&out->text);
    if (size > MOST_BYTES)
        FAIL(TING_ERR_ARGUMENT, "a text of %zu bytes, at most %d", size, MOST_BYTES);
    TRY(normalise(text, size, out, &count));
    TRY(make_room(out, count));
    TRY(split(table, options, count, out));
out:
    return err;
}

void ting_units_free(ting_units *units)
{
    ting_free(units->ids);
    ting_free(units->offsets);
    ting_free(units->lengths);
    ting_free(units->points);
    ting_str_free(&units->text);
    *units = (ting_units){0};
}
