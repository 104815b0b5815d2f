/* SPDX-License-Identifier: Apache-2.0 */
/* test_p2h_lm.c - lines for a network and a language model together, beside all lines that there are. */
#include "support/support.h"

#include "base/rng.h"
#include "decode/p2h_lm.h"
#include "model/arpa.h"

#include <math.h>
#include <string.h>

enum { CHOICES = 3, LENGTH = 5, LINES = 243, BEST = 12 };

static const char text[] = "\\data\\\nngram 1=6\nngram 2=5\nngram 3=2\n\\1-grams:\n-2 <unk>\n-99 <s> -0.3\n-0.5 </s>\n-0.9 天 -0.2\n-1.5 气 -0.25\n-1.1 好 -0.1\n"
                           "\\2-grams:\n-0.4 <s> 天 -0.15\n-0.3 天 气 -0.1\n-0.7 气 好 -0.3\n-0.2 好 </s>\n-0.8 天 天\n"
                           "\\3-grams:\n-0.1 <s> 天 气\n-0.05 气 好 </s>\n\\end\\\n";

/* The words of five characters: one is not known. */
static const uint32_t word[] = {3, 4, 5, 3, TING_NGRAM_UNKNOWN};

typedef struct line {
    int choices[LENGTH];
    double score;
} line;

/* Every line, best first. */
static void list_all(const ting_p2h_lm *lm, const ting_p2h_place *places, line *all)
{
    for (int n = 0; n < LINES; n++) {
        ting_ngram_state state = ting_ngram_begin(lm->ngram);
        line l = {.score = 0};
        for (int t = 0, rest = n; t < LENGTH; t++, rest /= CHOICES) {
            const int character = places[t].characters[rest % CHOICES];
            l.choices[t] = rest % CHOICES;
            l.score += places[t].log_probs[rest % CHOICES];
            if (character != TING_P2H_NOTHING)
                l.score += lm->weight * ting_ngram_score(lm->ngram, &state, lm->word[character], &state);
        }
        l.score += lm->weight * ting_ngram_score(lm->ngram, &state, TING_NGRAM_END, &state);
        int at = n;
        for (; at > 0 && all[at - 1].score < l.score; at--)
            all[at] = all[at - 1];
        all[at] = l;
    }
}

typedef struct sheet { /* random characters for each place */
    int characters[LENGTH][CHOICES];
    double log_probs[LENGTH][CHOICES];
    ting_p2h_place places[LENGTH];
} sheet;

static void fill(sheet *s, ting_rng *rng)
{
    for (int t = 0; t < LENGTH; t++) {
        for (int i = 0; i < CHOICES; i++) {
            s->characters[t][i] = i < 2 ? (int)ting_rng_below(rng, 2) + i * 2 : 4;
            s->log_probs[t][i] = -i - ting_rng_uniform(rng);
        }
        s->places[t] = (ting_p2h_place){.count = CHOICES, .characters = s->characters[t], .log_probs = s->log_probs[t]};
    }
}

static ting_ngram *make_ngram(void)
{
    ting_ngram_table table;
    ting_ngram *ngram;
    assert_ok(ting_arpa_parse("words", text, strlen(text), &table));
    assert_ok(ting_ngram_make(&table, &ngram));
    ting_ngram_table_free(&table);
    return ngram;
}

