/* SPDX-License-Identifier: Apache-2.0 */
/* test_p2h_train.c - recipes, overfitting a tiny corpus, exact resume (also after SIGKILL), export and decoding. */
#include "support/support.h"
#include "support/training.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "data/p2h_corpus.h"
#include "decode/p2h.h"
#include "engine/tool_hanzi.h"
#include "text/pinyin.h"
#include "train/checkpoint.h"
#include "tingxie_train.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* Sentences whose homophones only their neighbours tell apart: shi4 is 是 事 市 式, yi4 意 义 易, ... */
static const struct {
    const char *pinyin, *text;
} sentences[] = {
    {"wo3 shi4 zhong1 guo2 ren2", "我是中国人"}, {"zhe4 shi4 yi2 jian4 hao3 shi4", "这是一件好事"},
    {"shang4 hai3 shi4 shi4 da4 shi4", "上海市是大市"}, {"mei2 you3 yi4 yi4", "没有意义"},
    {"jiao1 yi4 fang1 shi4", "交易方式"}, {"ta1 de5 shi4 shi4 yi4 shi4", "他的事是议事"},
    {"gong1 shi4 hen3 jian3 dan1", "公式很简单"}, {"gu3 shi4 jiao1 yi4", "股市交易"},
};

enum { SENTENCES = sizeof sentences / sizeof sentences[0] };

static char *write_corpus(void)
{
    char *path = ting_temp_path("tiny.corpus");
    ting_p2h_builder *b = ting_p2h_builder_new();
    ting_p2h_counts counts;
    for (int held = 0; held < 2; held++) {
        ting_p2h_builder_source(b, held ? "held" : "tiny", "CC0-1.0", held ? TING_P2H_MEASURE : TING_P2H_TRAIN);
        for (int s = 0; s < SENTENCES; s++) {
            uint32_t text[16];
            int ids[16], count = 0;
            const char *p = sentences[s].pinyin;
            for (const char *t = sentences[s].text; *t != '\0'; count++) {
                /* every hanzi here has three bytes in UTF-8 */
                text[count] = (uint32_t)((t[0] & 0x0F) << 12 | (t[1] & 0x3F) << 6 | (t[2] & 0x3F));
                size_t length = strcspn(p, " ");
                ids[count] = ting_pinyin_read(p, length);
                p += length + (p[length] == ' ');
                t += 3;
            }
            ting_p2h_builder_line(b, count, text, ids, 1);
        }
    }
    assert_ok(ting_p2h_builder_write(b, path, 1, &counts));
    ting_p2h_builder_free(b);
    return path;
}

static char *write_recipe(const char *name, int steps, const char *more)
{
    char *path = ting_temp_path(name);
    ting_str text = {0};
    ting_str_addf(&text,
                  "model: {embedding: 16, pair_rows: 64, triple_rows: 64, ngram_dim: 8, layers: 2, width: 16, heads: 2, "
                  "inner: 32, dropout: 0.1}\n"
                  "data: {tokens: 20, window: 8, spoil: {share: 0.3, tone: 0.1, initial: 0.05, final: 0.05}}\n"
                  "train: {steps: %d, warmup: 5, decay: 10, rate: 0.01, save_every: 10, measure_every: 20, log_every: 10%s}\n",
                  steps, more);
    assert_ok(ting_file_save(path, text.text, text.length));
    ting_str_free(&text);
    return path;
}

struct watch {
    long steps, stop_at;
    double errors, first_loss, last_loss;
};

static void report(void *self, const ting_train_report *r)
{
    struct watch *w = self;
    w->last_loss = r->loss;
    if (w->first_loss == 0)
        w->first_loss = r->loss;
    if (r->errors >= 0)
        w->errors = r->errors;
}

static int stop(void *self)
{
    struct watch *w = self;
    return ++w->steps > w->stop_at;
}

static ting_err train(const char *recipe, const char *corpus, const char *folder, int threads, long stop_at,
                      struct watch *watch)
{
    *watch = (struct watch){.stop_at = stop_at, .errors = -1};
    return ting_train_p2h(&(ting_train_options){.recipe = recipe, .data = corpus, .folder = folder, .threads = threads,
                                                .report = report, .stop = stop, .self = watch});
}

