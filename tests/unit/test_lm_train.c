/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_lm_train.c - networks that learn a little grammar: each kind, each loss, going on where it stopped; and texts read by one model, by
 * several, with a cache.
 */
#include "support/support.h"
#include "support/training.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/rng.h"
#include "base/str.h"
#include "tingxie.h"
#include "tingxie_train.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* A word of each list in its turn, of two characters of its own: 8 x 6 x 6 x 10 sentences, equally likely, of 8.33 places on average. A perfect
 * model has the perplexity 2880 ^ (1 / 8.33) = 2.60. */
static char *corpus;
enum { SENTENCES = 1200, LISTS = 4 };

static int write_corpus(void **state)
{
    (void)state;
    static const char *const lists[LISTS][10] = {
        {"我们", "你等", "他俩", "老师", "学生", "大夫", "司机", "店员"},
        {"", "今天", "昨晚", "上周", "刚才", "每月"},
        {"", "在家", "到校", "往北", "从南", "靠山"},
        {"看书", "喝茶", "唱歌", "写字", "跑步", "做饭", "打球", "画图", "下棋", "睡觉"},
    };
    static const uint32_t sizes[LISTS] = {8, 6, 6, 10};
    ting_str text = {0};
    ting_rng rng = ting_rng_new(7, 0);
    for (int i = 0; i < SENTENCES; i++) {
        for (int k = 0; k < LISTS; k++)
            ting_str_add(&text, lists[k][ting_rng_below(&rng, sizes[k])]);
        ting_str_add(&text, "。\n");
    }
    corpus = ting_temp_path("grammar.txt");
    const bool well = ting_str_ok(&text) && ting_file_save(corpus, text.text, text.length) == TING_OK;
    ting_str_free(&text);
    return well ? 0 : -1;
}

static int drop_corpus(void **state)
{
    (void)state;
    ting_free(corpus);
    return 0;
}

static char *write_recipe(const char *name, const char *model, const char *train)
{
    ting_str text = {0};
    ting_str_addf(&text,
                  "model: {%s}\ndata: {tokens: 400}\ntrain: {warmup: 5, decay: 60, rate: 0.02, average: 0, %s}\n"
                  "sources:\n  - {name: grammar, file: %s, leave_every: 10}\n  - {name: held, file: %s, only_every: 10, measure: true}\n",
                  model, train, corpus, corpus);
    char *path = ting_temp_path(name);
    assert_ok(ting_file_save(path, text.text, text.length));
    ting_str_free(&text);
    return path;
}

/* Perplexity of the held-out sentences. */
static double train(const char *name, const char *model, const char *settings, char **file)
{
    ting_str recipe_name = {0}, file_name = {0};
    ting_str_addf(&recipe_name, "%s.yaml", name);
    ting_str_addf(&file_name, "%s.gguf", name);
    char *recipe = write_recipe(recipe_name.text, model, settings);
    *file = ting_temp_path(file_name.text);
    ting_lm_report report;
    assert_ok(ting_train_lm(&(ting_lm_options){.recipe = recipe, .output = *file, .threads = 2}, &report));
    assert_int_equal(report.order, 0);
    assert_true(report.parameters > 100 && report.words == 3 + 2 * 28);
    ting_free(recipe);
    ting_str_free(&recipe_name);
    ting_str_free(&file_name);
    return report.perplexity;
}

static double perplexity_of(ting_lm_reader *reader, const char *const *texts, size_t count, ting_lm_score *scores)
{
    size_t lengths[16], places = 0;
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        lengths[i] = strlen(texts[i]);
    assert_ok(ting_lm_reader_score(reader, texts, lengths, count, scores));
    for (size_t i = 0; i < count; i++) {
        sum += scores[i].log_prob;
        places += scores[i].characters + 1;
    }
    return exp(-sum / (double)places);
}

static const char *const likely[] = {"我们在家看书", "老师喝茶", "店员今天往北唱歌"}, *const unlikely[] = {"看我在书们家", "茶喝师老", "员北天店往今歌唱"};

