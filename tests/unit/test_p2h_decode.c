/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_p2h_decode.c - n best lines against all lines, limits, windows, pooled sequences, failing allocations; for the
 * one-to-one network and the encoder-decoder, with random weights.
 */
#include "support/failing.h"
#include "support/support.h"

#include "base/mem.h"
#include "decode/best_sums.h"
#include "decode/p2h.h"
#include "decode/p2h_rescore.h"
#include "decode/s2s.h"
#include "model/arpa.h"
#include "model/schema.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *const names[] = {"a1", "a2", "ba4", "ba5", "ci1"};
static const uint32_t points[] = {0x4E00, 0x4E01, 0x4E02, 0x4E03, 0x4E04, 0x4E05, 0x4E06};
/* a1: 4 5 6; a2: 6 7; ba4: 8 9; ba5: 8; ci1: none */
static const ting_p2h_pair pairs[] = {{4, 4}, {5, 4}, {6, 4}, {6, 5}, {7, 5}, {8, 6}, {9, 6}, {8, 7}};

enum { A1 = 4, A2, BA4, BA5, CI1 };

static ting_p2h_model random_model(bool s2s)
{
    ting_p2h_model m = {.params = ting_params_new()};
    const ting_transformer_shape layer = {.width = 8, .heads = 2, .inner = 12, .norm = TING_NORM_BEFORE,
                                          .act = TING_ACT_RELU, .eps = (ting_real)1e-5};
    assert_ok(ting_p2h_tables_make(&m.tables, 5, names, 7, points, sizeof pairs / sizeof pairs[0], pairs));
    if (s2s)
        m.s2s = ting_s2s_net_new(&(ting_s2s_shape){.syllables = m.tables.syllables, .characters = m.tables.characters,
                                                   .encoder_layers = 1, .decoder_layers = 1, .layer = layer},
                                 m.params);
    else
        m.net = ting_p2h_net_new(&(ting_p2h_shape){.syllables = m.tables.syllables, .characters = m.tables.characters,
                                                   .embedding = 8, .pair_rows = 16, .triple_rows = 16, .triple_places = 1, .ngram_dim = 4,
                                                   .layers = 1, .layer = layer},
                                 m.params);
    assert_ok(ting_params_alloc(m.params, false));
    ting_rng rng = ting_rng_new(11, s2s);
    for (size_t i = 0; i < ting_params_elements(m.params); i++)
        ting_params_values(m.params)[i] = (ting_real)(0.6 * ting_rng_normal(&rng));
    return m;
}

static ting_err decode(const ting_p2h_model *m, ting_arena *arena, ting_p2h_limit limit, int nbest, const int *ids,
                       int count, ting_p2h_page *page)
{
    return ting_p2h_decode(m, ting_kern_select(TING_CPU_SCALAR), NULL, arena,
                           &(ting_p2h_options){.limit = limit, .nbest = nbest, .alternatives = 2},
                           &(ting_p2h_input){.syllables = ids, .count = count}, 1, page);
}

