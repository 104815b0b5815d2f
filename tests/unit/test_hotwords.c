/* SPDX-License-Identifier: Apache-2.0 */
/* test_hotwords.c - words of a list in a confusion network, against all ways to read it; and lists as people write them. */
#include "support/support.h"

#include "base/mem.h"
#include "base/rng.h"
#include "base/str.h"
#include "decode/hotwords.h"
#include "engine/hotword_text.h"
#include "support/tiny.h"

#include <math.h>
#include <string.h>

static const char *const names[] = {"a1", "a2", "ba4", "ba5", "ci1"};
static const uint32_t points[] = {0x4E00, 0x4E01, 0x4E02, 0x4E03, 0x4E04, 0x4E05, 0x4E06};
static const ting_p2h_pair pairs[] = {{4, 4}, {5, 4}, {6, 4}, {6, 5}, {7, 5}, {8, 6}, {9, 6}, {8, 7}};

enum { A1 = 4, A2, BA4, BA5, CI1, MOST = 4, WORDS = 6 };

static int base(int syllable)
{
    return syllable <= A2 ? A1 : syllable <= BA5 ? BA4 : CI1;
}

typedef struct oracle { /* all ways in which a word may be read off a network */
    const ting_confusion *network;
    const ting_hotword *word;
    int missed; /* the syllable that was not heard; -1: none */
    bool gone;  /* and it has no place, instead of being something else */
    int ways;
    double best;
} oracle;

/* What syllable i of the word adds at a place, without the bonus; NAN: it cannot be there. */
static double fits(const oracle *o, int i, int place)
{
    const ting_confusion_place *p = &o->network->places[place];
    double own = NAN, tone = NAN;
    bool any = false;
    for (int k = 0; k < p->count; k++) {
        const ting_confusion_choice *c = &p->choices[k];
        any |= c->symbol != TING_CONFUSION_NOTHING;
        if (c->symbol == o->word->syllables[i])
            own = c->log_prob;
        else if (c->symbol != TING_CONFUSION_NOTHING && base(c->symbol) == base(o->word->syllables[i]))
            tone = fmax(tone, c->log_prob - 2);
    }
    if (i == o->missed)
        return any && isnan(own) && isnan(tone) ? -5 : NAN;
    return fmax(own, tone); /* of one that is none the other */
}

/* Syllables i, i + 1, .. from `place` on; the first that has a place is at `place` itself. */
static void read_off(oracle *o, int i, int place, bool begun, double score)
{
    if (i == o->word->count) {
        o->ways++;
        o->best = fmax(o->best, score);
        return;
    }
    if (i == o->missed && o->gone) {
        read_off(o, i + 1, place, begun, score - 0.5 * 5);
        return;
    }
    if (place == o->network->count)
        return;
    for (int k = 0; begun && k < o->network->places[place].count; k++)
        if (o->network->places[place].choices[k].symbol == TING_CONFUSION_NOTHING)
            read_off(o, i, place + 1, true, score + 0.5 * o->network->places[place].choices[k].log_prob);
    const double heard = fits(o, i, place);
    if (!isnan(heard))
        read_off(o, i + 1, place + 1, true, score + 0.5 * heard + 2);
}

static oracle all_ways(const ting_confusion *network, const ting_hotword *word)
{
    oracle o = {.network = network, .word = word, .best = -INFINITY};
    for (int t = 0; t < network->count; t++)
        for (o.missed = -1; o.missed < (word->count >= 3 ? word->count : 0); o.missed++)
            for (int gone = 0; gone <= (o.missed >= 0); gone++) {
                o.gone = gone;
                read_off(&o, 0, t, false, 0);
            }
    return o;
}

static void words_are_found_wherever_they_are(void **state)
{
    (void)state;
    ting_p2h_tables tables;
    ting_rng rng = ting_rng_new(2, 0);
    ting_arena *arena = ting_arena_new(1 << 16);
    int found = 0;
    assert_ok(ting_p2h_tables_make(&tables, 5, names, 7, points, sizeof pairs / sizeof pairs[0], pairs));
    for (int round = 0; round < 200; round++) {
        int syllables[WORDS][MOST], heard[3][6], characters[MOST] = {0};
        ting_hotword list[WORDS];
        ting_hotwords *hotwords;
        ting_confusion network;
        ting_confusion_input inputs[3];
        ting_hotword_matches matches;
        for (int w = 0; w < WORDS; w++) {
            list[w] = (ting_hotword){syllables[w], characters, 1 + (int)ting_rng_below(&rng, MOST), 0};
            for (int i = 0; i < MOST; i++)
                syllables[w][i] = A1 + (int)ting_rng_below(&rng, 5);
        }
        for (int n = 0; n < 3; n++) {
            inputs[n] = (ting_confusion_input){.symbols = heard[n], .count = 4 + (int)ting_rng_below(&rng, 3), .score = -ting_rng_uniform(&rng)};
            for (int i = 0; i < 6; i++)
                heard[n][i] = A1 + (int)ting_rng_below(&rng, 5);
        }
        assert_ok(ting_confusion_make(arena, inputs, 3, &network));
        assert_ok(ting_hotwords_new(&tables, list, WORDS, &hotwords));
        assert_ok(ting_hotwords_find(hotwords, arena, &network, 0.5, 2, &matches));
        for (int w = 0; w < WORDS; w++) {
            int got = 0;
            double got_best = -INFINITY;
            const oracle o = all_ways(&network, &list[w]);
            for (int m = 0; m < matches.count; m++) {
                const ting_hotword_match *match = &matches.items[m];
                assert_true(m == 0 || match->end >= matches.items[m - 1].end);
                if (match->number != w)
                    continue;
                got++;
                got_best = fmax(got_best, match->score);
                assert_true(match->places[0] == match->first && match->places[list[w].count - 1] == match->end - 1);
            }
            assert_int_equal(got, o.ways);
            assert_true(got == 0 || fabs(got_best - o.best) < 1e-9);
            found += got;
        }
        ting_hotwords_free(hotwords);
        ting_arena_reset(arena);
    }
    assert_true(found > 1000);
    const int bad[] = {A1, 99};
    ting_hotwords *none;
    assert_fails(TING_ERR_ARGUMENT, "hotword 1 has a syllable", ting_hotwords_new(&tables, &(ting_hotword){bad, bad, 2, 0}, 1, &none));
    assert_fails(TING_ERR_ARGUMENT, "0 syllables", ting_hotwords_new(&tables, &(ting_hotword){bad, bad, 0, 0}, 1, &none));
    ting_p2h_tables_free(&tables);
    ting_arena_free(arena);
}

