/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_ngram.c - n-gram language models: sorting in little memory, Kneser-Ney beside a direct computation from its definition, sums of
 * probabilities, pruning, the tree beside the table it is made of, its file.
 */
#include "support/support.h"

#include "base/mem.h"
#include "base/rng.h"
#include "model/ngram.h"
#include "train/ngram_estimate.h"
#include "train/ngram_fit.h"
#include "train/ngram_prune.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- sorting ---- */

enum { ADDED = 300000, KINDS = 500 };

/* With 1 MiB most of it goes through files; with much none does. */
static void counts_are_sorted_and_summed(void **state)
{
    (void)state;
    static uint64_t want[KINDS * 7];
    for (int round = 0; round < 2; round++) {
        ting_ngram_sorter *sorter;
        ting_rng rng = ting_rng_new(3, 0);
        uint32_t last[3] = {0};
        size_t kinds = 0, found = 0;
        memset(want, 0, sizeof want);
        assert_ok(ting_ngram_sorter_new(3, round == 0 ? 1 << 20 : 1 << 26, &sorter));
        for (uint32_t i = 0; i < ADDED; i++) {
            /* most are new where the sorter spills: what it puts together is little */
            const uint32_t a = ting_rng_below(&rng, KINDS), b = ting_rng_below(&rng, 7), words[3] = {a, b, i % 3 == 0 ? 7 : 1000 + i};
            want[a * 7 + b] += i % 3 == 0 ? ((uint64_t)1 << 33) + 1 : 0;
            assert_ok(ting_ngram_sorter_add(sorter, words, i % 3 == 0 ? ((uint64_t)1 << 33) + 1 : 1));
        }
        for (size_t i = 0; i < KINDS * 7; i++)
            kinds += want[i] > 0;
        assert_ok(ting_ngram_sorter_finish(sorter));
        for (size_t i = 0;; i++) {
            ting_ngram_counted gram;
            assert_ok(ting_ngram_sorter_next(sorter, &gram));
            if (gram.words == NULL)
                break;
            if (i > 0)
                assert_true(gram.words[0] > last[0] || (gram.words[0] == last[0] && (gram.words[1] > last[1] ||
                            (gram.words[1] == last[1] && gram.words[2] > last[2]))));
            memcpy(last, gram.words, sizeof last);
            if (gram.words[2] == 7) {
                assert_true(gram.count == want[gram.words[0] * 7 + gram.words[1]]);
                found++;
            } else
                assert_true(gram.count == 1);
        }
        assert_int_equal(found, kinds);
        ting_ngram_sorter_free(sorter);
    }
}

/* ---- a direct computation ---- */

enum { WORDS = 8, SENTENCES = 60, LONGEST = 9, MOST = 4 };

typedef struct corpus {
    int order, cutoff[MOST];
    uint32_t text[SENTENCES][LONGEST + 2]; /* with <s> and </s> */
    int length[SENTENCES];
    double discount[MOST][4]; /* of counts 0 to 3 */
    bool made_up[MOST];
} corpus;

/* Some words are common and follow each other, so that all of n1 to n4 occur. */
static void write_corpus(corpus *c, int order)
{
    ting_rng rng = ting_rng_new(11, 0);
    *c = (corpus){.order = order};
    for (int s = 0; s < SENTENCES; s++) {
        const int words = (int)ting_rng_below(&rng, LONGEST);
        c->text[s][0] = TING_NGRAM_BEGIN;
        for (int i = 1; i <= words; i++) {
            const uint32_t a = ting_rng_below(&rng, WORDS - 3), b = ting_rng_below(&rng, WORDS - 3);
            c->text[s][i] = TING_NGRAM_SPECIALS + (i % 2 == 0 && ting_rng_below(&rng, 3) > 0 ? (c->text[s][i - 1] + 1) % (WORDS - 3) : a < b ? a : b);
        }
        c->text[s][words + 1] = TING_NGRAM_END;
        c->length[s] = words + 2;
    }
}

static int seen(const corpus *c, int k, const uint32_t *gram)
{
    int count = 0;
    for (int s = 0; s < SENTENCES; s++)
        for (int at = 0; at + k <= c->length[s]; at++)
            count += (k > 1 || at > 0) && memcmp(c->text[s] + at, gram, (size_t)k * sizeof *gram) == 0;
    return count;
}

static int adjusted(const corpus *c, int k, const uint32_t *gram)
{
    uint32_t longer[MOST + 1];
    int count = 0;
    if (k == c->order || (k > 1 && gram[0] == TING_NGRAM_BEGIN))
        return seen(c, k, gram);
    memcpy(longer + 1, gram, (size_t)k * sizeof *gram);
    for (longer[0] = 0; longer[0] < WORDS; longer[0]++)
        count += seen(c, k + 1, longer) > 0;
    return count;
}