/* With as many lines wanted as there are, all come, each once, falling, and their probabilities add up to 1. */
static void all_lines_are_found(void **state)
{
    (void)state;
    static const int line[] = {A1, BA4, A2}; /* 3 x 2 x 2 lines */
    for (int s2s = 0; s2s < 2; s2s++) {
        ting_p2h_model m = random_model(s2s == 1);
        ting_arena *arena = ting_arena_new(1 << 16);
        ting_p2h_page all, few;
        assert_ok(decode(&m, arena, TING_P2H_EXACT, 20, line, 3, &all));
        assert_int_equal(all.line_count, 12);
        double sum = 0;
        for (int i = 0; i < 12; i++) {
            const int *c = all.lines[i].characters;
            assert_true(c[0] >= 4 && c[0] <= 6 && (c[1] == 8 || c[1] == 9) && (c[2] == 6 || c[2] == 7));
            for (int k = 0; k < i; k++)
                assert_memory_not_equal(c, all.lines[k].characters, 3 * sizeof *c);
            assert_true(i == 0 || all.lines[i].score <= all.lines[i - 1].score);
            sum += exp(all.lines[i].score);
        }
        assert_true(fabs(sum - 1) < 1e-5); /* float logits, 12 terms */
        assert_ok(decode(&m, arena, TING_P2H_EXACT, 3, line, 3, &few));
        assert_int_equal(few.line_count, 3);
        for (int i = 0; i < (s2s ? 1 : 3); i++) /* a beam of 4 need not find the second best: the one-to-one search is exact */
            assert_memory_equal(few.lines[i].characters, all.lines[i].characters, 3 * sizeof(int));
        for (int t = 0; t < 3; t++) { /* alternatives: the others of the syllable, then nothing */
            assert_int_not_equal(few.alternatives[2 * t], few.lines[0].characters[t]);
            assert_int_equal(few.alternatives[2 * t + 1] < 0, t > 0);
        }
        ting_arena_free(arena);
        ting_p2h_model_close(&m);
    }
}

static int falling(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x < y) - (x > y);
}

/* Against all sums, sorted; quarters add exactly, and make ties. */
static void best_sums_are_those_of_all_sums(void **state)
{
    (void)state;
    enum { LISTS = 4, MOST = 5, ALL = MOST * MOST * MOST * MOST };
    ting_rng rng = ting_rng_new(3, 0);
    ting_arena *arena = ting_arena_new(1 << 14);
    for (int round = 0; round < 200; round++) {
        double scores[LISTS][MOST], all[ALL];
        ting_sum_list lists[LISTS];
        int sums = 1;
        all[0] = -2;
        for (int t = 0; t < LISTS; t++) {
            lists[t] = (ting_sum_list){scores[t], (int)ting_rng_below(&rng, MOST) + (round % 10 != 0)};
            for (int i = 0; i < lists[t].count; i++)
                scores[t][i] = -(double)ting_rng_below(&rng, 12) / 4;
            qsort(scores[t], (size_t)lists[t].count, sizeof scores[t][0], falling);
            for (int s = sums - 1; s >= 0; s--) /* downwards: room for the products */
                for (int i = lists[t].count - 1; i >= 0; i--)
                    all[s * lists[t].count + i] = all[s] + scores[t][i];
            sums *= lists[t].count;
        }
        qsort(all, (size_t)sums, sizeof all[0], falling);
        for (int most = 1; most <= 40; most += 13) {
            ting_sums found;
            const int want = most < sums ? most : sums;
            assert_int_equal(ting_sums_possible(lists, LISTS, most), want);
            assert_ok(ting_sums_find(arena, lists, LISTS, most, -2, &found));
            assert_int_equal(found.count, want);
            for (int r = 0; r < want; r++) {
                int choices[LISTS];
                double sum = -2;
                ting_sums_choices(&found, r, choices);
                for (int t = 0; t < LISTS; t++) {
                    sum += scores[t][choices[t]];
                    assert_true(r > 0 || choices[t] == 0); /* the first is made of the first, ties or not */
                }
                assert_true(sum == ting_sums_score(&found, r) && sum == all[r]);
            }
        }
        ting_arena_reset(arena);
    }
    ting_arena_free(arena);
}

static void limits_say_what_may_stand(void **state)
{
    (void)state;
    static const int line[] = {A2, BA5, CI1, TING_P2H_UNKNOWN};
    ting_p2h_model m = random_model(false);
    ting_arena *arena = ting_arena_new(1 << 16);
    ting_p2h_page page;
    /* exact: 2 x 1, then any of 7 for a syllable without characters and for an unknown one */
    assert_ok(decode(&m, arena, TING_P2H_EXACT, 1000, line, 4, &page));
    assert_int_equal(page.line_count, 2 * 1 * 7 * 7);
    /* toneless: a has 4 characters, ba 2 */
    assert_ok(decode(&m, arena, TING_P2H_TONELESS, 1000, line, 4, &page));
    assert_int_equal(page.line_count, 4 * 2 * 7 * 7);
    assert_ok(decode(&m, arena, TING_P2H_FREE, 1000, line, 2, &page));
    assert_int_equal(page.line_count, 7 * 7);
    assert_ok(decode(&m, arena, TING_P2H_EXACT, 5, line, 0, &page)); /* nothing gives one empty line */
    assert_int_equal(page.line_count, 1);
    assert_int_equal(page.lines[0].count, 0);
    assert_fails(TING_ERR_ARGUMENT, "0 lines", decode(&m, arena, TING_P2H_EXACT, 0, line, 4, &page));
    ting_arena_free(arena);
    ting_p2h_model_close(&m);
}

