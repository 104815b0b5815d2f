/* SPDX-License-Identifier: Apache-2.0 */
/* p2h_confuse.c - neighbours of syllables, from the inventory of text/pinyin.h. */
#include "data/p2h_confuse.h"

#include "base/mem.h"
#include "text/pinyin.h"

#include <stdbool.h>
#include <string.h>

struct ting_p2h_confuser {
    int syllables;
    int *pinyin;                 /* [syllables] inventory id, or TING_PINYIN_NONE */
    int table[TING_PINYIN_COUNT]; /* back */
};

ting_p2h_confuser *ting_p2h_confuser_new(const ting_p2h_tables *tables)
{
    ting_p2h_confuser *c = ting_alloc(1, sizeof *c);
    if (c == NULL)
        return NULL;
    c->syllables = tables->syllables;
    c->pinyin = ting_alloc((size_t)tables->syllables, sizeof *c->pinyin);
    if (c->pinyin == NULL) {
        ting_free(c);
        return NULL;
    }
    for (int i = 0; i < TING_PINYIN_COUNT; i++)
        c->table[i] = TING_P2H_UNKNOWN;
    for (int s = 0; s < tables->syllables; s++) {
        c->pinyin[s] = s < TING_P2H_FIRST ? TING_PINYIN_NONE
                                          : ting_pinyin_read(tables->syllable[s], strlen(tables->syllable[s]));
        if (c->pinyin[s] != TING_PINYIN_NONE)
            c->table[c->pinyin[s]] = s;
    }
    return c;
}

void ting_p2h_confuser_free(ting_p2h_confuser *confuser)
{
    if (confuser != NULL)
        ting_free(confuser->pinyin);
    ting_free(confuser);
}

static bool among(const char *a, const char *b, const char *const pairs[][2], size_t count)
{
    for (size_t i = 0; i < count; i++)
        if ((strcmp(a, pairs[i][0]) == 0 && strcmp(b, pairs[i][1]) == 0) ||
            (strcmp(b, pairs[i][0]) == 0 && strcmp(a, pairs[i][1]) == 0))
            return true;
    return false;
}

static bool near_initials(int a, int b)
{
    static const char *const pairs[][2] = {{"zh", "z"}, {"ch", "c"}, {"sh", "s"}, {"n", "l"}, {"l", "r"}, {"f", "h"},
                                           {"b", "p"},  {"d", "t"},  {"g", "k"},  {"j", "q"}, {"zh", "ch"}, {"z", "c"},
                                           {"q", "x"},  {"j", "zh"}, {"q", "ch"}, {"x", "sh"}, {"g", "h"}, {"k", "h"}};
    return among(ting_initial_name(ting_pinyin_initial(a)), ting_initial_name(ting_pinyin_initial(b)), pairs,
                 sizeof pairs / sizeof pairs[0]);
}

static bool near_finals(int a, int b)
{
    static const char *const pairs[][2] = {{"an", "ang"}, {"en", "eng"}, {"in", "ing"},   {"ian", "iang"}, {"uan", "uang"},
                                           {"ian", "ie"}, {"un", "ong"}, {"eng", "ong"},  {"uo", "ou"},    {"e", "uo"},
                                           {"ai", "ei"},  {"ao", "ou"},  {"iao", "iu"},   {"i", "v"},      {"i", "u"},
                                           {"ie", "ve"},  {"uan", "un"}, {"iong", "ong"}, {"ua", "uo"},    {"ui", "ei"},
                                           {"e", "er"},   {"a", "ua"},   {"ia", "ie"},    {"an", "en"},    {"ian", "in"}};
    return among(ting_final_name(ting_pinyin_final(a)), ting_final_name(ting_pinyin_final(b)), pairs,
                 sizeof pairs / sizeof pairs[0]);
}

int ting_p2h_confuse(const ting_p2h_confuser *c, ting_confusion kind, int syllable, ting_rng *rng)
{
    const int here = syllable >= 0 && syllable < c->syllables ? c->pinyin[syllable] : TING_PINYIN_NONE;
    if (here == TING_PINYIN_NONE)
        return syllable;
    if (kind == TING_CONFUSE_TONE) {
        int tone = 1 + (int)ting_rng_below(rng, TING_PINYIN_TONES - 1);
        tone += tone >= ting_pinyin_tone(here);
        int other = c->table[ting_pinyin_with_tone(here, tone)];
        return other == TING_P2H_UNKNOWN ? syllable : other;
    }
    const bool by_initial = kind == TING_CONFUSE_INITIAL;
    const bool near_only = ting_rng_below(rng, 4) != 0;
    int found = TING_P2H_UNKNOWN, near_found = TING_P2H_UNKNOWN;
    uint32_t seen = 0, near_seen = 0; /* reservoir: each of n candidates stays with probability 1 / n */
    for (int base = 0; base < TING_PINYIN_BASES; base++) {
        int other = ting_pinyin_id(base, ting_pinyin_tone(here));
        bool same_initial = ting_pinyin_initial(other) == ting_pinyin_initial(here);
        bool same_final = ting_pinyin_final(other) == ting_pinyin_final(here);
        if (same_initial == same_final || same_final != by_initial || c->table[other] == TING_P2H_UNKNOWN)
            continue;
        if (ting_rng_below(rng, ++seen) == 0)
            found = c->table[other];
        if ((by_initial ? near_initials(here, other) : near_finals(here, other)) &&
            ting_rng_below(rng, ++near_seen) == 0)
            near_found = c->table[other];
    }
    if (near_only && near_found != TING_P2H_UNKNOWN)
        return near_found;
    return found == TING_P2H_UNKNOWN ? syllable : found;
}