static void a_tiny_corpus_is_learnt_by_heart(void **state)
{
    (void)state;
    struct watch w;
    char *corpus = write_corpus(), *recipe = write_recipe("heart.yaml", 200, ""), *folder = ting_temp_path("heart");
    assert_ok(train(recipe, corpus, folder, 2, 1000, &w));
    assert_true(w.last_loss < 0.5 * w.first_loss);
    assert_true(w.errors == 0);

    /* The exported model, f32 and int8, writes the sentences too, also through the program's own front. */
    for (int type = 0; type < 2; type++) {
        char *model = ting_temp_path(type == 0 ? "tiny.gguf" : "tiny8.gguf");
        ting_tool_hanzi *hanzi;
        ting_str out = {0};
        assert_ok(ting_export_p2h(&(ting_train_options){.recipe = recipe, .data = corpus, .folder = folder}, model,
                                  type == 0 ? TING_EXPORT_F32 : TING_EXPORT_INT8, "CC0-1.0"));
        assert_ok(ting_tool_hanzi_new(&(ting_tool_hanzi_options){.model = model, .threads = 1}, &hanzi));
        for (int s = 0; s < SENTENCES; s++) {
            ting_str_clear(&out);
            assert_ok(ting_tool_hanzi_line(hanzi, sentences[s].pinyin, strlen(sentences[s].pinyin), 1, &out));
            assert_int_equal(out.length, strlen(sentences[s].text) + 1);
            assert_memory_equal(out.text, sentences[s].text, out.length - 1);
        }
        ting_str_clear(&out);
        assert_fails(TING_ERR_FORMAT, "word 2, \"qqq\"", ting_tool_hanzi_line(hanzi, "a1 qqq", 6, 1, &out));
        assert_int_equal(out.length, 0);
        assert_ok(ting_tool_hanzi_line(hanzi, "", 0, 1, &out));
        assert_string_equal(out.text, "\n");
        ting_str_free(&out);
        ting_tool_hanzi_free(hanzi);
        ting_free(model);
    }
    ting_free(corpus);
    ting_free(recipe);
    ting_free(folder);
}

/* The other forms of network: trained, measured, exported, searched. */
static void learns_too(const char *name, const char *network)
{
    struct watch w;
    ting_str recipe_text = {0};
    char *corpus = write_corpus(), *recipe = ting_temp_path("form.yaml"), *folder = ting_temp_path(name);
    char *model = ting_temp_path("form.gguf");
    ting_str_addf(&recipe_text,
                  "model: {%s}\ndata: {tokens: 20, window: 8, spoil: {share: 0.5, tone: 0, initial: 0, final: 0}}\n"
                  "train: {steps: 250, warmup: 5, decay: 50, rate: 0.01, measure_every: 250, log_every: 25}\n", network);
    assert_ok(ting_file_save(recipe, recipe_text.text, recipe_text.length));
    ting_str_free(&recipe_text);
    assert_ok(train(recipe, corpus, folder, 2, 1000, &w));
    assert_true(w.errors == 0);
    ting_tool_hanzi *hanzi;
    ting_str out = {0};
    assert_ok(ting_export_p2h(&(ting_train_options){.recipe = recipe, .data = corpus, .folder = folder}, model,
                              TING_EXPORT_F32, "CC0-1.0"));
    for (int limit = TING_TOOL_HANZI_EXACT; limit <= TING_TOOL_HANZI_FREE; limit++) {
        assert_ok(ting_tool_hanzi_new(&(ting_tool_hanzi_options){.model = model, .threads = 1,
                                                                 .limit = (ting_tool_hanzi_limit)limit},
                                      &hanzi));
        for (int s = 0; s < SENTENCES; s++) {
            ting_str_clear(&out);
            assert_ok(ting_tool_hanzi_line(hanzi, sentences[s].pinyin, strlen(sentences[s].pinyin), 1, &out));
            assert_memory_equal(out.text, sentences[s].text, strlen(sentences[s].text));
            assert_int_equal(out.length, strlen(sentences[s].text) + 1);
        }
        ting_tool_hanzi_free(hanzi);
    }
    ting_str_free(&out);
    char *const all[] = {corpus, recipe, folder, model};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        ting_free(all[i]);
}