/* A strong penalty makes TONELESS behave as EXACT. */
static void another_tone_costs(void **state)
{
    (void)state;
    static const int line[] = {A2, A1, BA4, BA5};
    ting_p2h_model m = random_model(false);
    ting_arena *arena = ting_arena_new(1 << 16);
    ting_p2h_page exact, page;
    assert_ok(decode(&m, arena, TING_P2H_EXACT, 1, line, 4, &exact));
    assert_ok(ting_p2h_decode(&m, ting_kern_select(TING_CPU_SCALAR), NULL, arena,
                              &(ting_p2h_options){.limit = TING_P2H_TONELESS, .nbest = 1, .other_tone = -1000},
                              &(ting_p2h_input){.syllables = line, .count = 4}, 1, &page));
    assert_memory_equal(exact.lines[0].characters, page.lines[0].characters, sizeof line);
    ting_arena_free(arena);
    ting_p2h_model_close(&m);
}

static void long_lines_are_read_in_windows(void **state)
{
    (void)state;
    ting_p2h_model m = random_model(false);
    ting_arena *arena = ting_arena_new(1 << 16);
    int line[1000];
    ting_p2h_page page, first;
    for (int i = 0; i < 1000; i++)
        line[i] = A1 + i * 7 % 3;
    for (int count = 60; count <= 1000; count += 47) {
        assert_ok(decode(&m, arena, TING_P2H_EXACT, 2, line, count, &page));
        assert_int_equal(page.lines[0].count, count);
        for (int t = 0; t < count; t++) {
            const int *list;
            int among = 0, n = ting_p2h_allowed(&m.tables, TING_P2H_EXACT, line[t], &list);
            for (int i = 0; i < n; i++)
                among |= list[i] == page.lines[0].characters[t];
            assert_true(among);
        }
        assert_ok(decode(&m, arena, TING_P2H_EXACT, 2, line, count, &first));
        assert_true(page.lines[0].score == first.lines[0].score);
        ting_arena_reset(arena);
    }
    ting_arena_free(arena);
    ting_p2h_model_close(&m);
}

/* Memory of a long line: what stays for each syllable, not activations and logits of all its windows. A place of 24 bytes,
 * 3 candidates of 12, a list of 16, 2 sums of 16, 2 lines, 2 alternatives and 2 ids in windows of 4 make 132 bytes a
 * syllable; blocks that double hold at most three times what is used. With all windows at once it was 7880 bytes. */
static void long_lines_take_bounded_memory(void **state)
{
    (void)state;
    enum { SHORT = 2000, LONG = 22000 };
    int *line = ting_alloc(LONG, sizeof *line);
    for (int i = 0; i < LONG; i++)
        line[i] = A1 + i * 7 % 3;
    ting_p2h_model m = random_model(false);
    size_t bytes[2];
    for (int k = 0; k < 2; k++) {
        ting_p2h_page page;
        ting_arena *arena = ting_arena_new(1 << 16);
        size_t before = ting_allocated_bytes();
        assert_ok(decode(&m, arena, TING_P2H_EXACT, 2, line, k == 0 ? SHORT : LONG, &page));
        bytes[k] = ting_allocated_bytes() - before;
        ting_arena_free(arena);
    }
    print_message("# %zu bytes for %d syllables, %zu for %d\n", bytes[0], SHORT, bytes[1], LONG);
    assert_true(bytes[1] - bytes[0] < (size_t)(LONG - SHORT) * 400);
    ting_p2h_model_close(&m);
    ting_free(line);
}

