/* SPDX-License-Identifier: Apache-2.0 */
/* test_confusion.c - hypotheses laid side by side: places, shares, what is missing, what was nearly heard; and what was nearly heard from
 * tokens and their rivals. */
#include "support/support.h"

#include "base/rng.h"
#include "decode/confusion.h"
#include "engine/near_syllables.h"

#include <math.h>
#include <string.h>

static const ting_confusion_choice *find(const ting_confusion_place *place, int symbol)
{
    for (int i = 0; i < place->count; i++)
        if (place->choices[i].symbol == symbol)
            return &place->choices[i];
    return NULL;
}

static void assert_choice(const ting_confusion_place *place, int symbol, double probability, int input, int at, int other)
{
    const ting_confusion_choice *choice = find(place, symbol);
    assert_non_null(choice);
    assert_true(fabs(exp(choice->log_prob) - probability) < 1e-9);
    assert_int_equal(choice->input, input);
    if (symbol != TING_CONFUSION_NOTHING)
        assert_int_equal(choice->place, at);
    assert_int_equal(choice->other, other);
}

/* The picture in confusion.h. */
static void shares_add_up(void **state)
{
    (void)state;
    enum { ZHONG1, ZHONG4, GUO2, REN2, HEN3 };
    static const int one[] = {ZHONG1, GUO2, REN2}, two[] = {ZHONG4, GUO2, REN2}, three[] = {ZHONG1, GUO2};
    static const ting_confusion_other others[] = {{0, ZHONG4, 0.1}, {2, HEN3, 1}};
    const ting_confusion_input inputs[] = {
        {.symbols = one, .count = 3, .score = log(0.05), .others = others, .other_count = 2},
        {.symbols = two, .count = 3, .score = log(0.03)},
        {.symbols = three, .count = 2, .score = log(0.02)}};
    ting_arena *arena = ting_arena_new(4096);
    ting_confusion network;
    assert_ok(ting_confusion_make(arena, inputs, 3, &network));
    assert_int_equal(network.count, 3);
    assert_choice(&network.places[0], ZHONG1, 0.7, 0, 0, -1);
    assert_choice(&network.places[0], ZHONG4, 0.5 * exp(-0.1), 1, 0, -1); /* nearly heard of the first: more than the 0.3 of the second */
    assert_choice(&network.places[1], GUO2, 1, 0, 1, -1);
    assert_choice(&network.places[2], REN2, 0.8, 0, 2, -1);
    assert_choice(&network.places[2], TING_CONFUSION_NOTHING, 0.2, 2, 0, -1);
    assert_choice(&network.places[2], HEN3, 0.5 * exp(-1), 0, 2, 1);
    assert_int_equal(network.places[2].count, 3);
    ting_arena_free(arena);
}

/* What one hypothesis has between others becomes a place where the others have nothing; of two ways to align, the one whose symbols
 * were said at the same time. */
static void times_say_what_belongs_together(void **state)
{
    (void)state;
    static const int one[] = {1, 1}, two[] = {1}, three[] = {1, 2, 1};
    static const double at[] = {0.2, 0.8}, late[] = {0.75}, between[] = {0.2, 0.5, 0.8};
    const ting_confusion_input inputs[] = {{.symbols = one, .starts = at, .count = 2, .score = log(0.5)},
                                           {.symbols = two, .starts = late, .count = 1, .score = log(0.25)},
                                           {.symbols = three, .starts = between, .count = 3, .score = log(0.25)}};
    ting_arena *arena = ting_arena_new(4096);
    ting_confusion network;
    assert_ok(ting_confusion_make(arena, inputs, 3, &network));
    assert_int_equal(network.count, 3);
    assert_choice(&network.places[0], 1, 0.75, 0, 0, -1);
    assert_choice(&network.places[0], TING_CONFUSION_NOTHING, 0.25, 1, 0, -1);
    assert_choice(&network.places[1], TING_CONFUSION_NOTHING, 0.75, 0, 0, -1);
    assert_choice(&network.places[1], 2, 0.25, 2, 1, -1);
    assert_choice(&network.places[2], 1, 1, 0, 1, -1);
    ting_arena_free(arena);
}