static void an_encoder_decoder_learns_too(void **state)
{
    (void)state;
    learns_too("encoder-decoder", "kind: encoder-decoder, layers: 1, decoder_layers: 1, width: 32, heads: 2, inner: 32");
}

static void a_birnn_with_attention_learns_too(void **state)
{
    (void)state;
    learns_too("birnn", "kind: birnn-attention, width: 16, hidden: 24, attention: 16");
}

static void a_stopped_training_goes_on_exactly(void **state)
{
    (void)state;
    struct watch w;
    char *corpus = write_corpus(), *recipe = write_recipe("resume.yaml", 60, "");
    char *whole = ting_temp_path("whole"), *parts = ting_temp_path("parts"), *threads = ting_temp_path("threads");
    assert_ok(train(recipe, corpus, whole, 1, 1000, &w));
    assert_ok(train(recipe, corpus, threads, 3, 1000, &w));
    ting_assert_same_state(whole, threads); /* the number of threads does not matter */
    assert_fails(TING_ERR_CANCELLED, "stopped after step 10", train(recipe, corpus, parts, 2, 10, &w));
    assert_fails(TING_ERR_CANCELLED, "stopped after step 40", train(recipe, corpus, parts, 1, 30, &w));
    assert_ok(train(recipe, corpus, parts, 2, 1000, &w));
    ting_assert_same_state(whole, parts);

    /* killed without a warning, at a random moment after the first checkpoint, as often as it takes */
    char *killed = ting_temp_path("killed"), *path = ting_path_join(killed, "checkpoint");
    for (int round = 0; round < 40; round++) {
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0)
            _exit(train(recipe, corpus, killed, 1, 1000, &w) == TING_OK ? 0 : 1);
        usleep((useconds_t)15000 << round / 3); /* longer and longer: also a slow machine gets through */
        kill(child, SIGKILL);
        int status;
        waitpid(child, &status, 0);
        if (WIFEXITED(status)) {
            assert_int_equal(WEXITSTATUS(status), 0);
            break;
        }
    }
    assert_true(ting_file_exists(path));
    assert_ok(train(recipe, corpus, killed, 1, 1000, &w));
    ting_assert_same_state(whole, killed);
    char *const all[] = {corpus, recipe, whole, parts, threads, killed, path};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        ting_free(all[i]);
}

/* --finish: from the rate that is there, within so many steps, once; what is asked for again is said to change nothing. */
struct heard {
    char sentences[2048];
    double rate[64];
    int count;
};

static void hear(void *self, const char *sentence)
{
    struct heard *h = self;
    snprintf(h->sentences + strlen(h->sentences), sizeof h->sentences - strlen(h->sentences), "%s\n", sentence);
}

static void note_rate(void *self, const ting_train_report *r)
{
    struct heard *h = self;
    if (h->count < 64)
        h->rate[h->count++] = r->rate;
}

static void a_training_can_be_brought_to_its_end_early(void **state)
{
    (void)state;
    struct watch w;
    struct heard h = {.count = 0};
    char *corpus = write_corpus(), *recipe = write_recipe("finish.yaml", 500, ""), *folder = ting_temp_path("finish");
    ting_train_options o = {.recipe = recipe, .data = corpus, .folder = folder, .threads = 1, .finish = 20, .report = note_rate,
                            .remarks = {hear, &h}, .self = &h};
    assert_fails(TING_ERR_CANCELLED, "after step 30", train(recipe, corpus, folder, 1, 30, &w));
    assert_ok(ting_train_p2h(&o)); /* reports at 40 and 50: half of the way, 1 - sqrt(1 / 2), and the end */
    assert_int_equal(h.count, 2);
    assert_true(fabs(h.rate[0] - (1e-5 + (0.01 - 1e-5) * (1 - sqrt(0.5)))) < 1e-9);
    assert_true(fabs(h.rate[1] - 1e-5) < 1e-12);
    assert_null(strstr(h.sentences, "falls already"));
    assert_ok(ting_train_p2h(&o));
    assert_non_null(strstr(h.sentences, "the rate falls already, from step 30 to 50"));
    assert_non_null(strstr(h.sentences, "nothing to do: 50 steps are done"));
    char *const all[] = {corpus, recipe, folder};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        ting_free(all[i]);
}