/* The next of all n-grams of k words; false after the last one. */
static bool next_gram(int k, uint32_t *gram)
{
    while (k-- > 0) {
        if (++gram[k] < WORDS)
            return true;
        gram[k] = 0;
    }
    return false;
}

static void find_discounts(corpus *c)
{
    for (int k = 1; k <= c->order; k++) {
        uint32_t gram[MOST] = {0};
        double n[6] = {0};
        do {
            const int count = adjusted(c, k, gram);
            n[count < 5 ? count : 5]++;
        } while (next_gram(k, gram));
        const double y = n[1] / (n[1] + 2 * n[2]);
        for (int i = 1; i <= 3; i++) {
            double *d = &c->discount[k - 1][i];
            *d = n[i] > 0 ? i - (i + 1) * y * n[i + 1] / n[i] : -1;
            c->made_up[k - 1] |= n[i + 1] == 0 || *d < 0 || *d > i;
        }
        for (int i = 1; i <= 3 && c->made_up[k - 1]; i++)
            c->discount[k - 1][i] = 0.5 * i;
        assert_true(k == 1 || k < c->order || !c->made_up[k - 1]); /* eight words are too few alone, not in pairs */
    }
}

static double direct(const corpus *c, int k, const uint32_t *gram)
{
    uint32_t other[MOST];
    double all = 0, left = 0;
    if (k == 0)
        return 1.0 / (WORDS - 1);
    memcpy(other, gram, (size_t)k * sizeof *other);
    for (other[k - 1] = 0; other[k - 1] < WORDS; other[k - 1]++) {
        const int count = adjusted(c, k, other);
        all += count;
        left += seen(c, k, other) > c->cutoff[k - 1] ? c->discount[k - 1][count < 3 ? count : 3] : count;
    }
    if (all == 0)
        return direct(c, k - 1, gram + 1);
    const int count = adjusted(c, k, gram);
    const double own = seen(c, k, gram) > c->cutoff[k - 1] ? count - c->discount[k - 1][count < 3 ? count : 3] : 0;
    return own / all + left / all * direct(c, k - 1, gram + 1);
}

/* ---- tables ---- */

static void make_words(ting_texts *out)
{
    static const char text[] = "<unk>\0<s>\0</s>\0一\0二\0三\0四\0五";
    *out = (ting_texts){.items = ting_alloc(WORDS, sizeof *out->items), .block = ting_alloc(sizeof text, 1)};
    memcpy(out->block, text, sizeof text);
    for (const char *at = out->block; out->count < WORDS; at += strlen(at) + 1)
        out->items[out->count++] = at;
}

static void estimate(const corpus *c, ting_ngram_table *table)
{
    ting_ngram_plan plan = {.order = c->order, .memory = 1 << 23};
    ting_ngram_discounts discounts[TING_NGRAM_MOST];
    ting_ngram_counter *counter;
    ting_texts words;
    make_words(&words);
    memcpy(plan.cutoff, c->cutoff, sizeof c->cutoff);
    assert_ok(ting_ngram_counter_new(&plan, WORDS, &counter));
    for (int s = 0; s < SENTENCES; s++)
        assert_ok(ting_ngram_counter_add(counter, c->text[s] + 1, (size_t)c->length[s] - 2));
    assert_ok(ting_ngram_counter_finish(counter));
    assert_ok(ting_ngram_estimate(counter, &words, table, discounts));
    for (int k = 0; k < c->order; k++)
        for (int i = 0; i < TING_NGRAM_DISCOUNTS; i++)
            assert_true(c->discount[k][1] == 0 || (discounts[k].made_up == c->made_up[k] && fabs(discounts[k].by[i] - c->discount[k][i + 1]) < 1e-12));
    ting_ngram_counter_free(counter);
}

/* Every n-gram that there can be: <s> at the beginning alone, nothing after </s>. */
static bool can_be(int k, const uint32_t *gram)
{
    for (int i = 0; i < k; i++)
        if ((i > 0 && gram[i] == TING_NGRAM_BEGIN) || (i + 1 < k && gram[i] == TING_NGRAM_END))
            return false;
    return k > 1 || gram[0] != TING_NGRAM_BEGIN;
}