/* A line of three pieces is what the three give by themselves: texts, sums of scores, alternatives. */
static void long_lines_of_an_encoder_decoder_are_pieces(void **state)
{
    (void)state;
    enum { PART = 100, LENGTH = 3 * PART, NBEST = 3 };
    int line[LENGTH];
    for (int i = 0; i < LENGTH; i++)
        line[i] = A1 + i * 7 % 3;
    ting_p2h_model m = random_model(true);
    ting_arena *arena = ting_arena_new(1 << 16);
    for (int limit = TING_P2H_FREE; limit <= TING_P2H_EXACT; limit += TING_P2H_EXACT - TING_P2H_FREE) {
        ting_p2h_page whole, part[3];
        int at = 0;
        double best = 0, second = -INFINITY;
        assert_ok(decode(&m, arena, (ting_p2h_limit)limit, NBEST, line, LENGTH, &whole));
        for (int k = 0; k < 3; k++) {
            assert_ok(decode(&m, arena, (ting_p2h_limit)limit, NBEST, line + k * PART, PART, &part[k]));
            const ting_p2h_line *first = &part[k].lines[0];
            assert_memory_equal(whole.lines[0].characters + at, first->characters, (size_t)first->count * sizeof(int));
            assert_memory_equal(whole.alternatives + 2 * at, part[k].alternatives, 2 * (size_t)first->count * sizeof(int));
            at += first->count;
            best += first->score;
            second = fmax(second, part[k].lines[1].score - first->score); /* the least that changing one piece costs */
        }
        assert_int_equal(whole.lines[0].count, at);
        assert_true(limit == TING_P2H_FREE || at == LENGTH);
        assert_true(limit == TING_P2H_FREE || whole.line_count == NBEST); /* free pieces may give one text in two ways */
        assert_true(fabs(whole.lines[0].score - best) < 1e-9 * fabs(best)); /* the same doubles, added in the same order */
        assert_true(fabs(whole.lines[1].score - (best + second)) < 1e-9 * fabs(best));
        ting_arena_reset(arena);
    }
    /* four pieces take the memory of one and what is kept: lines, joined lines, alternatives, scores; blocks double. The steps of each are
     * taken and given back: keys and values, 64 bytes a row, of 4 hypotheses twice and of the memory */
    enum { PIECES = 4, STEPS = 64 * (2 * 4 * (TING_S2S_PIECE + 1) + TING_S2S_PIECE) + 1024 };
    int many[PIECES * TING_S2S_PIECE];
    size_t bytes[2];
    for (int i = 0; i < PIECES * TING_S2S_PIECE; i++)
        many[i] = line[i % LENGTH];
    for (int k = 0; k < 2; k++) {
        ting_arena *fresh = ting_arena_new(1 << 14);
        ting_p2h_page page;
        size_t before = ting_allocated_bytes();
        assert_ok(decode(&m, fresh, TING_P2H_EXACT, 1, many, (k == 0 ? 1 : PIECES) * TING_S2S_PIECE, &page));
        bytes[k] = ting_allocated_bytes() - before;
        ting_arena_free(fresh);
    }
    print_message("# %zu bytes for one piece, %zu for four\n", bytes[0], bytes[1]);
    assert_true(bytes[1] <= bytes[0] + (PIECES - 1) * STEPS + (1 << 16));
    ting_arena_free(arena);
    ting_p2h_model_close(&m);
}

/* Two sequences with scores, without a language model: lines are ranked together, and a text that both give stands once. One that is far
 * behind is not read. */