/* A training that begins with an exported model begins where that one ended. */
static void a_model_file_can_be_the_start(void **state)
{
    (void)state;
    struct watch w;
    char *corpus = write_corpus(), *recipe = write_recipe("start.yaml", 150, ""), *first = ting_temp_path("first");
    char *second = ting_temp_path("second"), *model = ting_temp_path("start.gguf"), *wide = ting_temp_path("wide.yaml");
    char *third = ting_temp_path("third"), *again = ting_temp_path("again.gguf");
    assert_ok(train(recipe, corpus, first, 1, 1000, &w));
    const double reached = w.last_loss;
    assert_ok(ting_export_p2h(&(ting_train_options){.recipe = recipe, .data = corpus, .folder = first}, model,
                              TING_EXPORT_F32, "CC0-1.0"));
    w = (struct watch){.stop_at = 11, .errors = -1};
    ting_train_options options = {.recipe = recipe, .data = corpus, .folder = second, .threads = 1, .from = model,
                                  .report = report, .stop = stop, .self = &w};
    assert_int_equal(ting_train_p2h(&options), TING_ERR_CANCELLED);
    assert_true(w.first_loss < 2 * reached + 0.2); /* from random numbers it begins above 1 */
    options.from = NULL;                           /* the checkpoint knows it */
    assert_ok(ting_export_p2h(&options, again, TING_EXPORT_F32, "CC0-1.0"));
    ting_assert_record(again, "p2h", "\"from\":{\"file\":\"start.gguf\",\"licence\":\"CC0-1.0\"");
    options.from = model;
    assert_ok(ting_file_save(wide, "model: {width: 32}\n", 19));
    options.folder = wide; /* a file: no folder can be made there */
    assert_fails(TING_ERR_IO, "cannot be made", ting_train_p2h(&options));
    options.recipe = wide;
    options.folder = third;
    assert_fails(TING_ERR_MODEL, "the model has \"embedding 16\", the recipe's network \"embedding 256\"",
                 ting_train_p2h(&options));
    char *const all[] = {corpus, recipe, first, second, third, model, again, wide};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        ting_free(all[i]);
}

static void damaged_checkpoints_are_refused(void **state)
{
    (void)state;
    struct watch w;
    char *corpus = write_corpus(), *recipe = write_recipe("bad.yaml", 10, ""), *folder = ting_temp_path("bad");
    char *other = write_recipe("other.yaml", 10, ""), *path = ting_path_join(folder, "checkpoint");
    ting_checkpoint whole;
    const void *weights;
    size_t weight_bytes;
    assert_ok(train(recipe, corpus, folder, 1, 1000, &w));
    assert_ok(ting_checkpoint_open(path, &whole));
    assert_true(ting_checkpoint_find(&whole, "weights", &weights, &weight_bytes));
    const size_t size = whole.file.size;
    const size_t place = (size_t)((const unsigned char *)weights - (const unsigned char *)whole.file.data) + weight_bytes / 2;
    unsigned char *bytes = ting_alloc(size, 1);
    memcpy(bytes, whole.file.data, size);
    ting_checkpoint_close(&whole);
    bytes[place] ^= 1;
    assert_ok(ting_file_save(path, bytes, size));
    assert_fails(TING_ERR_FORMAT, "damaged", train(recipe, corpus, folder, 1, 1000, &w));
    assert_ok(ting_file_save(path, bytes, size / 2));
    assert_fails(TING_ERR_FORMAT, "truncated", train(recipe, corpus, folder, 1, 1000, &w));
    assert_ok(ting_file_save(path, "x", 1));
    assert_fails(TING_ERR_FORMAT, "not a checkpoint", train(recipe, corpus, folder, 1, 1000, &w));
    bytes[place] ^= 1;
    assert_ok(ting_file_save(path, bytes, size));
    assert_ok(ting_file_save(other, "model: {layers: 1, width: 16}\n", 30));
    assert_fails(TING_ERR_MODEL, "another network", train(other, corpus, folder, 1, 1000, &w));
    ting_free(bytes);
    char *const all[] = {corpus, recipe, folder, other, path};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        ting_free(all[i]);
}

