/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_am_adapt.c - what is changed about a training of an acoustic network without a new recipe: settings, frozen parts and
 * parts with a rate of their own, tables of characters, a start from a network with other tokens; the page; checkpoints of an
 * earlier version.
 */
#include "support/support.h"
#include "support/training.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "data/characters.h"
#include "model/gguf.h"
#include "model/tokens.h"
#include "tingxie_train.h"
#include "train/checkpoint.h"
#include "train/curves.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { MOST = 24 };

static char *toy; /* folder of sentences */
static char said[8192];

static void hear(void *self, const char *sentence)
{
    (void)self;
    snprintf(said + strlen(said), sizeof said - strlen(said), "%s\n", sentence);
}

/* The smoke recipe with a small network and few steps, and what else is set; `more` ends with NULL. */
static ting_err train(const char *folder, const char *from, const char *const *more, ting_train_options *used)
{
    static const char *settings[MOST];
    static const char *const small[] = {"model.dims=32",  "model.feedforward=32",  "model.chunks=[0]",
                                        "data.seconds=8", "data.window=20",        "train.steps=6",
                                        "train.decay=2",  "train.measure_every=6", "train.log_every=2"};
    int count = 0;
    for (size_t i = 0; i < sizeof small / sizeof small[0]; i++)
        settings[count++] = small[i];
    for (; more != NULL && *more != NULL && count + 1 < MOST; more++)
        settings[count++] = *more;
    settings[count] = NULL;
    *used = (ting_train_options){.recipe = "recipes/smoke.yaml",
                                 .data = toy,
                                 .folder = folder,
                                 .settings = settings,
                                 .from = from,
                                 .threads = 2,
                                 .remarks = {hear, NULL}};
    said[0] = '\0';
    return ting_train_am(used);
}

static char *export(ting_train_options *used, const char *name)
{
    char *path = ting_temp_path(name);
    assert_ok(ting_export_am(used, path, TING_EXPORT_F32, "CC0-1.0"));
    return path;
}

typedef struct difference { /* between the parameters of two files whose names hold a word */
    int same, all;          /* bitwise */
    double squares;         /* of the elements of what is not */
} difference;

static difference compare(const char *a, const char *b, const char *word, bool holds)
{
    difference d = {0};
    ting_gguf file[2];
    assert_ok(ting_gguf_open(a, &file[0]));
    assert_ok(ting_gguf_open(b, &file[1]));
    assert_int_equal(file[0].table.count, file[1].table.count);
    for (size_t i = 0; i < file[0].table.count; i++) {
        const ting_named *first = &file[0].table.items[i], *second = &file[1].table.items[i];
        assert_string_equal(first->name, second->name);
        if ((strstr(first->name, word) != NULL) != holds)
            continue;
        d.all++;
        d.same += memcmp(first->tensor.data, second->tensor.data, first->tensor.bytes) == 0;
        for (size_t k = 0; k < ting_stored_elements(&first->tensor); k++) {
            const double change = ting_stored_value(&first->tensor, k) - ting_stored_value(&second->tensor, k);
            d.squares += change * change;
        }
    }
    ting_gguf_close(&file[0]);
    ting_gguf_close(&file[1]);
    return d;
}

/* ---- parts ---- */

static void frozen_parts_stay_bitwise(void **state)
{
    (void)state;
    static const char *const cases[][4] = {
        {"train.freeze=[encoder_embed, encoder.encoders.0]", NULL},
        {"train.freeze=[encoder_embed, encoder.encoders.0]", "train.optimizer=adamw", "train.rate=0.001", NULL},
    };
    ting_train_options used;
    char *first = ting_temp_path("start");
    assert_ok(train(first, NULL, NULL, &used));
    char *start = export(&used, "start.gguf");
    for (size_t i = 0; i < 2; i++) {
        char *folder = ting_temp_path(i == 0 ? "frozen" : "frozen-adamw");
        assert_ok(train(folder, start, cases[i], &used));
        char *end = export(&used, "frozen.gguf");
        difference d = compare(start, end, "encoder_embed.", true);
        assert_true(d.all > 5 && d.same == d.all);
        d = compare(start, end, "encoder.encoders.0.", true);
        assert_true(d.all > 5 && d.same == d.all);
        d = compare(start, end, "encoder.encoders.1.", true);
        assert_true(d.all > 5 && d.squares > 0);
        ting_free(folder);
        ting_free(end);
    }
    ting_free(first);
    ting_free(start);
}