static void each_kind_learns(void **state)
{
    (void)state;
    static const struct {
        const char *name, *model;
        double most; /* perplexity */
    } kinds[] = {
        {"nnlm", "kind: nnlm, width: 8, hidden: 24, context: 3, direct: true", 3},
        {"rnn", "kind: rnn, width: 8, hidden: 24, layers: 1", 3},
        {"lstm", "kind: lstm, width: 8, hidden: 24, layers: 1, dropout: 0.05", 3},
        {"tied", "kind: lstm, width: 24, hidden: 24, layers: 1, tied: true", 3},
        {"gru", "kind: gru, width: 8, hidden: 24, layers: 1", 3},
        {"bilstm", "kind: bilstm, width: 8, hidden: 24, layers: 1", 1.6}, /* what stands behind tells most */
        {"gpt", "kind: gpt, width: 16, layers: 2, heads: 2, context: 16", 3},
        {"classes", "kind: lstm, width: 8, hidden: 24, layers: 1, classes: 5", 3},
        {"samples", "kind: lstm, width: 8, hidden: 24, layers: 1, samples: 24", 3.2},
        {"pieces", "kind: gru, width: 8, hidden: 24, layers: 1, bptt: 2", 3},
    };
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        char *file;
        ting_lm *lm;
        ting_lm_reader *reader;
        ting_lm_score scores[3];
        const double perplexity = train(kinds[i].name, kinds[i].model, "steps: 240, measure_every: 120", &file);
        if (!(perplexity > 1 && perplexity < kinds[i].most))
            fail_msg("%s: perplexity %g, expected at most %g", kinds[i].name, perplexity, kinds[i].most);
        ting_assert_record(file, "lm", "\"parameters\":");
        assert_ok(ting_lm_open(file, &lm));
        assert_ok(ting_lm_reader_new(&(ting_lm_weighted){lm, 1}, 1, NULL, &reader));
        const double good = perplexity_of(reader, likely, 3, scores);
        assert_true(good < 1.7 * perplexity && perplexity_of(reader, unlikely, 3, scores) > 50 * good);
        assert_int_equal(scores[0].words, 6);
        ting_lm_reader_free(reader);
        ting_lm_free(lm);
        ting_free(file);
    }
}

/* ---- going on ---- */

typedef struct halting {
    int asked, after;
} halting;

static int halt(void *self)
{
    halting *h = self;
    return h->asked++ >= h->after;
}

static void it_goes_on_where_it_stopped(void **state)
{
    (void)state;
    char *recipe = write_recipe("resume.yaml", "kind: lstm, width: 8, hidden: 12, layers: 2, dropout: 0.2, samples: 6",
                                "steps: 40, measure_every: 20, save_every: 7");
    char *whole = ting_temp_path("whole"), *parts = ting_temp_path("parts"), *file = ting_temp_path("resume.gguf");
    ting_lm_report report;
    ting_lm_options o = {.recipe = recipe, .output = file, .folder = whole, .threads = 1};
    assert_ok(ting_train_lm(&o, &report));
    o.folder = parts;
    for (int after = 3; after < 30; after += 9) {
        halting h = {.after = after};
        o.stop = halt;
        o.self = &h;
        assert_int_equal(ting_train_lm(&o, &report), TING_ERR_CANCELLED);
    }
    o.stop = NULL;
    assert_ok(ting_train_lm(&o, &report));
    ting_assert_same_state(whole, parts);
    ting_free(recipe);
    ting_free(whole);
    ting_free(parts);
    ting_free(file);
}

/* ---- reading ---- */

static void long_sentences_go_through_windows(void **state)
{
    (void)state;
    char *file;
    ting_lm *lm;
    ting_lm_score score;
    ting_str text = {0};
    train("short", "kind: gpt, width: 16, layers: 1, heads: 2, context: 6", "steps: 60, measure_every: 60", &file);
    assert_ok(ting_lm_open(file, &lm));
    for (int i = 0; i < 40; i++)
        ting_str_add(&text, "我们在家看书");
    assert_ok(ting_lm_score_text(lm, text.text, text.length, &score));
    assert_int_equal(score.words, 240);
    assert_true(isfinite(score.log_prob) && score.log_prob < -10);
    double sums[3]; /* after the first window each repetition costs the same */
    for (int i = 0; i < 3; i++) {
        ting_lm_score beginning;
        assert_ok(ting_lm_score_text(lm, text.text, (size_t)(20 + 10 * i) * strlen("我们在家看书"), &beginning));
        sums[i] = beginning.log_prob;
    }
    assert_true(fabs((sums[2] - sums[1]) - (sums[1] - sums[0])) < 1e-4 * fabs(sums[1] - sums[0]));
    ting_lm_free(lm);
    ting_free(file);
    ting_str_free(&text);
}