/* 40 places that may all be empty say a word of 32 equal syllables in 77 million ways. */
static void a_word_that_fits_everywhere_takes_no_time(void **state)
{
    (void)state;
    enum { PLACES = 40, LONG = TING_HOTWORD_MOST };
    ting_p2h_tables tables;
    ting_hotwords *hotwords;
    ting_confusion network;
    ting_hotword_matches matches;
    int said[PLACES], syllables[LONG], characters[LONG] = {0};
    ting_arena *arena = ting_arena_new(1 << 16);
    for (int i = 0; i < PLACES; i++)
        said[i] = A1;
    for (int i = 0; i < LONG; i++)
        syllables[i] = A1;
    const ting_confusion_input inputs[] = {{.symbols = said, .count = PLACES}, {.symbols = said, .count = 0}};
    assert_ok(ting_p2h_tables_make(&tables, 5, names, 7, points, sizeof pairs / sizeof pairs[0], pairs));
    assert_ok(ting_confusion_make(arena, inputs, 2, &network));
    assert_int_equal(network.places[PLACES - 1].count, 2);
    assert_ok(ting_hotwords_new(&tables, &(ting_hotword){syllables, characters, LONG, 0}, 1, &hotwords));
    assert_ok(ting_hotwords_find(hotwords, arena, &network, 1, 0, &matches));
    assert_true(matches.count > 0);
    ting_hotwords_free(hotwords);
    ting_p2h_tables_free(&tables);
    ting_arena_free(arena);
}

static void hear(void *self, ting_log_level level, const char *sentence)
{
    (void)level;
    ting_str_addf(self, "%s|", sentence);
}

static void lists_are_read(void **state)
{
    (void)state;
    char *path = ting_temp_path("tiny.gguf");
    ting_hanzi_p2h *p2h;
    ting_hotword_list *list;
    ting_str said = {0};
    const ting_log log = {hear, &said};
    assert_ok(ting_tiny_model_save(path, 1, TING_TINY_P2H));
    assert_ok(ting_hanzi_p2h_open(path, TING_PRECISION_F32, &p2h));
    static const char text[] = "\xEF\xBB\xBF中国 :2 zhong1 guo2\r\n\n# a remark\nZ zhong1 guo2\n中x zhong1 guo2 :-1\nPhone\n";
    assert_ok(ting_hotword_list_parse("list", text, sizeof text - 1, p2h, 0.5, &log, &list));
    assert_string_equal(ting_hotword_list_part(list, 0, 0), "中");
    assert_string_equal(ting_hotword_list_part(list, 0, 1), "国");
    assert_string_equal(ting_hotword_list_part(list, 1, 0), "Z");
    assert_string_equal(ting_hotword_list_part(list, 1, 1), "");
    assert_string_equal(ting_hotword_list_part(list, 2, 1), "x");
    const double weights[] = {2, 0.5, -1};
    for (int i = 0; i < 3; i++)
        assert_true(fabs(ting_hotwords_at(list->hotwords, i)->log_prob - (weights[i] - 3 - log1p(2))) < 1e-9);
    assert_int_equal(ting_hotwords_at(list->hotwords, 1)->characters[0], TING_P2H_FOREIGN);
    assert_non_null(strstr(said.text, "list:6: Phone is left out"));
    ting_hotword_list_free(list);
    static const struct {
        const char *text, *said;
    } bad[] = {{"中国 :x", "list:1: the weight \":x\""},
               {"\n中国 zhong1 foo", "list:2: \"foo\" behind the word"},
               {"中国 :1e9", "the weight"},
               {"\xff\xfe zhong1", "not UTF-8"}, {"zhong1 guo2", "\"zhong1\" is a syllable"}, {"zhōng guó", "is a syllable"}};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_fails(TING_ERR_FORMAT, bad[i].said, ting_hotword_list_parse("list", bad[i].text, strlen(bad[i].text), p2h, 0, NULL, &list));
        assert_null(list);
    }
    ting_hanzi_p2h_close(p2h);
    ting_str_free(&said);
    ting_free(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_are_found_wherever_they_are),
        cmocka_unit_test(a_word_that_fits_everywhere_takes_no_time),
        cmocka_unit_test(lists_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