/* Also the running statistics of batch norms, which no gradient moves. */
static void frozen_statistics_stay(void **state)
{
    (void)state;
    static const char conformer[] =
        "model={encoder: conformer, dim: 32, heads: 2, layers: 1, feedforward: 32, kernel: 7}";
    static const char *const moving[] = {conformer, "loss.transducer=0", NULL}, *const frozen[] = {
                                                                                    conformer, "loss.transducer=0",
                                                                                    "train.freeze=[encoder]", NULL};
    ting_train_options used;
    char *first = ting_temp_path("conformer"), *second = ting_temp_path("conformer-frozen");
    assert_ok(train(first, NULL, moving, &used));
    char *start = export(&used, "conformer.gguf");
    assert_ok(train(second, start, frozen, &used));
    char *end = export(&used, "conformer-frozen.gguf");
    difference d = compare(start, end, "running_", true);
    assert_true(d.all == 2 && d.same == 2);
    d = compare(start, end, "ctc", true);
    assert_true(d.all == 2 && d.same == 0);
    char *const all[] = {first, second, start, end};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        ting_free(all[i]);
}

/* One step of ScaledAdam goes as far as its rate says: a tenth of it is a tenth of the way. */
static void parts_have_their_own_rate(void **state)
{
    (void)state;
    static const char *const whole[] = {"train.steps=1", "train.average=0", NULL},
                             *const tenth[] = {"train.steps=1", "train.average=0",
                                               "train.groups=[{prefix: encoder_embed, rate: 0.1}]", NULL};
    ting_train_options used;
    char *first = ting_temp_path("rate"), *second = ting_temp_path("rate-1"), *third = ting_temp_path("rate-01");
    assert_ok(train(first, NULL, NULL, &used));
    char *start = export(&used, "rate.gguf");
    assert_ok(train(second, start, whole, &used));
    char *one = export(&used, "rate-1.gguf");
    assert_ok(train(third, start, tenth, &used));
    char *ten = export(&used, "rate-01.gguf");
    const double fast = compare(start, one, "encoder_embed.", true).squares,
                 slow = compare(start, ten, "encoder_embed.", true).squares;
    assert_true(fast > 0 && fabs(sqrt(slow / fast) - 0.1) < 1e-3); /* to the rounding of float weights */
    const difference others = compare(one, ten, "encoder_embed.", false);
    assert_int_equal(others.same, others.all);
    char *const all[] = {first, second, third, start, one, ten};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        ting_free(all[i]);
}

static void impossible_parts_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *given, *part;
        ting_err code;
    } cases[] = {
        {"train.freeze=[encoder.encoders.01]", "no parameter of the network is called \"encoder.encoders.01\"",
         TING_ERR_FORMAT},
        {"train.freeze=[encoder.encod]", "no parameter of the network is called", TING_ERR_FORMAT},
        {"train.freeze=[encoder, encoder]", "a second time", TING_ERR_FORMAT},
        {"train.freeze=[[encoder]]", "freeze lists names", TING_ERR_FORMAT},
        {"train.freeze=encoder", "must be a list", TING_ERR_FORMAT},
        {"train.groups=[{prefix: encoder}]", "expected {prefix: NAME, rate: FACTOR}", TING_ERR_FORMAT},
        {"train.groups=[{prefix: encoder, rate: 0}]", "expected a number from", TING_ERR_FORMAT},
        {"train.freeze=[encoder, encoder_embed, decoder, joiner, ctc_output, simple_am_proj, simple_lm_proj]",
         "nothing is left to train", TING_ERR_FORMAT},
        {"train.stepz=3", "train.stepz=3:1: the key \"stepz\" is not known here", TING_ERR_FORMAT},
        {"train.steps", "expected a key", TING_ERR_ARGUMENT},
        {"tokens.table=words", "expected one of: parts, syllables, characters", TING_ERR_FORMAT},
    };
    ting_train_options used;
    char *folder = ting_temp_path("refused");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_fails(cases[i].code, cases[i].part, train(folder, NULL, (const char *[]){cases[i].given, NULL}, &used));
    assert_fails(TING_ERR_FORMAT, "need the optimizer scaled-adam",
                 train(folder, NULL,
                       (const char *[]){"train.optimizer=adamw", "train.groups=[{prefix: encoder, rate: 2}]", NULL},
                       &used));
    assert_false(ting_file_exists(folder));
    ting_free(folder);
}