static void assert_pooled(bool s2s)
{
    static const int one[] = {A1, BA4}, two[] = {A2, BA5};
    ting_p2h_model m = random_model(s2s);
    ting_arena *arena = ting_arena_new(1 << 16);
    ting_p2h_page page;
    const ting_p2h_input inputs[] = {{.syllables = one, .count = 2, .score = -1}, {.syllables = two, .count = 2, .score = -2}};
    static const double weights[] = {0, 7.9, 8.1};
    for (int k = 0; k < 3; k++) {
        assert_ok(ting_p2h_decode(&m, ting_kern_select(TING_CPU_SCALAR), NULL, arena,
                                  &(ting_p2h_options){.limit = TING_P2H_EXACT, .nbest = 30,
                                                      .input_weight = weights[k]},
                                  inputs, 2, &page));
        /* 3 x 2 and 2 x 1 lines, of which 6 8 is in both */
        assert_int_equal(page.line_count, k < 2 ? 3 * 2 + 2 * 1 - 1 : 3 * 2);
        for (int i = 1; i < page.line_count; i++)
            assert_true(page.lines[i].score <= page.lines[i - 1].score);
        if (k == 2)
            for (int i = 0; i < 6; i++)
                assert_int_equal(page.lines[i].input, 0);
    }
    ting_arena_free(arena);
    ting_p2h_model_close(&m);
}

static void sequences_are_pooled(void **state)
{
    (void)state;
    assert_pooled(false);
    assert_pooled(true);
}

enum { POINTS = 4 + sizeof points / sizeof points[0] };

/* log p(character | its syllable) at each place of a line, from all its lines. */
static void measure_places(const ting_p2h_model *m, ting_arena *arena, const int *line, int count, double out[][POINTS])
{
    ting_p2h_page page;
    assert_ok(decode(m, arena, TING_P2H_EXACT, 1000, line, count, &page));
    for (int t = 0; t < count; t++)
        for (int c = 0; c < POINTS; c++)
            out[t][c] = 0;
    for (int i = 0; i < page.line_count; i++)
        for (int t = 0; t < count; t++)
            out[t][page.lines[i].characters[t]] += exp(page.lines[i].score);
    for (int t = 0; t < count; t++)
        for (int c = 0; c < POINTS; c++)
            out[t][c] = log(out[t][c]);
}

/* Of the probability of all lines, what agrees with the best one. */
static void assert_shares(const ting_p2h_page *page)
{
    for (int t = 0; t < page->lines[0].count; t++) {
        double agree = 0, all = 0;
        for (int i = 0; i < page->line_count; i++) {
            const ting_p2h_line *line = &page->lines[i];
            all += exp(line->score);
            agree += t < line->count && line->characters[t] == page->lines[0].characters[t] ? exp(line->score) : 0;
        }
        assert_true(fabs(page->shares[t] - agree / all) < 1e-9 && agree < all);
    }
}

/* Sequences of three and two syllables, of which the first nearly had another in its first place: at every place the characters of
 * all syllables there, each with what the sound says of its syllable and the network of it in a copy of the likeliest sequence; the last
 * place may stay empty. */
