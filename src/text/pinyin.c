/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pinyin.c - see pinyin.h.
 *
 * Reading has two steps: bytes -> letters a..z and a tone (every spelling variant ends there), then
 * letters -> initial and final -> base through a matrix. The matrix, the names and the tones come from
 * syllables.def and parts.def at compile time.
 *
 * Inside this file a letter string is ASCII: v stands for u-umlaut, E for e-circumflex.
 */
#include "text/pinyin.h"

#include "base/utf8.h"

#include <stdint.h>
#include <string.h>

typedef struct base_row {
    const char *spelling;
    ting_initial initial;
    ting_final final;
    const char *common, *rare; /* digits of the tones */
} base_row;

static const base_row bases[TING_PINYIN_BASES] = {
#define TING_BASE(name, spelling, initial, final, common, rare) \
    {spelling, TING_INITIAL_##initial, TING_FINAL_##final, common, rare},
#include "text/syllables.def"
#undef TING_BASE
};

/* base + 1, or 0 where there is none */
static const uint16_t base_of[TING_INITIAL_COUNT][TING_FINAL_COUNT] = {
#define TING_BASE(name, spelling, initial, final, common, rare) \
    [TING_INITIAL_##initial][TING_FINAL_##final] = TING_BASE_##name + 1,
#include "text/syllables.def"
#undef TING_BASE
};

static const char *const initial_names[TING_INITIAL_COUNT] = {
    "",
#define TING_INITIAL(name, spelling) spelling,
#include "text/parts.def"
#undef TING_INITIAL
};

static const char *const final_names[TING_FINAL_COUNT] = {
    "",
#define TING_FINAL(name, spelling, standalone) spelling,
#include "text/parts.def"
#undef TING_FINAL
};

ting_pinyin_use ting_pinyin_usage(int id)
{
    const base_row *row = &bases[ting_pinyin_base(id)];
    char digit = (char)('0' + ting_pinyin_tone(id));
    if (strchr(row->common, digit) != NULL)
        return TING_PINYIN_COMMON;
    return strchr(row->rare, digit) != NULL ? TING_PINYIN_RARE : TING_PINYIN_UNUSED;
}

ting_initial ting_pinyin_initial(int id)
{
    return bases[ting_pinyin_base(id)].initial;
}

ting_final ting_pinyin_final(int id)
{
    return bases[ting_pinyin_base(id)].final;
}

const char *ting_initial_name(ting_initial initial)
{
    return initial_names[initial];
}

const char *ting_final_name(ting_final final)
{
    return final_names[final];
}

int ting_pinyin_join(ting_initial initial, ting_final final, int tone)
{
    if (tone < 1 || tone > TING_PINYIN_TONES)
        return TING_PINYIN_NONE;
    int base = base_of[initial][final];
    if (base == 0) { /* the two ways to write u-umlaut */
        if (final == TING_FINAL_ue && (initial == TING_INITIAL_n || initial == TING_INITIAL_l))
            base = base_of[initial][TING_FINAL_ve];
        else if (initial == TING_INITIAL_j || initial == TING_INITIAL_q || initial == TING_INITIAL_x ||
                 initial == TING_INITIAL_y)
            base = final == TING_FINAL_v    ? base_of[initial][TING_FINAL_u]
                   : final == TING_FINAL_ve  ? base_of[initial][TING_FINAL_ue]
                   : final == TING_FINAL_van ? base_of[initial][TING_FINAL_uan]
                   : final == TING_FINAL_vn  ? base_of[initial][TING_FINAL_un]
                                             : 0;
    }
    return base == 0 ? TING_PINYIN_NONE : ting_pinyin_id(base - 1, tone);
}

int ting_pinyin_distance(int a, int b)
{
    if (a == TING_PINYIN_NONE || b == TING_PINYIN_NONE)
        return 3;
    const base_row *x = &bases[ting_pinyin_base(a)], *y = &bases[ting_pinyin_base(b)];
    if (x == y)
        return a == b ? 0 : 1;
    return x->initial == y->initial || x->final == y->final ? 2 : 3;
}

/* ---- bytes -> letters and tone ---- */

typedef struct letter_row {
    char letter;
    uint16_t plain[3]; /* code points without a tone beside the ASCII letter itself */
    uint16_t marked[2][4]; /* lower and upper case, tones 1 to 4; 0 where Unicode has only the combining form */
    uint16_t breve;
} letter_row;

static const letter_row letters[] = {
    {'a', {0x251}, {{0x101, 0xE1, 0x1CE, 0xE0}, {0x100, 0xC1, 0x1CD, 0xC0}}, 0x103},
    {'e', {0}, {{0x113, 0xE9, 0x11B, 0xE8}, {0x112, 0xC9, 0x11A, 0xC8}}, 0x115},
    {'i', {0}, {{0x12B, 0xED, 0x1D0, 0xEC}, {0x12A, 0xCD, 0x1CF, 0xCC}}, 0x12D},
    {'o', {0}, {{0x14D, 0xF3, 0x1D2, 0xF2}, {0x14C, 0xD3, 0x1D1, 0xD2}}, 0x14F},
    {'u', {0}, {{0x16B, 0xFA, 0x1D4, 0xF9}, {0x16A, 0xDA, 0x1D3, 0xD9}}, 0x16D},
    {'v', {0xFC, 0xDC}, {{0x1D6, 0x1D8, 0x1DA, 0x1DC}, {0x1D5, 0x1D7, 0x1D9, 0x1DB}}, 0},
    {'E', {0xEA, 0xCA}, {{0, 0x1EBF, 0, 0x1EC1}, {0, 0x1EBE, 0, 0x1EC0}}, 0},
    {'m', {0}, {{0, 0x1E3F, 0, 0}, {0, 0x1E3E, 0, 0}}, 0},
    {'n', {0}, {{0, 0x144, 0x148, 0x1F9}, {0, 0x143, 0x147, 0x1F8}}, 0},
    {'g', {0x261}, {{0}, {0}}, 0},
};
enum { LETTER_ROWS = sizeof letters / sizeof letters[0] };

static const uint16_t combining_marks[4] = {0x304, 0x301, 0x30C, 0x300};
enum { COMBINING_BREVE = 0x306, COMBINING_DIAERESIS = 0x308, COMBINING_CIRCUMFLEX = 0x302 };

typedef struct spelled {
    char letters[8];
    int count;
    int tone; /* 0 when neither mark nor digit was there */
} spelled;

/* Letter and tone (0: none) of a code point that is one letter; 0 when it is not. */
static char letter_of(uint32_t c, int *tone)
{
    *tone = 0;
    if (c >= 'a' && c <= 'z')
        return (char)c;
    if (c >= 'A' && c <= 'Z')
        return (char)(c - 'A' + 'a');
    for (int i = 0; i < LETTER_ROWS && c >= 0x80; i++) {
        const letter_row *row = &letters[i];
        for (int k = 0; k < 3; k++)
            if (row->plain[k] == c)
                return row->letter;
        for (int k = 0; k < 8; k++)
            if (row->marked[k / 4][k % 4] == c) {
                *tone = k % 4 + 1;
                return row->letter;
            }
        if (row->breve == c) {
            *tone = 3;
            return row->letter;
        }
    }
    return 0;
}

static int tone_of_combining(uint32_t c)
{
    for (int k = 0; k < 4; k++)
        if (combining_marks[k] == c)
            return k + 1;
    return c == COMBINING_BREVE ? 3 : 0;
}

/* What a combining diaeresis, a colon or a circumflex makes of the last letter; false if it may not stand. */
static bool modify_last(spelled *s, char from, char to)
{
    if (s->count == 0 || s->letters[s->count - 1] != from)
        return false;
    s->letters[s->count - 1] = to;
    return true;
}

static bool spell(const char *text, size_t length, spelled *s)
{
    *s = (spelled){.count = 0};
    int mark = 0, digit = -1;
    while (length > 0) {
        uint32_t c;
        int bytes = ting_utf8_decode(text, length, &c);
        if (bytes < 0 || digit >= 0) /* malformed, or something after the digit */
            return false;
        text += bytes;
        length -= (size_t)bytes;
        int tone = 0;
        char letter = letter_of(c, &tone);
        if (letter != 0) {
            if (s->count == (int)sizeof s->letters - 1)
                return false;
            s->letters[s->count++] = letter;
        } else if (c >= '0' && c <= '5') {
            digit = c == '0' ? 5 : (int)(c - '0');
        } else if (c == ':' || c == COMBINING_DIAERESIS) {
            if (!modify_last(s, 'u', 'v'))
                return false;
        } else if (c == COMBINING_CIRCUMFLEX) {
            if (!modify_last(s, 'e', 'E'))
                return false;
        } else if ((tone = tone_of_combining(c)) == 0 || s->count == 0) {
            return false;
        }
        if (tone != 0) {
            if (mark != 0)
                return false;
            mark = tone;
        }
    }
    if (mark != 0 && digit >= 0 && digit != mark && digit != 5)
        return false;
    s->tone = mark != 0 ? mark : digit >= 0 ? digit : 0;
    s->letters[s->count] = '\0';
    return s->count > 0;
}

/* ---- letters -> parts ---- */

static ting_final final_of(const char *letters_left)
{
    if (strcmp(letters_left, "E") == 0)
        return TING_FINAL_eh;
    for (int f = 1; f < TING_FINAL_COUNT; f++)
        if (final_names[f][0] == letters_left[0] && strcmp(final_names[f], letters_left) == 0)
            return (ting_final)f;
    return TING_FINAL_none;
}

/* The longest initial that the letters begin with (zh before z). */
static ting_initial initial_of(const char *text, size_t *length)
{
    ting_initial best = TING_INITIAL_none;
    *length = 0;
    for (int i = 1; i < TING_INITIAL_COUNT; i++) {
        size_t n = initial_names[i][1] == '\0' ? 1 : 2;
        if (n > *length && text[0] == initial_names[i][0] && (n == 1 || text[1] == initial_names[i][1])) {
            best = (ting_initial)i;
            *length = n;
        }
    }
    return best;
}

static int syllable_of(const char *text, int tone)
{
    ting_final whole = final_of(text);
    if (whole != TING_FINAL_none && base_of[TING_INITIAL_none][whole] != 0)
        return ting_pinyin_join(TING_INITIAL_none, whole, tone);
    if (strcmp(text, "r") == 0) /* erhua as some dictionaries number it: r5 */
        return tone == 5 ? ting_pinyin_id(TING_BASE_er, 5) : TING_PINYIN_NONE;
    size_t length;
    ting_initial initial = initial_of(text, &length);
    ting_final final = final_of(text + length);
    if (initial == TING_INITIAL_none || final == TING_FINAL_none)
        return TING_PINYIN_NONE;
    return ting_pinyin_join(initial, final, tone);
}

int ting_pinyin_read(const char *text, size_t length)
{
    spelled s;
    const char *space = length > 0 ? memchr(text, ' ', length) : NULL;
    if (space == NULL)
        return spell(text, length, &s) ? syllable_of(s.letters, s.tone == 0 ? 5 : s.tone) : TING_PINYIN_NONE;
    size_t before = (size_t)(space - text);
    ting_piece initial = ting_piece_read(text, before);
    if (initial.kind != TING_PIECE_INITIAL || !spell(space + 1, length - before - 1, &s))
        return TING_PINYIN_NONE;
    return ting_pinyin_join(initial.initial, final_of(s.letters), s.tone == 0 ? 5 : s.tone);
}

static bool has_capital(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (text[i] >= 'A' && text[i] <= 'Z')
            return true;
    return false;
}

ting_piece ting_piece_read(const char *token, size_t length)
{
    ting_piece part = {.kind = TING_PIECE_OTHER, .syllable = TING_PINYIN_NONE};
    spelled s;
    if (has_capital(token, length) || !spell(token, length, &s))
        return part;
    size_t initial_length;
    ting_initial initial = initial_of(s.letters, &initial_length);
    ting_final final = final_of(s.letters);
    part.tone = s.tone == 0 ? 5 : s.tone;
    if (initial != TING_INITIAL_none && s.letters[initial_length] == '\0' && s.tone == 0) {
        part.kind = TING_PIECE_INITIAL;
        part.initial = initial;
    } else if (final != TING_FINAL_none) {
        part.kind = TING_PIECE_FINAL;
        part.final = final;
    } else if ((part.syllable = syllable_of(s.letters, part.tone)) != TING_PINYIN_NONE) {
        part.kind = TING_PIECE_SYLLABLE;
        part.initial = ting_pinyin_initial(part.syllable);
        part.final = ting_pinyin_final(part.syllable);
    }
    return part;
}

/* ---- writing ---- */

/* Index of the letter that carries the mark: a or e; else the o of ou; else the last vowel; else the first
 * letter of a syllabic m, n, ng. `name` is a final. */
static size_t marked_letter(const char *name)
{
    size_t last = 0;
    for (size_t i = 0; name[i] != '\0'; i++) {
        if (name[i] == 'a' || name[i] == 'e' || (name[i] == 'o' && name[i + 1] == 'u'))
            return i;
        if (strchr("iouv", name[i]) != NULL)
            last = i;
    }
    return last;
}

static size_t put(char *out, uint32_t code_point)
{
    return (size_t)ting_utf8_encode(code_point, out);
}

/* The letter of the inventory with tone 1 to 4 (5: no mark). */
static size_t put_marked(char *out, char letter, int tone)
{
    for (int i = 0; i < LETTER_ROWS; i++) {
        const letter_row *row = &letters[i];
        if (row->letter != letter)
            continue;
        if (tone < 5 && row->marked[0][tone - 1] != 0)
            return put(out, row->marked[0][tone - 1]);
        size_t n = letter == 'v' || letter == 'E' ? put(out, row->plain[0]) : put(out, (uint32_t)letter);
        return tone < 5 ? n + put(out + n, combining_marks[tone - 1]) : n;
    }
    return put(out, (uint32_t)letter);
}

static size_t put_marked_final(char *out, ting_final final, int tone)
{
    const char *name = final == TING_FINAL_eh ? "E" : final_names[final];
    size_t mark = marked_letter(name), length = 0;
    for (size_t i = 0; name[i] != '\0'; i++)
        length += put_marked(out + length, name[i], i == mark ? tone : 5);
    return length;
}

size_t ting_pinyin_write(int id, ting_pinyin_notation notation, char out[TING_PINYIN_ROOM])
{
    const base_row *row = &bases[ting_pinyin_base(id)];
    size_t length = 0;
    if (notation == TING_PINYIN_NUMBERED || notation == TING_PINYIN_PLAIN) {
        length = strlen(row->spelling);
        memcpy(out, row->spelling, length);
        if (notation == TING_PINYIN_NUMBERED)
            out[length++] = (char)('0' + ting_pinyin_tone(id));
    } else {
        length = strlen(initial_names[row->initial]);
        memcpy(out, initial_names[row->initial], length);
        if (notation == TING_PINYIN_TOKENS && length > 0)
            out[length++] = ' ';
        length += put_marked_final(out + length, row->final, ting_pinyin_tone(id));
    }
    out[length] = '\0';
    return length;
}