/* ---- tokens ---- */

static void characters_make_a_table(void **state)
{
    (void)state;
    static const char list[] = "path\ttext\na.wav\t你好，ＯＫ！\nb.wav\t好 O，1%\nc.wav\t\n";
    static const char *const want[] = {"<blk>", "%", "1", "K", "O", "你", "好"};
    char *path = ting_temp_path("texts.tsv"), *saved = ting_temp_path("tokens.txt");
    ting_manifest *manifest;
    ting_texts tokens, again;
    ting_characters *characters = ting_characters_new();
    assert_non_null(characters);
    assert_fails(TING_ERR_ARGUMENT, "no text", ting_characters_table(characters, &tokens));
    assert_ok(ting_file_save(path, list, sizeof list - 1));
    assert_ok(ting_manifest_read(path, NULL, &manifest));
    assert_ok(ting_characters_add(characters, manifest));
    assert_ok(ting_characters_table(characters, &tokens));
    assert_ok(ting_tokens_save(saved, &tokens));
    assert_ok(ting_tokens_read(saved, &again));
    assert_int_equal(tokens.count, sizeof want / sizeof want[0]);
    assert_int_equal(again.count, tokens.count);
    for (size_t i = 0; i < tokens.count; i++) {
        assert_string_equal(tokens.items[i], want[i]);
        assert_string_equal(again.items[i], want[i]);
    }
    ting_texts_free(&tokens);
    ting_texts_free(&again);
    ting_manifest_free(manifest);
    ting_characters_free(characters);
    ting_free(path);
    ting_free(saved);
}

/* The ten digits, said as hanzi; the table is the training's, also where other texts are trained on later. */
static void a_network_writes_characters(void **state)
{
    (void)state;
    static const char *const hanzi[] = {"tokens.table=characters", NULL};
    ting_train_options used;
    ting_texts tokens;
    char *folder = ting_temp_path("hanzi"), *next = ting_temp_path("hanzi-next"),
         *table = ting_path_join(folder, "tokens.txt"), *next_table = ting_path_join(next, "tokens.txt");
    assert_ok(train(folder, NULL, hanzi, &used));
    assert_ok(ting_tokens_read(table, &tokens));
    assert_int_equal(tokens.count, 11);
    assert_string_equal(tokens.items[1], "一"); /* U+4E00 */
    ting_texts_free(&tokens);
    char *model = export(&used, "hanzi.gguf");

    /* a start from a network that writes: its tokens, so that its heads go on */
    assert_ok(ting_folder_make(next));
    assert_ok(ting_file_save(next_table, "x 0\n", 4)); /* of a training that never got to a checkpoint */
    assert_ok(train(next, model, hanzi, &used));
    assert_ok(ting_tokens_read(next_table, &tokens));
    assert_int_equal(tokens.count, 11);
    ting_texts_free(&tokens);
    assert_null(strstr(said, "it has other tokens"));

    /* a start from one that says pinyin: the rest of it */
    ting_free(next);
    next = ting_temp_path("pinyin-next");
    assert_ok(train(next, model, NULL, &used));
    assert_non_null(strstr(said, "it has other tokens: the heads start with random numbers"));
    assert_null(strstr(said, "is not there in this shape"));
    char *const all[] = {folder, next, table, next_table, model};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        ting_free(all[i]);
}

