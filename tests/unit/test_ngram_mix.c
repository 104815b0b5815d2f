/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_ngram_mix.c - n-gram models mixed into one: the definition on what is listed, sums of probabilities, different lists of words,
 * weights found beside those of a search, a model out of a file that was rounded to 256 values, memory.
 */
#include "support/failing.h"
#include "support/support.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/rng.h"
#include "base/str.h"
#include "model/arpa.h"
#include "model/ngram_list.h"
#include "tingxie_train.h"
#include "train/ngram_estimate.h"
#include "train/ngram_mix.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SENTENCES = 80, LONGEST = 8, MODELS = 3 };

/* Lists that share some words; the second one has another order. */
static const char *const lists[MODELS] = {"<unk>\0<s>\0</s>\0一\0二\0三\0四\0五\0", "<unk>\0<s>\0</s>\0六\0三\0七\0一\0八\0", "<unk>\0<s>\0</s>\0一\0二\0三\0"};
static const size_t list_words[MODELS] = {8, 8, 6}, list_bytes[MODELS] = {35, 35, 27};

enum { UNITED = 11 }; /* <unk> <s> </s> 一 二 三 四 五 六 七 八 */

/* A model of sentences of its own words, <unk> among them. */
static void estimate(int model, int order, ting_ngram_table *out)
{
    ting_rng rng = ting_rng_new(20 + (uint64_t)model, 0);
    ting_ngram_counter *counter;
    ting_ngram_discounts discounts[TING_NGRAM_MOST];
    ting_texts words;
    assert_ok(ting_texts_make(lists[model], list_bytes[model], list_words[model], &words));
    assert_ok(ting_ngram_counter_new(&(ting_ngram_plan){.order = order, .memory = 1 << 23}, words.count, &counter));
    for (int s = 0; s < SENTENCES; s++) {
        uint32_t text[LONGEST];
        const uint32_t length = ting_rng_below(&rng, LONGEST), kinds = (uint32_t)words.count - TING_NGRAM_SPECIALS;
        for (uint32_t i = 0; i < length; i++) {
            const uint32_t a = ting_rng_below(&rng, kinds), b = ting_rng_below(&rng, kinds);
            text[i] = ting_rng_below(&rng, 12) == 0 ? TING_NGRAM_UNKNOWN : TING_NGRAM_SPECIALS + (a < b ? a : b);
        }
        assert_ok(ting_ngram_counter_add(counter, text, length));
    }
    assert_ok(ting_ngram_counter_finish(counter));
    assert_ok(ting_ngram_estimate(counter, &words, out, discounts));
    ting_ngram_counter_free(counter);
}

static void estimate_all(ting_ngram_table *tables)
{
    static const int orders[MODELS] = {3, 2, 4};
    for (int i = 0; i < MODELS; i++)
        estimate(i, orders[i], &tables[i]);
}

/* The next of all n-grams of k words; false after the last one. */
static bool next_gram(int k, uint32_t *gram)
{
    while (k-- > 0) {
        if (++gram[k] < UNITED)
            return true;
        gram[k] = 0;
    }
    return false;
}

static bool can_be(int k, const uint32_t *gram)
{
    for (int i = 0; i < k; i++)
        if ((i > 0 && gram[i] == TING_NGRAM_BEGIN) || (i + 1 < k && gram[i] == TING_NGRAM_END))
            return false;
    return k > 1 || gram[0] != TING_NGRAM_BEGIN;
}

static void assert_sums(const ting_ngram_table *t, double allowed)
{
    for (int k = 1; k <= t->order; k++) {
        uint32_t gram[TING_NGRAM_MOST] = {0};
        double sum = 0;
        do {
            sum = gram[k - 1] == 0 ? 0 : sum;
            if (!can_be(k, gram))
                continue;
            sum += exp(ting_ngram_table_score(t, k, gram));
            if (gram[k - 1] == UNITED - 1 && !(fabs(sum - 1) < allowed))
                fail_msg("order %d, behind %u: the sum is %.8f", k, gram[0], sum);
        } while (next_gram(k, gram));
    }
}

static uint32_t own_word(const ting_ngram_table *own, const char *word)
{
    for (uint32_t w = 0; w < own->words.count; w++)
        if (strcmp(own->words.items[w], word) == 0)
            return w;
    return UINT32_MAX;
}