static void sequences_are_laid_side_by_side(void **state)
{
    (void)state;
    static const int one[] = {A2, BA4, A1}, other[] = {A1, BA4, A1}, two[] = {A2, BA5}, copy[] = {A2, BA5, A1};
    static const ting_confusion_other nearly = {.place = 0, .symbol = A1, .loss = 0.7};
    static const double starts[] = {1, 1.2, 1.4};
    const ting_p2h_input inputs[] = {
        {.syllables = one, .starts = starts, .count = 3, .score = -1, .others = &nearly, .other_count = 1},
        {.syllables = two, .starts = starts, .count = 2, .score = -1.5}};
    const double share[] = {-log(1 + exp(-0.5)), -log(1 + exp(0.5))}, weight = 0.8, bonus = 0.3;
    ting_p2h_model m = random_model(false);
    ting_arena *arena = ting_arena_new(1 << 16);
    static const char two_words[] = "\\data\\\nngram 1=3\n\\1-grams:\n-0.5 <unk>\n-99 <s>\n-1.5 </s>\n\\end\\\n";
    double p[3][3][POINTS];
    ting_p2h_page page;
    ting_ngram_table table;
    ting_ngram *ngram;
    measure_places(&m, arena, one, 3, p[0]);
    measure_places(&m, arena, other, 3, p[1]);
    measure_places(&m, arena, copy, 3, p[2]);
    assert_ok(ting_arpa_parse("two", two_words, strlen(two_words), &table));
    assert_ok(ting_ngram_make(&table, &ngram));
    const uint32_t words[POINTS] = {0}; /* every character is <unk> */
    const ting_p2h_lm lm = {.ngram = ngram, .word = words, .weight = 0.5, .beam = 64};
    assert_ok(ting_p2h_decode(&m, ting_kern_select(TING_CPU_SCALAR), NULL, arena,
                              &(ting_p2h_options){.limit = TING_P2H_EXACT, .nbest = 64, .input_weight = weight, .bonus = bonus,
                                                  .alternatives = 3, .lm = &lm},
                              inputs, 2, &page));
    assert_int_equal(page.line_count, 4 * 2 * (3 + 1));
    int shorter = 0, others = 0;
    for (int i = 0; i < page.line_count; i++) {
        const ting_p2h_line *line = &page.lines[i];
        const int *c = line->characters;
        const double first[] = {p[0][0][c[0]], weight * (share[0] - 0.7) + p[1][0][c[0]]}; /* A2 is in both: its share is 1 */
        const double second[] = {weight * share[0] + p[0][1][c[1]], weight * share[1] + p[2][1][c[1]]};
        double want = fmax(first[0], first[1]) + fmax(second[0], second[1]) + 2 * bonus;
        assert_in_range(line->count, 2, 3);
        want += line->count == 3 ? weight * share[0] + bonus + p[0][2][c[2]] : weight * share[1];
        want += 0.5 * (-1.5 - 0.5 * line->count) * log(10);
        assert_true(fabs(line->score - want) < 1e-5); /* float logits */
        assert_true(i == 0 || line->score <= page.lines[i - 1].score);
        assert_int_equal(line->origins[0].input, 0);
        assert_int_equal(line->origins[0].other, first[1] > first[0] ? 0 : -1);
        assert_int_equal(line->origins[1].input, second[1] > second[0]);
        assert_int_equal(line->origins[1].place, 1);
        shorter += line->count == 2;
        others += line->origins[0].other == 0;
    }
    assert_int_equal(shorter, 8);
    assert_true(others >= 16); /* 4 and 5 are no characters of A2 */
    assert_shares(&page);
    for (int t = 0; t < page.lines[0].count; t++)
        for (int k = 0; k < 3; k++)
            assert_int_not_equal(page.alternatives[3 * t + k], page.lines[0].characters[t]);
    ting_ngram_free(ngram);
    ting_ngram_table_free(&table);
    ting_arena_free(arena);
    ting_p2h_model_close(&m);
}

typedef struct weighed { /* a network with a language model to which every character is <unk> */
    ting_p2h_model model;
    ting_ngram *ngram;
    ting_arena *arena;
    uint32_t words[POINTS];
    ting_p2h_lm lm;
} weighed;

static void make_weighed(weighed *w)
{
    static const char text[] = "\\data\\\nngram 1=3\n\\1-grams:\n-0.5 <unk>\n-99 <s>\n-1.5 </s>\n\\end\\\n";
    ting_ngram_table table;
    *w = (weighed){.model = random_model(false), .arena = ting_arena_new(1 << 16)};
    assert_ok(ting_arpa_parse("unknown", text, strlen(text), &table));
    assert_ok(ting_ngram_make(&table, &w->ngram));
    ting_ngram_table_free(&table);
    w->lm = (ting_p2h_lm){.ngram = w->ngram, .word = w->words, .weight = 0.5, .beam = 64};
}

static void drop_weighed(weighed *w)
{
    ting_ngram_free(w->ngram);
    ting_arena_free(w->arena);
    ting_p2h_model_close(&w->model);
}