static void probabilities_are_those_of_the_definition(void **state)
{
    (void)state;
    static const int cutoffs[][MOST] = {{0, 0, 0, 0}, {0, 0, 1, 1}, {0, 1, 1, 2}};
    for (int order = 1; order <= 3; order++)
        for (size_t i = 0; i < sizeof cutoffs / sizeof cutoffs[0]; i++) {
            corpus c;
            ting_ngram_table table;
            write_corpus(&c, order);
            memcpy(c.cutoff, cutoffs[i], sizeof c.cutoff);
            find_discounts(&c);
            estimate(&c, &table);
            for (int k = 1; k <= order; k++) {
                uint32_t gram[MOST] = {0};
                double sum = 0;
                do {
                    if (!can_be(k, gram)) {
                        sum = gram[k - 1] == 0 ? 0 : sum;
                        continue;
                    }
                    const double want = direct(&c, k, gram), got = exp(ting_ngram_table_score(&table, k, gram));
                    if (!(fabs(got - want) <= 1e-6 * want))
                        fail_msg("order %d, %d words, cutoffs %zu: %g, expected %g", order, k, i, got, want);
                    sum = gram[k - 1] == 0 ? got : sum + got;
                    if (gram[k - 1] == WORDS - 1)
                        assert_true(fabs(sum - 1) < 1e-5);
                } while (next_gram(k, gram));
            }
            ting_ngram_table_free(&table);
        }
}

/* ---- pruning ---- */

/* Over all contexts: sums are 1, and none but the given model's n-grams stay. Returns how far p(h, w) log p(w | h) moved. */
static double compare_models(const ting_ngram_table *before, const ting_ngram_table *after)
{
    uint32_t gram[MOST] = {0};
    double sum = 0, moved = 0;
    do {
        if (!can_be(3, gram)) {
            sum = gram[2] == 0 ? 0 : sum;
            continue;
        }
        const double was = ting_ngram_table_score(before, 3, gram), is = ting_ngram_table_score(after, 3, gram);
        const double context = (gram[0] == TING_NGRAM_BEGIN ? 0 : ting_ngram_table_score(before, 1, gram)) + ting_ngram_table_score(before, 2, gram);
        moved += exp(context + was) * (was - is);
        sum = gram[2] == 0 ? exp(is) : sum + exp(is);
        if (gram[2] == WORDS - 1)
            assert_true(fabs(sum - 1) < 1e-5);
    } while (next_gram(3, gram));
    return moved;
}

/* The higher the threshold the fewer n-grams stay and the farther the distribution moves, by less than the threshold for each that
 * leaves (rounding of 32 bits aside). */
static void pruning_takes_what_is_missed_least(void **state)
{
    (void)state;
    static const double thresholds[] = {1e-7, 1e-4, 1e-3, 1e-2};
    corpus c;
    ting_ngram_table whole;
    write_corpus(&c, 3);
    find_discounts(&c);
    estimate(&c, &whole);
    size_t last = whole.level[1].count + whole.level[2].count;
    double last_moved = 0;
    for (size_t i = 0; i < sizeof thresholds / sizeof thresholds[0]; i++) {
        ting_ngram_table pruned;
        estimate(&c, &pruned);
        assert_ok(ting_ngram_prune(&pruned, thresholds[i]));
        const size_t left = pruned.level[1].count + pruned.level[2].count;
        const double moved = compare_models(&whole, &pruned);
        assert_true(left <= last && moved >= last_moved - 1e-6);
        assert_true(moved <= thresholds[i] * (double)(whole.level[1].count + whole.level[2].count)); /* at most that much each */
        last = left;
        last_moved = moved;
        ting_ngram_table_free(&pruned);
    }
    assert_true(last < whole.level[1].count + whole.level[2].count);
    ting_ngram_table_free(&whole);
}

/* What rounding has brought out of balance sums to 1 again, and can be pruned then: without that, backoffs would hand out next to nothing. */
static void a_rounded_table_is_fitted(void **state)
{
    (void)state;
    corpus c;
    ting_ngram_table whole, rounded;
    write_corpus(&c, 3);
    find_discounts(&c);
    estimate(&c, &whole);
    estimate(&c, &rounded);
    for (int k = 0; k < 3; k++)
        for (size_t i = 0; i < rounded.level[k].count; i++) {
            float *prob = &rounded.level[k].prob[i];
            *prob = (double)*prob > TING_NGRAM_NEVER ? ceilf(*prob * 8) / 8 : *prob;
            if (k < 2)
                rounded.level[k].backoff[i] = rintf(rounded.level[k].backoff[i] * 8) / 8;
        }
    ting_ngram_fit(&rounded);
    assert_true(fabs(compare_models(&whole, &rounded)) < 0.05); /* which also adds all probabilities up */
    assert_ok(ting_ngram_prune(&rounded, 1e-3));
    assert_true(compare_models(&whole, &rounded) < 0.3);
    ting_ngram_table_free(&whole);
    ting_ngram_table_free(&rounded);
}

/* ---- the tree ---- */