/* The sum of the definition, from the models as they were; whether one of them lists the n-gram. */
static bool define(const ting_ngram_table *own, const double *weights, const ting_texts *words, int k, const uint32_t *gram, double *out)
{
    bool listed = false;
    *out = 0;
    for (int i = 0; i < MODELS; i++) {
        uint32_t ids[TING_NGRAM_MOST];
        bool all = true;
        for (int at = 0; at < k; at++) {
            ids[at] = own_word(&own[i], words->items[gram[at]]);
            all = all && ids[at] != UINT32_MAX;
            if (ids[at] == UINT32_MAX && at + 1 < k)
                ids[at] = TING_NGRAM_UNKNOWN;
        }
        if (ids[k - 1] == UINT32_MAX)
            continue;
        const int skip = k > own[i].order ? k - own[i].order : 0;
        *out += weights[i] * exp(ting_ngram_table_score(&own[i], k - skip, ids + skip));
        listed = listed || (all && skip == 0 && ting_ngram_table_find(&own[i], k, ids) >= 0);
    }
    return listed;
}

static void what_is_listed_has_the_mean_and_the_rest_sums_to_one(void **state)
{
    (void)state;
    static const double weights[MODELS] = {0.5, 0.3, 0.2};
    ting_ngram_table own[MODELS], tables[MODELS], mixed;
    ting_ngram_mix *mix;
    size_t listed[5] = {0};
    estimate_all(own);
    estimate_all(tables);
    assert_ok(ting_ngram_mix_new(tables, MODELS, &mix));
    assert_int_equal(ting_ngram_mix_words(mix)->count, UNITED);
    assert_ok(ting_ngram_mix_make(mix, weights, &mixed));
    assert_int_equal(mixed.order, 4);
    for (int k = 1; k <= mixed.order; k++) {
        uint32_t gram[TING_NGRAM_MOST] = {0};
        do {
            double want;
            if (!can_be(k, gram) || !define(own, weights, &mixed.words, k, gram, &want))
                continue;
            const ptrdiff_t at = ting_ngram_table_find(&mixed, k, gram);
            assert_true(at >= 0);
            const double got = exp((double)mixed.level[k - 1].prob[at]);
            if (!(fabs(got - want) <= 1e-5 * want))
                fail_msg("order %d: %g, expected %g", k, got, want);
            listed[k]++;
        } while (next_gram(k, gram));
        assert_int_equal(listed[k], mixed.level[k - 1].count - (k == 1)); /* <s> is never said */
    }
    assert_sums(&mixed, 1e-5);
    ting_ngram_mix_free(mix);
    ting_ngram_table_free(&mixed);
    for (int i = 0; i < MODELS; i++)
        ting_ngram_table_free(&own[i]);
}

/* Through a tree of rounded numbers: sums of 1 again, and near to what it was. */
static void rounded_models_are_brought_to_sums_of_one(void **state)
{
    (void)state;
    static const double weights[2] = {0.6, 0.4};
    ting_ngram_table tables[2], mixed;
    ting_ngram_mix *mix;
    for (int i = 0; i < 2; i++) {
        ting_ngram *tree;
        ting_ngram_table whole;
        estimate(i, 3, &whole);
        for (int k = 2; k <= 3; k++) /* as rough as 256 values are for millions of n-grams */
            for (size_t at = 0; at < whole.level[k - 1].count; at++)
                whole.level[k - 1].prob[at] = (float)(round((double)whole.level[k - 1].prob[at] * 8) / 8);
        assert_ok(ting_ngram_make(&whole, &tree));
        assert_ok(ting_ngram_list(tree, &tables[i]));
        ting_ngram_free(tree);
        ting_ngram_table_free(&whole);
    }
    assert_ok(ting_ngram_mix_new(tables, 2, &mix));
    assert_ok(ting_ngram_mix_make(mix, weights, &mixed));
    assert_sums(&mixed, 1e-5);
    ting_ngram_mix_free(mix);
    ting_ngram_table_free(&mixed);
}

static void a_tree_lists_what_it_was_made_of(void **state)
{
    (void)state;
    ting_ngram_table table, listed;
    ting_ngram *tree;
    estimate(0, 3, &table);
    assert_ok(ting_ngram_make(&table, &tree));
    assert_ok(ting_ngram_list(tree, &listed));
    for (int round = 0; round < 2; round++) { /* again: what was rounded stays as it is */
        for (int k = 1; k <= 3; k++) {
            const ting_ngram_level *a = &table.level[k - 1], *b = &listed.level[k - 1];
            assert_int_equal(a->count, b->count);
            assert_memory_equal(a->words, b->words, a->count * (size_t)k * sizeof *a->words);
            for (size_t i = 0; i < a->count; i++)
                if (!(fabsf(a->prob[i] - b->prob[i]) <= (round == 0 ? 0.02f : 0) && fabsf(a->backoff[i] - b->backoff[i]) <= (round == 0 ? 0.02f : 0)))
                    fail_msg("order %d, n-gram %zu, round %d: %g and %g", k, i, round, (double)a->prob[i], (double)b->prob[i]);
        }
        ting_ngram_free(tree);
        ting_ngram_table_free(&table);
        table = listed;
        assert_ok(ting_ngram_make(&table, &tree));
        assert_ok(ting_ngram_list(tree, &listed));
    }
    ting_ngram_free(tree);
    ting_ngram_table_free(&table);
    ting_ngram_table_free(&listed);
}