/* Two sequences: the likelier one lacks the syllable in the middle, beside which others were nearly heard. */
static void decode_two(weighed *w, bool spell, const ting_p2h_rescorer *rescorer, int nbest, ting_p2h_page *page)
{
    static const int one[] = {A1, BA4, A1}, two[] = {A1, A1};
    static const ting_confusion_other nearly[] = {{1, A2, 0.1}, {1, BA5, 0.2}};
    const ting_p2h_input inputs[] = {{.syllables = one, .count = 3, .score = -3, .others = nearly, .other_count = 2},
                                     {.syllables = two, .count = 2, .score = -2.9}};
    assert_ok(ting_p2h_decode(&w->model, ting_kern_select(TING_CPU_SCALAR), NULL, w->arena,
                              &(ting_p2h_options){.limit = TING_P2H_EXACT, .nbest = nbest, .input_weight = 1, .bonus = 0.3, .spell = spell,
                                                  .lm = &w->lm, .rescorer = rescorer},
                              inputs, 2, page));
}

/* The syllable that a character of one of those was read from. */
static int read_from(const ting_p2h_page *page, int place, const ting_p2h_origin *o)
{
    const ting_confusion_place *p = &page->network.places[place];
    for (int c = 0; c < p->count; c++)
        if (p->choices[c].input == o->input && p->choices[c].place == o->place && p->choices[c].other == o->other)
            return p->choices[c].symbol;
    fail_msg("place %d has no such syllable", place);
    return -1;
}

static void each_syllable_gets_its_own_characters(void **state)
{
    (void)state;
    weighed w;
    ting_p2h_page page;
    int seen = 0;
    make_weighed(&w);
    decode_two(&w, false, NULL, 1, &page);
    for (int t = 0; t < page.place_count; t++)
        for (int k = 0; k < page.places[t].count; k++) {
            const int *allowed, character = page.places[t].characters[k];
            if (character == TING_P2H_NOTHING)
                continue;
            const int count = ting_p2h_allowed(&w.model.tables, TING_P2H_EXACT, read_from(&page, t, &page.places[t].origins[k]), &allowed);
            bool its_own = false;
            for (int i = 0; i < count; i++)
                its_own = its_own || allowed[i] == character;
            assert_true(its_own);
            seen++;
        }
    assert_true(seen > 6);
    drop_weighed(&w);
}

static void shares_may_be_of_syllables(void **state)
{
    (void)state;
    weighed w;
    ting_p2h_page written, spelt;
    make_weighed(&w);
    decode_two(&w, false, NULL, 64, &written);
    decode_two(&w, true, NULL, 64, &spelt);
    const ting_p2h_line *best = &spelt.lines[0];
    for (int i = 0; i < best->count; i++) {
        double agree = 0, all = 0;
        const int want = read_from(&spelt, best->places[i], &best->origins[i]);
        for (int l = 0; l < spelt.line_count; l++) {
            const ting_p2h_line *line = &spelt.lines[l];
            all += exp(line->score);
            for (int k = 0; k < line->count; k++)
                agree += line->places[k] == best->places[i] && read_from(&spelt, line->places[k], &line->origins[k]) == want ? exp(line->score) : 0;
        }
        assert_true(fabs(spelt.shares[i] - agree / all) < 1e-9);
        assert_true(spelt.shares[i] >= written.shares[i] - 1e-12);
    }
    drop_weighed(&w);
}

/* A rescorer to which all lines are alike leaves their probabilities as they are, however few it ranks. */
static void a_rescorer_of_no_weight_changes_nothing(void **state)
{
    (void)state;
    weighed w;
    ting_p2h_page before, after;
    make_weighed(&w);
    decode_two(&w, false, NULL, 1, &before);
    decode_two(&w, false, &(ting_p2h_rescorer){.ngram = w.ngram, .word = w.words, .lines = 1}, 1, &after);
    assert_int_equal(after.lines[0].count, before.lines[0].count);
    assert_memory_equal(after.shares, before.shares, (size_t)before.lines[0].count * sizeof *before.shares);
    assert_true(before.shares[0] < 1);
    decode_two(&w, false, &(ting_p2h_rescorer){.ngram = w.ngram, .word = w.words, .weight = 2, .lines = 2}, 1, &after);
    assert_true(after.lines[0].score < before.lines[0].score);
    drop_weighed(&w);
}