static void the_best_lines_are_found(void **state)
{
    (void)state;
    ting_ngram *ngram = make_ngram();
    ting_arena *arena = ting_arena_new(1 << 16);
    ting_rng rng = ting_rng_new(5, 0);
    static line all[LINES];
    for (int round = 0; round < 20; round++) {
        int found[BEST * LENGTH], count;
        double scores[BEST];
        sheet random;
        const ting_p2h_place *places = random.places;
        const ting_p2h_lm lm = {.ngram = ngram, .word = word, .weight = round % 4 * 0.5, .beam = LINES};
        fill(&random, &rng);
        if (round % 2 == 1) /* one place may stay empty */
            random.characters[2][1] = TING_P2H_NOTHING;
        list_all(&lm, places, all);
        assert_ok(ting_p2h_lm_search(&lm, arena, places, LENGTH, NULL, NULL, BEST, found, scores, &count));
        assert_int_equal(count, BEST);
        for (int i = 0; i < BEST; i++) {
            assert_true(fabs(scores[i] - all[i].score) < 1e-9);
            if (i + 1 < BEST && all[i].score - all[i + 1].score > 1e-9 && (i == 0 || all[i - 1].score - all[i].score > 1e-9))
                assert_memory_equal(found + i * LENGTH, all[i].choices, sizeof all[i].choices);
        }
        const ting_p2h_lm narrow = {.ngram = ngram, .word = word, .weight = lm.weight, .beam = 2}; /* may lose, never wins */
        assert_ok(ting_p2h_lm_search(&narrow, arena, places, LENGTH, NULL, NULL, BEST, found, scores, &count));
        assert_int_equal(count, BEST); /* as many as are wanted are kept all along */
        assert_ok(ting_p2h_lm_search(&narrow, arena, places, LENGTH, NULL, NULL, 2, found, scores, &count));
        assert_int_equal(count, 2);
        assert_true(scores[0] <= all[0].score + 1e-9 && scores[0] > all[LINES - 1].score);
    }
    int nothing, count; /* an empty line is one */
    double score;
    const ting_p2h_lm lm = {.ngram = ngram, .word = word, .weight = 1, .beam = 4};
    assert_ok(ting_p2h_lm_search(&lm, arena, NULL, 0, NULL, NULL, 1, &nothing, &score, &count));
    assert_true(count == 1 && score < 0);
    ting_ngram_free(ngram);
    ting_arena_free(arena);
}

/* A glance that looks to the end keeps what the lines of an equally narrow search have; one that looks less far keeps those too; one as
 * wide as there are lines keeps all. */
static void a_glance_keeps_what_good_beginnings_have(void **state)
{
    (void)state;
    enum { NARROW = 4 };
    ting_ngram *ngram = make_ngram();
    ting_arena *arena = ting_arena_new(1 << 16);
    ting_rng rng = ting_rng_new(6, 0);
    int dropped = 0, more = 0;
    for (int round = 0; round < 20; round++) {
        bool to_end[LENGTH][CHOICES] = {{0}}, near[LENGTH][CHOICES] = {{0}}, wide[LENGTH][CHOICES] = {{0}}, in_lines[LENGTH][CHOICES] = {{0}};
        bool *rows[3][LENGTH];
        int found[NARROW * LENGTH], count;
        double scores[NARROW];
        sheet random;
        fill(&random, &rng);
        for (int t = 0; t < LENGTH; t++) {
            rows[0][t] = to_end[t];
            rows[1][t] = near[t];
            rows[2][t] = wide[t];
        }
        const ting_p2h_lm narrow = {.ngram = ngram, .word = word, .weight = 1, .beam = NARROW};
        const ting_p2h_lm all = {.ngram = ngram, .word = word, .weight = 1, .beam = LINES};
        assert_ok(ting_p2h_lm_search(&narrow, arena, random.places, LENGTH, NULL, NULL, NARROW, found, scores, &count));
        for (int i = 0; i < count; i++)
            for (int t = 0; t < LENGTH; t++)
                in_lines[t][found[i * LENGTH + t]] = true;
        assert_ok(ting_p2h_lm_glance(&narrow, arena, random.places, LENGTH, LENGTH, rows[0]));
        assert_ok(ting_p2h_lm_glance(&narrow, arena, random.places, LENGTH, 1, rows[1]));
        assert_ok(ting_p2h_lm_glance(&all, arena, random.places, LENGTH, 1, rows[2]));
        assert_memory_equal(to_end, in_lines, sizeof in_lines);
        for (int t = 0; t < LENGTH; t++)
            for (int i = 0; i < CHOICES; i++) {
                assert_true(near[t][i] >= to_end[t][i]);
                assert_true(wide[t][i]);
                dropped += !near[t][i];
                more += near[t][i] > to_end[t][i];
            }
    }
    assert_true(dropped > 0 && more > 0);
    ting_ngram_free(ngram);
    ting_arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_best_lines_are_found),
        cmocka_unit_test(a_glance_keeps_what_good_beginnings_have),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