/* Sentences of the first model with some of the second between them, in words of the united list. */
static void take_sentences(ting_ngram_mix *mix, double *log_prob, const double *weights)
{
    ting_rng rng = ting_rng_new(5, 0);
    for (int s = 0; s < 60; s++) {
        uint32_t text[LONGEST + 2] = {TING_NGRAM_BEGIN};
        const uint32_t length = ting_rng_below(&rng, LONGEST);
        for (uint32_t i = 1; i <= length; i++)
            text[i] = ting_rng_below(&rng, 15) == 0 ? TING_NGRAM_UNKNOWN : TING_NGRAM_SPECIALS + ting_rng_below(&rng, s % 4 == 0 ? UNITED - 3 : 5);
        text[length + 1] = TING_NGRAM_END;
        if (weights == NULL)
            assert_ok(ting_ngram_mix_tune(mix, text + 1, length));
        for (int at = 1; at <= (int)length + 1 && weights != NULL; at++) {
            double p = 0;
            for (int i = 0; i < 2; i++)
                p += weights[i] * ting_ngram_mix_score(mix, i, at + 1, text);
            *log_prob += text[at] == TING_NGRAM_UNKNOWN ? 0 : log(p);
        }
    }
}

static void the_weights_found_are_the_likeliest(void **state)
{
    (void)state;
    ting_ngram_table tables[2];
    ting_ngram_mix *mix;
    double found[2], best = -INFINITY, best_weight = -1;
    estimate(0, 3, &tables[0]);
    estimate(1, 2, &tables[1]);
    assert_ok(ting_ngram_mix_new(tables, 2, &mix));
    ting_ngram_mix_weights(mix, found);
    assert_true(fabs(found[0] - 0.5) < 1e-9); /* nothing is known */
    take_sentences(mix, NULL, NULL);
    const ting_ngram_tuned tuned = ting_ngram_mix_weights(mix, found);
    for (int i = 1; i < 1000; i++) {
        double log_prob = 0;
        take_sentences(mix, &log_prob, (const double[]){i / 1000.0, 1 - i / 1000.0});
        if (log_prob > best) {
            best = log_prob;
            best_weight = i / 1000.0;
        }
    }
    assert_true(best_weight > 0.1 && best_weight < 0.9);
    assert_true(fabs(found[0] - best_weight) <= 0.001 && fabs(found[0] + found[1] - 1) < 1e-9);
    assert_true(tuned.log_prob >= best && tuned.log_prob < best + 0.01);
    ting_ngram_mix_free(mix);
}

/* ---- files ---- */

static ting_err mix_files(const char *const *models, int count, const double *weights, const char *tune, const char *output,
                          ting_lm_mix_report *report)
{
    return ting_mix_lm(&(ting_lm_mix_options){.models = models, .count = count, .weights = weights, .tune = tune, .output = output}, report);
}

static void a_weight_of_one_gives_the_model_itself(void **state)
{
    (void)state;
    ting_lm_mix_report report;
    ting_file a, b;
    char *paths[3] = {ting_temp_path("mix-a.arpa"), ting_temp_path("mix-b.arpa"), ting_temp_path("mix-out.arpa")};
    for (int i = 0; i < 2; i++) {
        ting_ngram_table table;
        estimate(i, 3, &table);
        assert_ok(ting_arpa_save(paths[i], &table));
        ting_ngram_table_free(&table);
    }
    for (int i = 0; i < 2; i++) {
        assert_ok(mix_files((const char *const *)paths, 2, (const double[]){i == 0 ? 3 : 0, i == 0 ? 0 : 1}, NULL, paths[2], &report));
        assert_true(report.weights[i] == 1 && report.weights[1 - i] == 0 && report.words == 8 && report.perplexity < 0);
        assert_ok(ting_file_map(paths[i], &a));
        assert_ok(ting_file_map(paths[2], &b));
        assert_int_equal(a.size, b.size);
        assert_memory_equal(a.data, b.data, a.size);
        ting_file_unmap(&a);
        ting_file_unmap(&b);
    }
    assert_ok(ting_file_save(paths[2], "一三\n六七\n", 14));
    assert_fails(TING_ERR_ARGUMENT, "both are given", mix_files((const char *const *)paths, 2, (const double[]){1, 1}, paths[2], paths[2], &report));
    assert_fails(TING_ERR_ARGUMENT, "neither is given", mix_files((const char *const *)paths, 2, NULL, NULL, paths[2], &report));
    assert_fails(TING_ERR_ARGUMENT, "all weights are 0", mix_files((const char *const *)paths, 2, (const double[]){0, 0}, NULL, paths[2], &report));
    assert_fails(TING_ERR_ARGUMENT, "a weight of -1", mix_files((const char *const *)paths, 2, (const double[]){1, -1}, NULL, paths[2], &report));
    assert_fails(TING_ERR_ARGUMENT, "17 models", mix_files((const char *const *)paths, 17, NULL, paths[2], paths[2], &report));
    assert_fails(TING_ERR_ARGUMENT, paths[0], mix_files((const char *const *)paths, 2, (const double[]){1, 1}, NULL, paths[0], &report));
    for (int i = 0; i < 3; i++)
        ting_free(paths[i]);
}