struct trip {
    const char *path;
    bool s2s;
};

/* Opens the stored model and decodes a line. */
static ting_err open_and_decode(void *arg)
{
    ting_err err = TING_OK;
    static const int line[] = {A1, BA4, A2};
    const struct trip *trip = arg;
    ting_gguf file = {0};
    ting_p2h_model m = {0};
    ting_p2h_page page;
    ting_arena *arena = ting_arena_new(1 << 12);
    if (arena == NULL)
        return TING_ERR_MEMORY;
    TRY(ting_gguf_open(trip->path, &file));
    TRY(ting_p2h_model_open(&file, ting_kern_select(TING_CPU_SCALAR), TING_PRECISION_F32, &m));
    TRY(decode(&m, arena, TING_P2H_EXACT, 3, line, 3, &page));
out:
    ting_p2h_model_close(&m);
    ting_gguf_close(&file);
    ting_arena_free(arena);
    return err;
}

static void stored_models_write_the_same_and_fail_cleanly(void **state)
{
    (void)state;
    static const int line[] = {A1, BA4, A2};
    for (int s2s = 0; s2s < 2; s2s++) {
        ting_p2h_model m = random_model(s2s == 1), back;
        char *path = ting_temp_path(s2s ? "s2s.gguf" : "p2h.gguf");
        ting_gguf_writer *writer = ting_gguf_writer_new();
        ting_arena *arena = ting_arena_new(1 << 16);
        ting_gguf file;
        ting_p2h_page before, after;
        ting_schema_begin(writer, "test", (const char *const[]){"p2h"}, 1);
        assert_ok(ting_p2h_model_put(writer, &m, TING_DTYPE_F32));
        assert_ok(ting_gguf_save(writer, path));
        assert_ok(ting_gguf_open(path, &file));
        assert_ok(ting_p2h_model_open(&file, ting_kern_select(TING_CPU_SCALAR), TING_PRECISION_F32, &back));
        assert_ok(decode(&m, arena, TING_P2H_EXACT, 5, line, 3, &before));
        assert_ok(decode(&back, arena, TING_P2H_EXACT, 5, line, 3, &after));
        for (int i = 0; i < 5; i++) {
            assert_memory_equal(before.lines[i].characters, after.lines[i].characters, sizeof line);
            assert_true(fabs(before.lines[i].score - after.lines[i].score) < 1e-5);
        }
        ting_p2h_model_close(&back);
        ting_gguf_close(&file);
        assert_true(ting_fail_each_allocation(open_and_decode, &(struct trip){path, s2s == 1}) > 20);
        ting_gguf_writer_free(writer);
        ting_arena_free(arena);
        ting_p2h_model_close(&m);
        ting_free(path);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_lines_are_found),
        cmocka_unit_test(best_sums_are_those_of_all_sums),
        cmocka_unit_test(limits_say_what_may_stand),
        cmocka_unit_test(another_tone_costs),
        cmocka_unit_test(long_lines_are_read_in_windows),
        cmocka_unit_test(long_lines_take_bounded_memory),
        cmocka_unit_test(long_lines_of_an_encoder_decoder_are_pieces),
        cmocka_unit_test(sequences_are_pooled),
        cmocka_unit_test(sequences_are_laid_side_by_side),
        cmocka_unit_test(each_syllable_gets_its_own_characters),
        cmocka_unit_test(shares_may_be_of_syllables),
        cmocka_unit_test(a_rescorer_of_no_weight_changes_nothing),
        cmocka_unit_test(stored_models_write_the_same_and_fail_cleanly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