static void assert_same(const ting_ngram *tree, const ting_ngram_table *table, double allowed)
{
    corpus c;
    write_corpus(&c, table->order);
    for (int s = 0; s < SENTENCES; s++) {
        ting_ngram_state at = ting_ngram_begin(tree), copy;
        for (int i = 1; i < c.length[s]; i++) {
            const int from = i + 1 > table->order ? i + 1 - table->order : 0;
            const uint32_t word = s % 5 == 0 && i % 3 == 0 && i + 1 < c.length[s] ? (c.text[s][i] = TING_NGRAM_UNKNOWN) : c.text[s][i];
            copy = at;
            const double want = ting_ngram_table_score(table, i + 1 - from, c.text[s] + from),
                         got = ting_ngram_score(tree, &copy, word, &at);
            if (!(fabs(got - want) <= allowed))
                fail_msg("order %d, sentence %d, word %d: %g, expected %g", table->order, s, i, got, want);
        }
    }
}

static void the_tree_says_what_the_table_says(void **state)
{
    (void)state;
    for (int order = 1; order <= MOST; order++) {
        corpus c;
        ting_ngram_table table;
        ting_ngram *tree, *read;
        ting_gguf file;
        ting_network lm;
        write_corpus(&c, order);
        if (order == MOST)
            c.cutoff[MOST - 1] = 1;
        estimate(&c, &table);
        assert_ok(ting_ngram_make(&table, &tree));
        for (int k = 1; k <= order; k++)
            assert_int_equal(ting_ngram_count(tree, k), table.level[k - 1].count);
        assert_same(tree, &table, 0.02); /* 256 values a list */
        char *path = ting_temp_path("ngram.gguf");
        ting_gguf_writer *writer = ting_gguf_writer_new();
        ting_schema_begin(writer, "numbers", (const char *const[]){"lm"}, 1);
        ting_ngram_put(tree, writer);
        assert_ok(ting_gguf_save(writer, path));
        ting_gguf_writer_free(writer);
        assert_ok(ting_gguf_open(path, &file));
        assert_ok(ting_network_find(&file, "lm", &lm));
        assert_ok(ting_ngram_open(&lm, &read));
        assert_int_equal(ting_ngram_order(read), order);
        assert_string_equal(ting_ngram_words(read)->items[7], "五");
        assert_same(read, &table, 0.02);
        ting_ngram_free(read);
        ting_gguf_close(&file);
        ting_ngram_free(tree);
        ting_ngram_table_free(&table);
        ting_free(path);
    }
}

/* ---- what cannot be ---- */

static void bad_plans_and_tables_are_refused(void **state)
{
    (void)state;
    ting_ngram_counter *counter;
    ting_ngram_discounts discounts[TING_NGRAM_MOST];
    ting_ngram_table table = {.order = 2};
    ting_texts words;
    assert_fails(TING_ERR_ARGUMENT, "order 9, expected 1 to 8", ting_ngram_counter_new(&(ting_ngram_plan){.order = 9, .memory = 1 << 24}, 8, &counter));
    assert_fails(TING_ERR_ARGUMENT, "expected at least", ting_ngram_counter_new(&(ting_ngram_plan){.order = 2, .memory = 1}, 8, &counter));
    assert_fails(TING_ERR_ARGUMENT, "cutoff 1 for order 3",
                 ting_ngram_counter_new(&(ting_ngram_plan){.order = 3, .cutoff = {0, 2, 1}, .memory = 1 << 24}, 8, &counter));
    make_words(&words);
    assert_ok(ting_ngram_counter_new(&(ting_ngram_plan){.order = 2, .memory = 1 << 22}, WORDS, &counter));
    assert_ok(ting_ngram_counter_finish(counter));
    assert_fails(TING_ERR_FORMAT, "no sentence", ting_ngram_estimate(counter, &words, &table, discounts));
    ting_ngram_counter_free(counter);

    table = (ting_ngram_table){.order = 3};
    make_words(&table.words);
    for (uint32_t w = 0; w < WORDS; w++)
        assert_ok(ting_ngram_table_add(&table, 1, &w, -1, 0));
    assert_ok(ting_ngram_table_add(&table, 2, (const uint32_t[]){4, 5}, -1, 0));
    assert_ok(ting_ngram_table_add(&table, 2, (const uint32_t[]){3, 4}, -1, 0));
    assert_ok(ting_ngram_table_add(&table, 3, (const uint32_t[]){3, 4, 6}, -1, 0));
    assert_fails(TING_ERR_FORMAT, "\"一 二 四\" is listed, but not its beginning or end", ting_ngram_table_seal(&table));
    assert_ok(ting_ngram_table_add(&table, 2, (const uint32_t[]){3, 4}, -1, 0));
    assert_fails(TING_ERR_FORMAT, "\"一 二\" stands twice", ting_ngram_table_seal(&table));
    ting_ngram_table_free(&table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_are_sorted_and_summed),
        cmocka_unit_test(probabilities_are_those_of_the_definition),
        cmocka_unit_test(pruning_takes_what_is_missed_least),
        cmocka_unit_test(a_rounded_table_is_fitted),
        cmocka_unit_test(the_tree_says_what_the_table_says),
        cmocka_unit_test(bad_plans_and_tables_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