/* Weights that fit by name and shape, but would mean something else. */
static void a_start_that_means_something_else_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *set, *part;
    } cases[] = {{"features=wenet", "the features of the recipe and"},
                 {"model.downsampling=[1, 4]", "differ in downsampling"},
                 {"model.heads=4", "differ in heads"},
                 {"model={encoder: conformer, dim: 16, heads: 2, layers: 1, feedforward: 32}",
                  "its encoder is a zipformer2, the"}};
    ting_train_options used;
    char *folder = ting_temp_path("meaning"), *next = ting_temp_path("meaning-next");
    static const char *const two[] = {"model.downsampling=[1, 2]", "train.steps=2", NULL};
    assert_ok(train(folder, NULL, two, &used));
    char *model = export(&used, "meaning.gguf");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *const more[] = {"model.downsampling=[1, 2]", cases[i].set, NULL};
        assert_fails(TING_ERR_MODEL, cases[i].part, train(next, model, more, &used));
    }
    char *const all[] = {folder, next, model};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        ting_free(all[i]);
}

/* The same of the other encoders: settings that change no shape. */
static void settings_that_no_shape_shows_are_compared(void **state)
{
    (void)state;
    static const struct {
        const char *model, *set, *part;
    } cases[] = {{"model={encoder: conformer, dim: 16, heads: 2, layers: 1, feedforward: 32, kernel: 3, norm: layer}",
                  "model.causal=true", "differ in causal"},
                 {"model={encoder: cnn, channels: [4, 4], convs: [1, 1], stride_time: [2, 1], stride_freq: [1, 2], dim: 16}",
                  "model.stride_freq=[2, 1]", "differ in stride_freq"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ting_train_options used;
        char *folder = ting_temp_path(i == 0 ? "hidden" : "hidden-cnn"), *next = ting_temp_path("hidden-next");
        const char *const two[] = {cases[i].model, "train.steps=2", NULL}, *const more[] = {cases[i].model, cases[i].set, NULL};
        assert_ok(train(folder, NULL, two, &used));
        char *model = export(&used, i == 0 ? "hidden.gguf" : "hidden-cnn.gguf");
        assert_fails(TING_ERR_MODEL, cases[i].part, train(next, model, more, &used));
        char *const all[] = {folder, next, model};
        for (size_t k = 0; k < sizeof all / sizeof all[0]; k++)
            ting_free(all[k]);
    }
}

/* ---- the page ---- */

/* name NULL: the folder is the file */
static char *text_of(const char *folder, const char *name)
{
    ting_file file;
    char *path = name != NULL ? ting_path_join(folder, name) : ting_strdup(folder);
    assert_ok(ting_file_map(path, &file));
    char *text = ting_alloc(file.size + 1, 1);
    assert_non_null(text);
    memcpy(text, file.data, file.size);
    ting_file_unmap(&file);
    ting_free(path);
    return text;
}

static void assert_parts(const char *page, const char *const *parts)
{
    for (; *parts != NULL; parts++)
        if (strstr(page, *parts) == NULL)
            fail_msg("\"%s\" is not in the page", *parts);
}

static void the_page_shows_what_happened(void **state)
{
    (void)state;
    ting_train_options used;
    char *folder = ting_temp_path("page");
    assert_ok(train(folder, NULL, NULL, &used));
    char *page = text_of(folder, "curves.html");
    assert_parts(page,
                 (const char *[]){"<title>recipes/smoke.yaml", "step of 6", "Loss per row", "Terms of the loss", "ctc ",
                                  "transducer ", "simple ", "Held-out token error rate", "Norm of the gradient",
                                  "Learning rate", "seconds of sound a second", "toy-00009", NULL});
    assert_null(strstr(page, "consistency")); /* a term that is not computed */
    assert_null(strstr(page, "nan"));
    assert_null(strstr(page, "<script"));
    ting_free(page);
    ting_free(folder);
}

static void differences_are_marked(void **state)
{
    (void)state;
    static const ting_curve_point points[] = {{.step = 10,
                                               .loss = 2,
                                               .rate = 0.1,
                                               .seconds = 60,
                                               .errors = 0.5,
                                               .norm = NAN,
                                               .units = NAN,
                                               .sound = NAN,
                                               .left_out = 3,
                                               .skipped = NAN}};
    char *path = ting_temp_path("differences.html");
    ting_curves page = {.title = "a <b>",
                        .unit = "row",
                        .error_name = "token error rate",
                        .steps = 20,
                        .points = points,
                        .count = 1,
                        .samples = "one&\tn ǐ h ǎo\tn í h ǎo a\nnothing heard\ta\t\nno tabs\n"};
    assert_ok(ting_curves_save(path, &page));
    char *text = text_of(path, NULL);
    assert_parts(text, (const char *[]){"<title>a &lt;b&gt;", "one&amp;", "2 of 4 wrong",
                                        "<span class='x'><b>ǐ</b><b>í</b></span>", "<span><b>n</b><b>n</b></span>",
                                        "<span class='i'><b>·</b><b>a</b></span>",
                                        "<span class='d'><b>a</b><b>·</b></span>", "Left out since the start", NULL});
    assert_null(strstr(text, "no tabs"));
    assert_null(strstr(text, "Norm of the gradient"));
    ting_free(text);
    page.count = 0;
    page.samples = NULL;
    assert_ok(ting_curves_save(path, &page));
    ting_free(path);
}

/* ---- checkpoints of an earlier version ---- */

static void earlier_points_are_kept(void **state)
{
    (void)state;
    enum { BLOCKS = 16 };
    static const char *const names[] = {"identity",
                                        "place",
                                        "weights",
                                        "average",
                                        "scaled_adam.steps",
                                        "scaled_adam.groups",
                                        "scaled_adam.norms",
                                        "scaled_adam.rms",
                                        "scaled_adam.size_square",
                                        "scaled_adam.size_grads",
                                        "scaled_adam.mean",
                                        "scaled_adam.square"};
    struct {
        int64_t step;
        double loss, rate, seconds, errors;
    } earlier = {3, 123.25, 0.01, 60, -1};
    ting_state_block blocks[BLOCKS];
    ting_checkpoint file;
    ting_train_options used;
    int count = 0;
    char *folder = ting_temp_path("earlier"), *path = ting_path_join(folder, "checkpoint");
    assert_ok(train(folder, NULL, NULL, &used));
    assert_ok(ting_checkpoint_open(path, &file));
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const void *data;
        size_t bytes;
        assert_true(ting_checkpoint_find(&file, names[i], &data, &bytes));
        void *copy = ting_alloc(bytes, 1);
        assert_non_null(copy);
        memcpy(copy, data, bytes);
        blocks[count++] = (ting_state_block){names[i], copy, bytes};
    }
    ting_checkpoint_close(&file);
    blocks[count] = (ting_state_block){"curve", &earlier, sizeof earlier};
    assert_ok(ting_checkpoint_save(path, blocks, count + 1));
    assert_ok(train(folder, NULL, (const char *[]){"train.steps=8", NULL}, &used));
    char *page = text_of(folder, "curves.html");
    assert_parts(page, (const char *[]){"best ", "Norm of the gradient", "step of 8", NULL});
    assert_ok(ting_checkpoint_open(path, &file));
    const void *points;
    size_t bytes;
    assert_true(ting_checkpoint_find(&file, "points", &points, &bytes));
    assert_int_equal(bytes, 2 * sizeof(ting_curve_point)); /* that one and step 8 */
    ting_curve_point point;
    memcpy(&point, points, sizeof point);
    assert_true(point.step == 3 && point.loss == 123.25 && point.seconds == 60 && isnan(point.norm) &&
                isnan(point.terms[0]));
    ting_checkpoint_close(&file);
    for (int i = 0; i < count; i++)
        ting_free(blocks[i].data);
    ting_free(page);
    ting_free(path);
    ting_free(folder);
}

static int make_toy(void **state)
{
    (void)state;
    toy = ting_temp_path("toy");
    return ting_make_toy_corpus(toy, 30, 1) == TING_OK ? 0 : -1;
}

static int free_toy(void **state)
{
    (void)state;
    ting_free(toy);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(characters_make_a_table),      cmocka_unit_test(differences_are_marked),
        cmocka_unit_test(impossible_parts_are_refused), cmocka_unit_test(frozen_parts_stay_bitwise),
        cmocka_unit_test(frozen_statistics_stay),       cmocka_unit_test(parts_have_their_own_rate),
        cmocka_unit_test(a_network_writes_characters),  cmocka_unit_test(a_start_that_means_something_else_is_refused),
        cmocka_unit_test(settings_that_no_shape_shows_are_compared),
        cmocka_unit_test(the_page_shows_what_happened), cmocka_unit_test(earlier_points_are_kept),
    };
    return cmocka_run_group_tests(tests, make_toy, free_toy);
}