/* The fitted weight is the one that trying finds. */
static void models_are_mixed(void **state)
{
    (void)state;
    enum { GRID = 19 };
    char *files[2];
    ting_lm *lms[2];
    ting_lm_reader *reader;
    ting_lm_score scores[3];
    double fitted[2], likeliest = 0, best = 0;
    size_t lengths[3];
    train("nnlm-mix", "kind: nnlm, width: 8, hidden: 12, context: 1", "steps: 60, measure_every: 60", &files[0]);
    train("lstm-mix", "kind: lstm, width: 8, hidden: 12, layers: 1", "steps: 30, measure_every: 30", &files[1]);
    for (int i = 0; i < 2; i++)
        assert_ok(ting_lm_open(files[i], &lms[i]));
    for (int i = 0; i < 3; i++)
        lengths[i] = strlen(likely[i]);
    ting_lm_reader_options options;
    ting_lm_reader_options_defaults(&options, sizeof options);
    options.threads = 1;
    for (int i = 1; i <= GRID; i++) { /* the best weight by trying */
        const double weight = (double)i / (GRID + 1);
        const ting_lm_weighted parts[] = {{lms[0], weight}, {lms[1], 1 - weight}};
        assert_ok(ting_lm_reader_new(parts, 2, &options, &reader));
        const double perplexity = perplexity_of(reader, likely, 3, scores);
        if (likeliest == 0 || perplexity < likeliest) {
            likeliest = perplexity;
            best = weight;
        }
        ting_lm_reader_free(reader);
    }
    const ting_lm_weighted even[] = {{lms[0], 3}, {lms[1], 3}};
    assert_ok(ting_lm_reader_new(even, 2, &options, &reader));
    assert_ok(ting_lm_reader_fit(reader, likely, lengths, 3, fitted));
    assert_true(fabs(fitted[0] + fitted[1] - 1) < 1e-9 && fabs(fitted[0] - best) < 1.0 / GRID);
    assert_true(perplexity_of(reader, likely, 3, scores) < likeliest * 1.0001);
    ting_lm_reader_free(reader);
    assert_fails(TING_ERR_ARGUMENT, ": a weight of 0, expected more than 0",
                 ting_lm_reader_new((const ting_lm_weighted[]){{lms[0], 1}, {lms[1], 0}}, 2, &options, &reader));
    for (int i = 0; i < 2; i++) {
        ting_lm_free(lms[i]);
        ting_free(files[i]);
    }
}

/* Other texts, which begin like those that the network knows: it is far ahead of one that begins with nothing, and keeps its words. */
static void a_network_goes_on_with_other_texts(void **state)
{
    (void)state;
    static const char *const model = "kind: lstm, width: 8, hidden: 24, layers: 1, classes: 5",
                             *const who[] = {"我们", "你等", "他俩", "老师", "学生", "大夫"},
                             *const what[] = {"看书", "喝茶", "唱歌", "写字", "跑步", "做饭", "喝汤"};
    char *known, *out = ting_temp_path("gone-on.gguf"), *recipe = ting_temp_path("other.yaml"), *ngram = ting_temp_path("ngram.yaml"),
         *first = ting_temp_path("fresh.gguf");
    ting_str lines = {0}, text = {0};
    ting_lm_report fresh, gone_on;
    train("known", model, "steps: 240, measure_every: 240", &known);
    for (int i = 0; i < 42; i++) /* all different: what is held out is not trained on */
        ting_str_addf(&lines, "%s今天在家%s\n", who[i % 6], what[i % 7]);
    char *other = ting_temp_text("other.txt", lines.text);
    ting_str_addf(&text, "model: {%s}\ndata: {tokens: 400}\ntrain: {warmup: 1, rate: 0.002, average: 0, steps: 5, decay: 1}\n"
                         "sources:\n  - {name: other, file: %s, leave_every: 5}\n  - {name: held, file: %s, only_every: 5, measure: true}\n",
                  model, other, other);
    assert_ok(ting_file_save(recipe, text.text, text.length));
    ting_lm_options options = {.recipe = recipe, .output = first, .threads = 1};
    assert_ok(ting_train_lm(&options, &fresh));
    options.output = out;
    options.from = known;
    assert_ok(ting_train_lm(&options, &gone_on));
    assert_true(gone_on.words == 3 + 2 * 28 && fresh.words < gone_on.words); /* 汤 is <unk> */
    assert_true(gone_on.perplexity < 4 && fresh.perplexity > 2 * gone_on.perplexity);
    ting_assert_record(out, "lm", "known.gguf");
    const char *const wide[] = {"model.hidden=16", NULL}, *const other_kind[] = {"model.kind=gru", NULL};
    options.settings = wide;
    assert_fails(TING_ERR_MODEL, "another \"hidden\" than the recipe's", ting_train_lm(&options, &gone_on));
    options.settings = other_kind;
    assert_fails(TING_ERR_MODEL, "another \"kind\" than the recipe's", ting_train_lm(&options, &gone_on));
    options.settings = NULL;
    options.from = "models/tingxie-lm.gguf";
    assert_fails(TING_ERR_MODEL, "n-grams, which have no weights", ting_train_lm(&options, &gone_on));
    options.from = out;
    assert_fails(TING_ERR_ARGUMENT, "gone-on.gguf", ting_train_lm(&options, &gone_on)); /* would be overwritten */
    ting_str_clear(&text);
    ting_str_addf(&text, "model: {order: 2, memory: 8}\nsources:\n  - {name: other, file: %s}\n", other);
    assert_ok(ting_file_save(ngram, text.text, text.length));
    options.recipe = ngram;
    options.from = known;
    assert_fails(TING_ERR_ARGUMENT, "n-grams begin with no other model", ting_train_lm(&options, &gone_on));
    char *const all[] = {known, first, out, recipe, ngram, other};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        ting_free(all[i]);
    ting_str_free(&lines);
    ting_str_free(&text);
}