static void recipes_refuse_what_they_do_not_know(void **state)
{
    (void)state;
    const struct {
        const char *text, *sentence;
        ting_err code;
    } cases[] = {
        {"model:\n  layer: 3\n", "r.yaml:2: the key \"layer\" is not known here", TING_ERR_FORMAT},
        {"train:\n  rate: fast\n", "r.yaml:2: \"rate\" is \"fast\", expected a number", TING_ERR_FORMAT},
        {"train:\n  steps: 0\n", "r.yaml:2: \"steps\" is \"0\"", TING_ERR_FORMAT},
        {"training: {}\n", "r.yaml:1: the key \"training\"", TING_ERR_FORMAT},
        {"model: 3\n", "\"model\" must be a group", TING_ERR_FORMAT},
        {"data:\n  weights: {nowhere: 2}\n", "r.yaml:2: the corpus has no source \"nowhere\"", TING_ERR_FORMAT},
        {"model: {width: 10, heads: 3}\n", "3 heads do not divide the width 10", TING_ERR_MODEL},
        {"model: {ngram_dim: 7}\n", "expected an even number", TING_ERR_MODEL},
    };
    struct watch w;
    char *corpus = write_corpus(), *recipe = ting_temp_path("r.yaml"), *folder = ting_temp_path("refused");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_ok(ting_file_save(recipe, cases[i].text, strlen(cases[i].text)));
        assert_fails(cases[i].code, cases[i].sentence, train(recipe, corpus, folder, 1, 1, &w));
    }
    ting_free(corpus);
    ting_free(recipe);
    ting_free(folder);
}

/* A checkpoint whose weights are NaN: every step is left out, and after fifty the training gives up. */
static void steps_that_are_not_finite_change_nothing(void **state)
{
    (void)state;
    struct watch w;
    char *corpus = write_corpus(), *recipe = write_recipe("nan.yaml", 500, ""), *folder = ting_temp_path("nan");
    char *path = ting_path_join(folder, "checkpoint");
    static const char *const names[] = {"identity", "place", "weights", "average", "adamw.steps", "adamw.mean",
                                        "adamw.square"};
    enum { COUNT = sizeof names / sizeof names[0] };
    ting_state_block blocks[COUNT];
    ting_checkpoint file;
    assert_fails(TING_ERR_CANCELLED, "step 10", train(recipe, corpus, folder, 1, 10, &w));
    assert_ok(ting_checkpoint_open(path, &file));
    for (int i = 0; i < COUNT; i++) {
        const void *data;
        size_t bytes;
        assert_true(ting_checkpoint_find(&file, names[i], &data, &bytes));
        blocks[i] = (ting_state_block){names[i], ting_alloc(bytes, 1), bytes};
        memcpy(blocks[i].data, data, bytes);
    }
    ting_checkpoint_close(&file);
    const size_t elements = blocks[2].bytes / sizeof(ting_real);
    for (size_t i = 0; i < elements; i++)
        ((ting_real *)blocks[2].data)[i] = NAN;
    assert_ok(ting_checkpoint_save(path, blocks, COUNT));
    assert_fails(TING_ERR_NUMERIC, "50 steps in a row", train(recipe, corpus, folder, 1, 1000, &w));
    assert_ok(ting_checkpoint_open(path, &file)); /* the optimizer and the mean: as before */
    for (int i = 3; i < COUNT; i++) {
        const void *data;
        size_t bytes;
        assert_true(ting_checkpoint_find(&file, names[i], &data, &bytes));
        assert_memory_equal(data, blocks[i].data, bytes);
    }
    ting_checkpoint_close(&file);
    for (int i = 0; i < COUNT; i++)
        ting_free(blocks[i].data);
    char *const all[] = {corpus, recipe, folder, path};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        ting_free(all[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_tiny_corpus_is_learnt_by_heart),
        cmocka_unit_test(an_encoder_decoder_learns_too),
        cmocka_unit_test(a_birnn_with_attention_learns_too),
        cmocka_unit_test(a_stopped_training_goes_on_exactly),
        cmocka_unit_test(a_training_can_be_brought_to_its_end_early),
        cmocka_unit_test(a_model_file_can_be_the_start),
        cmocka_unit_test(damaged_checkpoints_are_refused),
        cmocka_unit_test(recipes_refuse_what_they_do_not_know),
        cmocka_unit_test(steps_that_are_not_finite_change_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