/* ---- memory ---- */

typedef struct mixing {
    const char *models[2], *output, *tune;
} mixing;

static ting_err mix_once(void *arg)
{
    const mixing *m = arg;
    ting_lm_mix_report report;
    return mix_files(m->models, 2, NULL, m->tune, m->output, &report);
}

/* Every allocation may fail; a failed run writes nothing. */
static void running_out_of_memory_is_an_error(void **state)
{
    (void)state;
    char *paths[4] = {ting_temp_path("out-a.arpa"), ting_temp_path("out-b.arpa"), ting_temp_path("out-tune.txt"), ting_temp_path("out-mix.gguf")};
    for (int i = 0; i < 2; i++) {
        ting_ngram_table table;
        estimate(i, 2, &table);
        assert_ok(ting_arpa_save(paths[i], &table));
        ting_ngram_table_free(&table);
    }
    assert_ok(ting_file_save(paths[2], "一三\n六七\n", strlen("一三\n六七\n")));
    mixing m = {{paths[0], paths[1]}, paths[3], paths[2]};
    assert_true(ting_fail_each_allocation(mix_once, &m) > 50);
    for (int i = 0; i < 4; i++)
        ting_free(paths[i]);
}

/* A model of many pairs of words, and another one: what mixing takes grows with their number alone. */
static void memory_is_some_bytes_an_ngram(void **state)
{
    (void)state;
    enum { KINDS = 3000, EACH = 20 };
    ting_ngram_table tables[2], mixed;
    ting_ngram_mix *mix;
    ting_str block = {0};
    for (int i = 0; i < 2; i++) {
        ting_str_clear(&block);
        ting_str_add_bytes(&block, "<unk>\0<s>\0</s>", 15);
        for (int w = 0; w < KINDS; w++) {
            ting_str_addf(&block, "w%d", w);
            ting_str_add_bytes(&block, "", 1);
        }
        tables[i] = (ting_ngram_table){.order = 2};
        assert_ok(ting_texts_make(block.text, block.length, KINDS + TING_NGRAM_SPECIALS, &tables[i].words));
        for (uint32_t w = 0; w < KINDS + TING_NGRAM_SPECIALS; w++)
            assert_ok(ting_ngram_table_add(&tables[i], 1, &w, w == TING_NGRAM_BEGIN ? TING_NGRAM_NEVER : -8, -0.5));
        for (uint32_t w = TING_NGRAM_SPECIALS; w < KINDS; w++)
            for (uint32_t k = 0; k < EACH; k++)
                assert_ok(ting_ngram_table_add(&tables[i], 2, (const uint32_t[]){w, TING_NGRAM_SPECIALS + k * 7 + (uint32_t)i}, -3.4, 0));
        assert_ok(ting_ngram_table_seal(&tables[i]));
    }
    ting_str_free(&block);
    const size_t before = ting_allocated_bytes();
    assert_ok(ting_ngram_mix_new(tables, 2, &mix));
    assert_ok(ting_ngram_mix_make(mix, (const double[]){0.5, 0.5}, &mixed));
    const size_t taken = ting_allocated_bytes() - before;
    assert_int_equal(mixed.level[1].count, 2 * EACH * (KINDS - TING_NGRAM_SPECIALS));
    assert_true(taken < 100 * (mixed.level[0].count + mixed.level[1].count)); /* all that was ever taken, with what was given back */
    ting_ngram_mix_free(mix);
    ting_ngram_table_free(&mixed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(running_out_of_memory_is_an_error),
        cmocka_unit_test(memory_is_some_bytes_an_ngram),
        cmocka_unit_test(what_is_listed_has_the_mean_and_the_rest_sums_to_one),
        cmocka_unit_test(rounded_models_are_brought_to_sums_of_one),
        cmocka_unit_test(a_tree_lists_what_it_was_made_of),
        cmocka_unit_test(the_weights_found_are_the_likeliest),
        cmocka_unit_test(a_weight_of_one_gives_the_model_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