/* What was said before gets likelier, what was not less so, by no more than the share that the cache takes. */
static void a_cache_remembers(void **state)
{
    (void)state;
    char *file;
    ting_lm *lm;
    ting_lm_reader *plain, *cached;
    ting_lm_score a[3], b[3];
    train("cache", "kind: nnlm, width: 8, hidden: 12, context: 2", "steps: 40, measure_every: 40", &file);
    assert_ok(ting_lm_open(file, &lm));
    const ting_lm_weighted part = {lm, 1};
    ting_lm_reader_options options;
    ting_lm_reader_options_defaults(&options, sizeof options);
    assert_true(options.cache == 0 && options.cache_words == 500);
    options.cache = 0.1;
    options.cache_words = 20;
    assert_ok(ting_lm_reader_new(&part, 1, NULL, &plain));
    assert_ok(ting_lm_reader_new(&part, 1, &options, &cached));
    const char *const odd[] = {"书茶歌字", "书茶歌字", "床前明月"};
    perplexity_of(plain, odd, 3, a);
    perplexity_of(cached, odd, 3, b);
    assert_true(a[0].log_prob == a[1].log_prob);
    assert_true(b[1].log_prob > a[1].log_prob + 2);
    assert_true(b[2].log_prob > a[2].log_prob + 5 * log(0.9) - 1e-9);
    assert_int_equal(a[2].unknown, 3);
    ting_lm_reader_free(plain);
    ting_lm_reader_free(cached);
    options.cache_words = 0.5;
    assert_fails(TING_ERR_ARGUMENT, "options.cache_words is 0.5: 1 to 1e+09", ting_lm_reader_new(&part, 1, &options, &cached));
    options.size = 0;
    assert_fails(TING_ERR_ARGUMENT, "fill the struct with ting_lm_reader_options_defaults", ting_lm_reader_new(&part, 1, &options, &cached));
    assert_fails(TING_ERR_ARGUMENT, "0 language models", ting_lm_reader_new(NULL, 0, NULL, &cached));
    ting_lm_free(lm);
    ting_free(file);
}

/* Words said 1, 1, 2, 2, 3, 3, 3, 3, 4 times, alone: the formula gives the discount 0 for one of them. */
static void a_discount_of_nothing_is_made_up(void **state)
{
    (void)state;
    static const char *const said[] = {"天", "地", "人人", "你你", "我我我", "他他他", "她她她", "们们们", "好好好好"};
    ting_str text = {0};
    ting_lm_report report;
    ting_lm *lm;
    for (size_t i = 0; i < sizeof said / sizeof said[0]; i++)
        for (const char *c = said[i]; *c != '\0'; c += 3)
            ting_str_addf(&text, "%.3s\n", c);
    char *path = ting_temp_path("alone.txt"), *recipe = ting_temp_path("alone.yaml"), *file = ting_temp_path("alone.gguf");
    assert_ok(ting_file_save(path, text.text, text.length));
    ting_str_clear(&text);
    ting_str_addf(&text, "model: {order: 2}\ntokens: {rare: 1}\nsources:\n  - {name: alone, file: %s}\n", path);
    assert_ok(ting_file_save(recipe, text.text, text.length));
    assert_ok(ting_train_lm(&(ting_lm_options){.recipe = recipe, .output = file}, &report));
    assert_ok(ting_lm_open(file, &lm));
    ting_lm_free(lm);
    assert_fails(TING_ERR_ARGUMENT, "needs a recipe", ting_train_lm(&(ting_lm_options){.recipe = recipe}, &report));
    assert_fails(TING_ERR_ARGUMENT, "no path", ting_lm_open(NULL, &lm));
    char *const all[] = {path, recipe, file};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        ting_free(all[i]);
    ting_str_free(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_kind_learns),
        cmocka_unit_test(it_goes_on_where_it_stopped),
        cmocka_unit_test(long_sentences_go_through_windows),
        cmocka_unit_test(models_are_mixed),
        cmocka_unit_test(a_network_goes_on_with_other_texts),
        cmocka_unit_test(a_cache_remembers),
        cmocka_unit_test(a_discount_of_nothing_is_made_up),
    };
    return cmocka_run_group_tests(tests, write_corpus, drop_corpus);
}