/* Whatever the hypotheses: at each place the shares of what they have add up to 1, and each can be read off in order. */
static void every_hypothesis_is_a_path(void **state)
{
    (void)state;
    enum { INPUTS = 6, MOST = 8, SYMBOLS = 4 };
    ting_rng rng = ting_rng_new(1, 0);
    ting_arena *arena = ting_arena_new(1 << 14);
    for (int round = 0; round < 300; round++) {
        int symbols[INPUTS][MOST];
        ting_confusion_input inputs[INPUTS];
        ting_confusion network;
        for (int i = 0; i < INPUTS; i++) {
            inputs[i] = (ting_confusion_input){.symbols = symbols[i], .count = (int)ting_rng_below(&rng, MOST + 1),
                                               .score = -3 * ting_rng_uniform(&rng)};
            for (int k = 0; k < inputs[i].count; k++)
                symbols[i][k] = (int)ting_rng_below(&rng, SYMBOLS);
        }
        assert_ok(ting_confusion_make(arena, inputs, 1 + round % INPUTS, &network));
        for (int t = 0; t < network.count; t++) {
            double sum = 0;
            for (int c = 0; c < network.places[t].count; c++)
                sum += exp(network.places[t].choices[c].log_prob);
            assert_true(fabs(sum - 1) < 1e-9);
        }
        for (int i = 0; i < 1 + round % INPUTS; i++) {
            int reached = 0; /* bit k: the first k symbols may have been read */
            reached |= 1;
            for (int t = 0; t < network.count; t++) {
                int next = find(&network.places[t], TING_CONFUSION_NOTHING) != NULL ? reached : 0;
                for (int k = 0; k < inputs[i].count; k++)
                    if ((reached >> k & 1) != 0 && find(&network.places[t], symbols[i][k]) != NULL)
                        next |= 2 << k;
                reached = next;
            }
            assert_true((reached >> inputs[i].count & 1) != 0);
        }
        ting_arena_reset(arena);
    }
    ting_arena_free(arena);
}

/* The example in near_syllables.h. */
static void rivals_make_other_syllables(void **state)
{
    (void)state;
    enum { ZH, Z, SH, ONG1, ONG4, EN1, A, PIECES };
    static const char *const names[PIECES] = {"zh", "z", "sh", "ōng", "òng", "ēn", "A"};
    ting_piece pieces[PIECES];
    for (int i = 0; i < PIECES; i++)
        pieces[i] = ting_piece_read(names[i], strlen(names[i]));
    const ting_hit hits[] = {{ZH, 1.0, 1.04, -0.1}, {ONG1, 1.1, 1.14, -0.3}};
    /* shong does not exist, a final is none for an initial, A is no pinyin, and what is lost by far is not worth a thought */
    static const ting_rival rivals[2][TING_RIVALS] = {{{Z, -2.0}, {SH, -2.5}, {EN1, -3}}, {{ONG4, -1.0}, {A, -1.5}, {EN1, -3.2}}};
    const ting_syllable zhong1 = {.id = ting_pinyin_read("zhong1", 6), .hits = 2};
    ting_confusion_other others[TING_NEAR_MOST];
    static const struct {
        const char *name;
        double loss;
    } want[] = {{"zhong4", 0.7}, {"zong1", 1.9}, {"zong4", 2.6}, {"zhen1", 2.9}, {"zen1", 4.8}}; /* shen1: 5.3 */
    assert_int_equal(ting_near_syllables(pieces, PIECES, hits, rivals, &zhong1, 7, others), 5);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(others[i].symbol, ting_pinyin_read(want[i].name, strlen(want[i].name)));
        assert_true(fabs(others[i].loss - want[i].loss) < 1e-9);
        assert_int_equal(others[i].place, 7);
    }
    /* a final alone */
    const ting_syllable en1 = {.id = ting_pinyin_read("en1", 3), .hits = 1};
    static const ting_hit alone[] = {{EN1, 1.0, 1.04, -0.2}};
    static const ting_rival few[1][TING_RIVALS] = {{{ZH, -0.9}, {-1, 0}, {-1, 0}}};
    assert_int_equal(ting_near_syllables(pieces, PIECES, alone, few, &en1, 0, others), 0);
    const ting_syllable letter = {.id = TING_PINYIN_NONE, .hits = 1};
    assert_int_equal(ting_near_syllables(pieces, PIECES, alone, few, &letter, 0, others), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shares_add_up),
        cmocka_unit_test(times_say_what_belongs_together),
        cmocka_unit_test(every_hypothesis_is_a_path),
        cmocka_unit_test(rivals_make_other_syllables),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
