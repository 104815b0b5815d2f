/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_am_train.c - acoustic networks: the smoke recipe learns, its export recognises; exact resume, also after SIGKILL; a teacher;
 * another model as the start; recipes and data that cannot be.
 */
#include "support/support.h"
#include "support/training.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "engine/am.h"
#include "tingxie_train.h"
#include "train/am_recipe.h"
#include "train/am_teacher.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct watch {
    long steps, stop_at;
    double errors, first_loss, last_loss;
    char said[8192];
};

static void report(void *self, const ting_train_report *r)
{
    struct watch *w = self;
    w->last_loss = r->loss;
    w->first_loss = w->first_loss == 0 ? r->loss : w->first_loss;
    w->errors = r->errors >= 0 ? r->errors : w->errors;
}

static int stop(void *self)
{
    struct watch *w = self;
    return ++w->steps > w->stop_at;
}

static void hear(void *self, const char *sentence)
{
    struct watch *w = self;
    snprintf(w->said + strlen(w->said), sizeof w->said - strlen(w->said), "%s\n", sentence);
}

static ting_err train(ting_train_options options, long stop_at, struct watch *watch)
{
    *watch = (struct watch){.stop_at = stop_at, .errors = -1};
    options.report = report;
    options.stop = stop;
    options.self = watch;
    options.remarks = (ting_remarks){hear, watch};
    return ting_train_am(&options);
}

static char *make_toy(const char *name, int count)
{
    char *folder = ting_temp_path(name);
    assert_ok(ting_make_toy_corpus(folder, count, 1));
    return folder;
}

static char *write_text(const char *name, const char *text)
{
    char *path = ting_temp_path(name);
    assert_ok(ting_file_save(path, text, strlen(text)));
    return path;
}

#define TINY_MODEL(more)                                                                                               \
    "model: {downsampling: [1, 2], dims: 32, heads: 2, query_dims: 8, value_dims: 8, pos_head_dims: 4, "               \
    "feedforward: 32, kernels: 7,\n        embed_channels: [2, 4, 8], pos_dim: 16, chunks: [8, 0], lefts: [16], " more \
    "transducer: {decoder_dim: 16, joiner_dim: 16}}\n"

static char *write_recipe_of(const char *name, const char *model, const char *train, const char *more)
{
    ting_str text = {0};
    ting_str_addf(
        &text,
        "%sdata: {train: [{manifest: train.tsv}], measure: [{manifest: dev.tsv}], seconds: 8, window: 20, loaders: 2}\n"
        "augment: {speed: [0.9, 1.1], noise: [{share: 0.5}], mask: {warp: 20}}\n%s"
        "train: {%s, save_every: 10, log_every: 5}\n",
        model, more, train);
    char *path = write_text(name, text.text);
    ting_str_free(&text);
    return path;
}

static char *write_recipe(const char *name, const char *train, const char *more)
{
    return write_recipe_of(name, TINY_MODEL(""), train, more);
}

/* ---- learning ---- */

static void assert_recognised(const char *model_path, const char *toy)
{
    ting_model *model;
    ting_options options;
    ting_model_options how;
    int wrong = 0;
    ting_model_options_defaults(&how, sizeof how);
    how.hanzi = 0;
    assert_ok(ting_model_open(model_path, &how, &model));
    ting_options_defaults(&options, sizeof options);
    options.hanzi = 0;
    char *list = ting_path_join(toy, "dev.tsv");
    ting_file file;
    assert_ok(ting_file_map(list, &file));
    const char *at = memchr(file.data, '\n', file.size), *end = (const char *)file.data + file.size;
    for (int i = 0; i < 10 && at != NULL && at + 1 < end; i++) {
        char path[512], pinyin[128];
        ting_result *result;
        assert_int_equal(sscanf(at + 1, "%*[^\t]\t%511[^\t]\t%*[^\t]\t%*[^\t]\t%127[^\t\n]", path, pinyin), 2);
        assert_ok(ting_recognize_file(model, path, &options, &result));
        wrong +=
            ting_result_sentence_count(result) != 1 || strcmp(ting_result_sentence(result, 0)->pinyin, pinyin) != 0;
        ting_result_free(result);
        at = memchr(at + 1, '\n', (size_t)(end - at - 1));
    }
    assert_in_range(wrong, 0, 4); /* of 10: a minute of training */
    ting_file_unmap(&file);
    ting_free(list);
    ting_model_free(model);
}

/* A network with a CTC head alone learns from recordings without text. */
static void assert_pseudo(const char *toy, const char *teacher)
{
    struct watch w;
    ting_train_options options = {.data = toy, .threads = 2, .teacher = teacher};
    ting_str text = {0};
    ting_str_addf(&text, "path\n");
    for (int i = 0; i < 30; i++)
        ting_str_addf(&text, "toy-%05d.wav\n", i);
    char *list = ting_path_join(toy, "bare.tsv"), *folder = ting_temp_path("pseudo");
    assert_ok(ting_file_save(list, text.text, text.length));
    char *recipe =
        write_text("pseudo.yaml", "model: {downsampling: [1, 2], dims: 32, feedforward: 32, pos_dim: 16, ctc: true}\n"
                                  "data: {train: [{manifest: bare.tsv}], seconds: 8}\n"
                                  "loss: {ctc: 1, pseudo: true}\ntrain: {steps: 20, log_every: 5}\n");
    options.recipe = recipe;
    options.folder = folder;
    assert_ok(train(options, 1000, &w));
    assert_true(w.first_loss > 0 && w.last_loss < w.first_loss);
    options.settings = (const char *const[]){"loss.pseudo=false", NULL};
    assert_fails(TING_ERR_ARGUMENT, "", train(options, 1000, &w));
    ting_str_free(&text);
    ting_free(list);
    ting_free(folder);
    ting_free(recipe);
}

static void the_smoke_recipe_learns(void **state)
{
    (void)state;
    struct watch w;
    char *toy = make_toy("toy", 1000), *folder = ting_temp_path("smoke");
    const ting_train_options options = {.recipe = "recipes/smoke.yaml", .data = toy, .folder = folder, .threads = 2};
    assert_ok(train(options, 1000000, &w));
    assert_true(w.last_loss < 0.25 * w.first_loss);
    assert_true(w.errors >= 0 && w.errors < 0.1);
    for (int type = TING_EXPORT_F32; type <= TING_EXPORT_INT8; type += TING_EXPORT_INT8) {
        char *model = ting_temp_path(type == TING_EXPORT_F32 ? "smoke.gguf" : "smoke8.gguf");
        assert_ok(ting_export_am(&options, model, (ting_export_type)type, "CC0-1.0"));
        assert_recognised(model, toy);
        if (type == TING_EXPORT_F32)
            assert_pseudo(toy, model);
        ting_free(model);
    }
    ting_free(toy);
    ting_free(folder);
}

static void every_encoder_trains_and_is_opened(void **state)
{
    (void)state;
    static const struct {
        const char *model, *words, *more;
    } cases[] = {
        {"model: {encoder: conformer, dim: 16, heads: 2, layers: 2, feedforward: 32, kernel: 5, norm: layer, causal: "
         "true, chunk: 4,\n"
         "        left: 7, chunks: [4, 0], lefts: [8, -1], ctc: true}\n",
         "Conformer of 2 layers of 16, CTC head, streaming", ""},
        {"model: {encoder: cnn, channels: [4, 8], convs: [1, 2], stride_time: [2, 2], stride_freq: [4, 4], dim: 32, "
         "ctc: true}\n",
         "CNN of 2 blocks, 3 convolutions up to 8 channels, CTC head, whole utterances", "features: icefall bins=40\n"},
    };
    char *toy = make_toy("kinds", 60);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct watch w;
        ting_str more = {0};
        ting_str_addf(&more, "%sloss: {ctc: 1, transducer: 0, simple: 0}\n", cases[i].more);
        char *recipe = write_recipe_of("kind.yaml", cases[i].model,
                                       "optimizer: adamw, rate: 0.003, steps: 12, measure_every: 12", more.text);
        char *folder = ting_temp_path(i == 0 ? "kind0" : "kind1"), *path = ting_temp_path("kind.gguf"), text[256];
        const ting_train_options options = {.recipe = recipe, .data = toy, .folder = folder, .threads = 2};
        ting_model_options how;
        ting_model *model;
        assert_ok(train(options, 1000, &w));
        assert_true(w.last_loss < w.first_loss);
        assert_ok(ting_export_am(&options, path, TING_EXPORT_F32, "CC0-1.0"));
        ting_model_options_defaults(&how, sizeof how);
        how.hanzi = 0;
        assert_ok(ting_model_open(path, &how, &model));
        ting_model_describe(model, text, sizeof text);
        assert_non_null(strstr(text, cases[i].words));
        ting_model_free(model);
        ting_str_free(&more);
        ting_free(recipe);
        ting_free(folder);
        ting_free(path);
    }
    ting_free(toy);
}

/* What layers do a second time in backward changes nothing. */
static void recomputed_layers_learn_the_same(void **state)
{
    (void)state;
    static const char *const models[] = {TINY_MODEL(""), "model: {encoder: conformer, dim: 16, heads: 2, layers: 2, "
                                                         "feedforward: 32, kernel: 5, dropout: 0.2, ctc: true}\n"};
    char *toy = make_toy("twice", 40);
    for (size_t i = 0; i < sizeof models / sizeof models[0]; i++) {
        struct watch w;
        char *recipe = write_recipe_of("twice.yaml", models[i], "steps: 6, measure_every: 6", ""),
             *once = ting_temp_path(i == 0 ? "once0" : "once1"), *twice = ting_temp_path(i == 0 ? "twice0" : "twice1");
        ting_train_options options = {.recipe = recipe, .data = toy, .folder = once, .threads = 2};
        assert_ok(train(options, 1000, &w));
        options.folder = twice;
        options.settings = (const char *const[]){"model.recompute=true", NULL};
        assert_ok(train(options, 1000, &w));
        ting_assert_same_state(once, twice);
        ting_free(recipe);
        ting_free(once);
        ting_free(twice);
    }
    ting_free(toy);
}

/* One word means one thing: rows, for every encoder. A file's Conformer counts whole chunks. */
static void rows_to_the_left_become_whole_chunks(void **state)
{
    (void)state;
    static const struct {
        const char *left;
        int chunks;
    } cases[] = {{"64", 4}, {"65", 5}, {"0", 0}, {"-1", -1}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ting_str text = {0};
        ting_am_recipe r;
        ting_str_addf(
            &text, "model: {encoder: conformer, causal: true, chunk: 16, left: %s}\ndata: {train: [{manifest: x}]}\n",
            cases[i].left);
        char *path = write_text("left.yaml", text.text);
        assert_ok(ting_am_recipe_load(path, NULL, &r));
        assert_int_equal(r.model.encoder.conformer.left, cases[i].chunks);
        ting_am_recipe_free(&r);
        ting_free(path);
        ting_str_free(&text);
    }
}

/* A stride is neither a name nor a shape, but another network. */
static void a_network_that_only_settings_show_is_another(void **state)
{
    (void)state;
    struct watch w;
    static const char *const other[] = {"model.stride_time=[1, 2]", NULL};
    char *toy = make_toy("stride-toy", 20), *folder = ting_temp_path("stride");
    char *recipe = write_recipe_of(
        "stride.yaml",
        "model: {encoder: cnn, channels: [4, 8], convs: [1, 1], stride_time: [2, 2], stride_freq: [4, 4], dim: 32}\n",
        "optimizer: adamw, rate: 0.001, steps: 4, measure_every: 4", "");
    ting_train_options options = {.recipe = recipe, .data = toy, .folder = folder, .threads = 1};
    assert_fails(TING_ERR_CANCELLED, "step 2", train(options, 2, &w));
    options.settings = other;
    assert_fails(TING_ERR_MODEL, "of another network", train(options, 1000, &w));
    options.settings = NULL;
    assert_ok(train(options, 1000, &w));
    char *const all[] = {toy, folder, recipe};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        ting_free(all[i]);
}

/* A table may have its blank anywhere, but must have one. */
static void the_blank_is_looked_for(void **state)
{
    (void)state;
    struct watch w;
    ting_texts parts;
    ting_str table = {0}, settings = {0};
    assert_ok(ting_token_table_make(TING_TOKENS_PARTS, &parts));
    for (size_t i = 1; i < parts.count; i++)
        ting_str_addf(&table, "%s %zu\n", parts.items[i], i - 1);
    char *without = write_text("without.txt", table.text), *folder = ting_temp_path("blank"),
         *path = ting_temp_path("blank.gguf");
    ting_str_addf(&table, "<blank> %zu\n", parts.count - 1);
    char *with = write_text("with.txt", table.text), *toy = make_toy("blank-toy", 20);
    char *recipe = write_recipe("blank.yaml", "steps: 2, measure_every: 2", "");
    ting_str_addf(&settings, "tokens.file=%s", without);
    const char *set[] = {settings.text, NULL};
    ting_train_options options = {.recipe = recipe, .data = toy, .folder = folder, .threads = 1, .settings = set};
    assert_fails(TING_ERR_FORMAT, "without.txt: none of", train(options, 1000, &w));
    ting_str_clear(&settings);
    ting_str_addf(&settings, "tokens.file=%s", with);
    set[0] = settings.text;
    assert_ok(train(options, 1000, &w));
    assert_ok(ting_export_am(&options, path, TING_EXPORT_F32, "CC0-1.0"));
    ting_gguf file;
    ting_am am;
    assert_ok(ting_gguf_open(path, &file));
    assert_ok(ting_am_open(&file, TING_PRECISION_F32, &am));
    assert_int_equal(ting_am_blank(&am.net->config), parts.count - 1);
    assert_int_equal(am.net->config.ctc.blank, parts.count - 1);
    ting_am_free(&am);
    ting_gguf_close(&file);
    ting_texts_free(&parts);
    ting_str_free(&table);
    ting_str_free(&settings);
    char *const all[] = {without, with, toy, recipe, folder, path};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        ting_free(all[i]);
}

/* ---- resume ---- */

static void a_stopped_training_goes_on_exactly(void **state)
{
    (void)state;
    struct watch w;
    char *toy = make_toy("few", 60), *recipe = write_recipe("resume.yaml", "steps: 30, measure_every: 20", "");
    char *whole = ting_temp_path("whole"), *parts = ting_temp_path("parts");
    ting_train_options options = {.recipe = recipe, .data = toy, .folder = whole, .threads = 1};
    assert_ok(train(options, 1000, &w));
    options.folder = parts;
    options.threads = 3;
    assert_fails(TING_ERR_CANCELLED, "stopped after step 7", train(options, 7, &w));
    options.threads = 2;
    assert_ok(train(options, 1000, &w));
    ting_assert_same_state(whole, parts);

    /* killed without a warning: as soon as there is a checkpoint, then later and later */
    char *killed = ting_temp_path("killed"), *checkpoint = ting_path_join(killed, "checkpoint");
    static const char *const names[] = {"checkpoint", "curves.html"};
    int hits = 0;
    options.folder = killed;
    for (int round = 0; round < 8; round++) {
        int status = 0;
        pid_t child = fork(), ended = 0;
        assert_true(child >= 0);
        if (child == 0)
            _exit(train(options, 1000, &w) == TING_OK ? 0 : 1);
        while (!ting_file_exists(checkpoint) && (ended = waitpid(child, &status, WNOHANG)) == 0)
            usleep(1000);
        usleep((useconds_t)20000 << round);
        if (ended == 0) {
            kill(child, SIGKILL);
            waitpid(child, &status, 0);
        }
        hits += WIFSIGNALED(status);
        if (WIFEXITED(status)) {
            assert_int_equal(WEXITSTATUS(status), 0);
            break;
        }
    }
    assert_in_range(hits, 1, 8); /* after a checkpoint, before the end */
    assert_ok(train(options, 1000, &w));
    assert_non_null(strstr(w.said, "going on after step"));
    ting_assert_same_state(whole, killed);
    ting_assert_names(killed, names, 2);
    ting_free(checkpoint);
    char *const all[] = {toy, recipe, whole, parts, killed};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        ting_free(all[i]);
}

/* ---- teachers and first weights ---- */

/* A teacher that streams shows what its network shows for whole utterances in the same chunks, row by row: in each utterance's
 * first chunk, for what a stream's end is followed by is silence. */
static void assert_hints(const char *path)
{
    enum { FRAMES = 70, LAST = 46, DIM = 80, CHUNK = 16, FIRST = (FRAMES - 7) / 2, ROWS = FIRST + (LAST - 7) / 2 };
    ting_am am;
    ting_gguf file;
    ting_am_teacher *teacher;
    ting_am_hints own;
    ting_rng rng = ting_rng_new(7, 1);
    float values[(FRAMES + LAST) * DIM];
    int starts[] = {0, FRAMES, FRAMES + LAST}, rows[3];
    assert_ok(ting_gguf_open(path, &file));
    assert_ok(ting_am_open(&file, TING_PRECISION_F32, &am));
    assert_ok(ting_am_teacher_open(path, TING_PRECISION_F32, &teacher));
    ting_am_config pupil = am.net->config;
    pupil.hints = 3;
    memcpy(pupil.hint_dims, (int[]){32, 32, 16}, 3 * sizeof(int));
    assert_fails(TING_ERR_MODEL, "hint 2 of the teacher has 32 columns", ting_am_teacher_hints(teacher, &pupil));
    pupil.hint_dims[2] = 32;
    assert_ok(ting_am_teacher_hints(teacher, &pupil));
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++)
        values[i] = (float)ting_rng_normal(&rng);
    const ting_segments segments = {2, starts};
    const ting_tap tap = ting_am_hints_tap(&own, false);
    ting_ctx ctx = {.arena = ting_arena_new(1 << 20), .kern = ting_kern_select(TING_CPU_SCALAR), .tap = &tap};
    const ting_tensor x = {.data = values, .rows = FRAMES + LAST, .cols = DIM, .ld = DIM};
    const ting_encoder_mode mode = ting_encoder_stream_mode(&am.net->config.encoder);
    ting_encoder_forward(&ctx, am.net->encoder, x, segments, &mode, rows);
    const ting_speech_batch batch = {.views = 1, .utterances = 2, .frames = segments, .clean = values};
    const ting_am_taught taught = ting_am_teach(teacher, &ctx, &batch, (ting_segments){2, rows}, false);
    assert_ok(ctx.err);
    assert_int_equal(own.count, 3);
    assert_int_equal(taught.hints.count, 3);
    for (int i = 0; i < 3; i++) {
        const ting_tensor a = taught.hints.value[i], b = own.value[i];
        assert_int_equal(a.rows, ROWS);
        assert_int_equal(b.rows, ROWS);
        ting_assert_close(a.data, b.data, (size_t)CHUNK * 32, 1e-4, "first utterance");
        ting_assert_close(ting_row(a, FIRST), ting_row(b, FIRST), (size_t)CHUNK * 32, 1e-4, "second utterance");
    }
    ting_arena_free(ctx.arena);
    ting_am_teacher_free(teacher);
    ting_am_free(&am);
    ting_gguf_close(&file);
}

static void a_trained_network_teaches_and_begins_another(void **state)
{
    (void)state;
    struct watch w;
    char *toy = make_toy("lesson", 60), *plain = write_recipe("plain.yaml", "steps: 10, measure_every: 10", "");
    char *taught = write_recipe("taught.yaml", "steps: 40, measure_every: 40",
                                "loss: {ctc: 0, transducer: 0, rows: 1, posteriors: 1}\n");
    char *mapped = write_recipe_of("mapped.yaml", TINY_MODEL("hints: 32, "), "steps: 20, measure_every: 20",
                                   "loss: {ctc: 0, transducer: 0, hints: 1}\n");
    char *given = write_recipe("given.yaml", "steps: 5, measure_every: 20",
                               "loss: {ctc: 0, transducer: 0, hints: 1, given: 0.5}\n");
    char *first = ting_temp_path("first"), *second = ting_temp_path("second"), *third = ting_temp_path("third"),
         *fourth = ting_temp_path("fourth"), *fifth = ting_temp_path("fifth");
    char *model = ting_temp_path("first.gguf");
    ting_train_options options = {.recipe = plain, .data = toy, .folder = first, .threads = 2};
    assert_ok(train(options, 1000, &w));
    assert_ok(ting_export_am(&options, model, TING_EXPORT_F32, "CC0-1.0"));
    assert_hints(model);
    options.teacher = model;
    assert_fails(TING_ERR_ARGUMENT, "no loss of the recipe learns from a teacher", train(options, 1000, &w));
    options.teacher = NULL;
    options.recipe = taught;
    options.folder = second;
    assert_fails(TING_ERR_ARGUMENT, "learns from a teacher: name one", train(options, 1000, &w));
    options.teacher = model;
    options.settings = (const char *const[]){"model.output_downsampling=4", NULL};
    assert_fails(TING_ERR_MODEL, "a row for 4 frames, the recipe's encoder for 8", train(options, 1000, &w));
    options.settings = NULL;
    assert_ok(train(options, 1000, &w));
    assert_true(w.last_loss < 0.7 * w.first_loss);
    const double before = w.first_loss;
    options.recipe = mapped;
    options.folder = fourth;
    assert_ok(train(options, 1000, &w));
    assert_true(w.last_loss < 0.9 * w.first_loss);
    options.recipe = given;
    options.folder = fifth;
    options.from =
        model; /* the teacher's own stacks do what they are given to do, but for the silence behind each end */
    options.settings =
        (const char *const[]){"loss.teacher_hears=all", "model.dropout=0", "model.chunks=[8]", "model.lefts=[32]", NULL};
    assert_ok(train(options, 1000, &w));
    assert_true(w.first_loss < 0.2);
    options.settings = (const char *const[]){"train.steps=10", NULL};
    options.recipe = taught;
    options.folder = third; /* the teacher's own weights: nothing to learn but what noise and chance do */
    options.from = model;
    assert_ok(train(options, 1000, &w));
    assert_true(w.first_loss < 0.7 * before);
    assert_non_null(strstr(w.said, "first weights of"));
    char *pupil =
        ting_temp_path("third.gguf"); /* says whose weights and whose knowledge it has, which the checkpoint knows */
    assert_ok(
        ting_export_am(&(ting_train_options){.recipe = taught, .folder = third}, pupil, TING_EXPORT_F32, "CC0-1.0"));
    ting_assert_record(pupil, "am", "\"from\":{\"file\":\"first.gguf\",\"licence\":\"CC0-1.0\"");
    ting_assert_record(pupil, "am", "\"teacher\":{\"file\":\"first.gguf\",\"licence\":\"CC0-1.0\"");
    ting_assert_record(pupil, "am", ",\"training\":{\"steps\":"); /* and how those were trained */
    char *const all[] = {toy, plain, taught, mapped, given, first, second, third, fourth, fifth, model, pupil};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        ting_free(all[i]);
}

/* Where a network follows the rows of its teacher alone, nothing trains its transducer, but that is what can be measured. */
static void a_transducer_alone_is_measured(void **state)
{
    (void)state;
    struct watch w;
    char *toy = make_toy("alone", 20), *plain = write_recipe("plain.yaml", "steps: 2, measure_every: 2", "");
    char *rows = write_recipe("rows.yaml", "steps: 2, measure_every: 2", "loss: {ctc: 0, transducer: 0, rows: 1}\n");
    char *first = ting_temp_path("alone-first"), *second = ting_temp_path("alone-second"), *model = ting_temp_path("alone.gguf");
    ting_train_options options = {.recipe = plain, .data = toy, .folder = first, .threads = 2};
    assert_ok(train(options, 1000, &w));
    assert_ok(ting_export_am(&options, model, TING_EXPORT_F32, "CC0-1.0"));
    options.recipe = rows;
    options.teacher = model;
    options.folder = second;
    options.settings = (const char *const[]){"model.ctc=false", NULL};
    assert_ok(train(options, 1000, &w));
    assert_true(w.errors >= 0);
    char *const all[] = {toy, plain, rows, first, second, model};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        ting_free(all[i]);
}

/* The recipe for fitting the model that ships has its sizes. */
static void the_shipped_model_fits_its_recipe(void **state)
{
    (void)state;
    struct watch w;
    char *toy = make_toy("fit-toy", 10), *folder = ting_temp_path("fit");
    ting_train_options options = {
        .recipe = "recipes/finetune.yaml", .data = toy, .folder = folder, .from = "models/tingxie.gguf", .threads = 2};
    options.settings = (const char *const[]){"train.steps=1", "train.warmup=0", "train.decay=0", "data.seconds=4", NULL};
    assert_ok(train(options, 1000, &w));
    assert_non_null(strstr(w.said, "models/tingxie.gguf: first weights of 527 of 527 parameters, 100 %"));
    options.settings = (const char *const[]){"train.steps=2", "train.warmup=0", "train.decay=0", "data.seconds=4", NULL};
    assert_ok(train(options, 1000, &w));
    assert_non_null(strstr(w.said, "models/tingxie.gguf is not read: "));
    ting_free(toy);
    ting_free(folder);
}

/* An export tells how the network was trained, not what the recipe says by now. */
static void an_export_tells_of_its_training(void **state)
{
    (void)state;
    struct watch w;
    char *toy = make_toy("record-toy", 20), *folder = ting_temp_path("record"), *model = ting_temp_path("record.gguf");
    char *recipe = write_recipe("record.yaml", "steps: 4, measure_every: 4, seed: 5", "");
    ting_train_options options = {.recipe = recipe, .data = toy, .folder = folder, .threads = 1};
    options.settings = (const char *const[]){"loss.lm_only=0.125", NULL};
    assert_fails(TING_ERR_CANCELLED, "step 2", train(options, 2, &w));
    options.settings = (const char *const[]){"model.feedforward=64", NULL};
    assert_fails(TING_ERR_MODEL, "of another network than the recipe's (model.feedforward: 32 there, 64 here)",
                 train(options, 1000, &w));
    options.settings = (const char *const[]){"loss.lm_only=0.375", NULL};
    assert_ok(train(options, 1000, &w));
    assert_non_null(strstr(w.said, "loss.lm_only is 0.375 from here on, before: 0.125"));
    ting_free(recipe);
    recipe = write_recipe("record.yaml", "steps: 9, measure_every: 4", ""); /* since then */
    w = (struct watch){0};
    options = (ting_train_options){.recipe = recipe, .folder = folder, .remarks = {hear, &w}};
    assert_ok(ting_export_am(&options, model, TING_EXPORT_F32, NULL));
    assert_non_null(strstr(w.said, "loss.lm_only: 0.375 counts, with which the training ran, not what is given now: not given"));
    assert_non_null(strstr(w.said, "train.steps: 4 counts"));
    ting_assert_record(model, "am", "\"seed\":5,");
    ting_assert_record(model, "am", "\"loss\":{\"lm_only\":\"0.375\"}");
    ting_assert_record(model, "am", "\"changes\":[{\"step\":2,\"key\":\"loss.lm_only\",\"before\":\"0.125\",\"after\":\"0.375\"}]");
    char *const all[] = {toy, folder, model, recipe};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        ting_free(all[i]);
}

/* ---- what cannot be ---- */

static void impossible_recipes_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *part;
        ting_err code;
    } cases[] = {
        {"model: {encoder: zipformer}\n", "lists no manifest", TING_ERR_FORMAT},
        {"data: {train: [{manifest: train.tsv}]}\nmodel: {dimms: 3}\n", "dimms", TING_ERR_FORMAT},
        {"data: {train: [{manifest: train.tsv}]}\nmodel: {dims: [32, 64]}\n", "dims has 2 numbers", TING_ERR_FORMAT},
        {"data: {train: [{manifest: train.tsv}]}\nmodel: {encoder: cnn, channels: [4, 8], convs: [1]}\n",
         "convs has 1 numbers", TING_ERR_FORMAT},
        {"data: {train: [{manifest: train.tsv}]}\nmodel: {dims: 2.5}\n", "expected whole numbers", TING_ERR_FORMAT},
        {"data: {train: [{manifest: train.tsv}]}\nmodel: {kernels: 8}\n", "8 taps", TING_ERR_MODEL},
        {"data: {train: [{manifest: train.tsv}]}\nmodel: {dims: 32, unmasked: 40}\n", "expected 0 to 32",
         TING_ERR_MODEL},
        {"data: {train: [{manifest: train.tsv}]}\nmodel: {ctc_dropout: 1}\n", "ctc_dropout", TING_ERR_FORMAT},
        {"data: {train: [{manifest: train.tsv}]}\nmodel: {ctc: false}\n", "no head", TING_ERR_FORMAT},
        {"data: {train: [{manifest: train.tsv}]}\nloss: {rows: 1}\n", "need", TING_ERR_FORMAT},
        {"data: {train: [{manifest: train.tsv}]}\nfeatures: icefall bins=8\n", "8 features, expected 9",
         TING_ERR_MODEL},
        {"data: {train: [{manifest: train.tsv}]}\nloss: {ctc: 0}\n", "no loss is computed", TING_ERR_FORMAT},
        {"data: {train: [{manifest: train.tsv}]}\nloss: {ctc: 0, pseudo: true}\n", "no loss is computed", TING_ERR_FORMAT},
        {"data: {train: [{manifest: train.tsv}]}\nmodel: {ctc: false, transducer: {}}\nloss: {transducer: 0}\n",
         "no loss is computed", TING_ERR_FORMAT},
        {"data: {train: [{manifest: train.tsv}]}\nmodel: {encoder: cnn}\nloss: {hints: 1}\n", "the encoder must be one",
         TING_ERR_FORMAT},
        {"data: {train: [{manifest: train.tsv}]}\nloss: {teacher_hears: line}\n", "loss.teacher_hears is about a teacher", TING_ERR_FORMAT},
        {"data: {train: [{manifest: train.tsv}]}\nmodel: {ctc: false, transducer: {}, attention: {}}\n",
         "the model needs `ctc`", TING_ERR_FORMAT},
        {"data: {train: [{manifest: train.tsv}]}\nmodel: {attention: {heads: 3}}\n", "3 heads do not divide the width 128",
         TING_ERR_MODEL},
        {"data: {train: [{manifest: train.tsv}]}\nmodel: {attention: {layrs: 3}}\n", "layrs", TING_ERR_FORMAT},
        {"data: {train: [{manifest: train.tsv}]}\nloss: {smoothing: 1}\n", "smoothing", TING_ERR_FORMAT},
        {"data: {train: [{manifest: train.tsv}]}\nmodel: {chunks: [0, 3]}\n",
         ":2: chunks of 3 rows, expected multiples of 4", TING_ERR_FORMAT},
        {"data: {train: [{manifest: train.tsv}]}\nmodel: {encoder: conformer, chunks: 8}\n",
         ":2: chunks of 8 rows, but", TING_ERR_FORMAT},
        {"data: {train: [{manifest: train.tsv}]}\nmodel: {encoder: cnn, chunks: 8}\n", ":2: chunks of 8 rows, but",
         TING_ERR_FORMAT},
        {"data: {train: [{manifest: train.tsv}]}\ntrain: {schedule: noam,\n        decay: 10}\n",
         ":3: the rate of the schedule noam", TING_ERR_FORMAT},
        {"data: {train: [{manifest: nowhere.tsv}]}\n", "nowhere.tsv", TING_ERR_IO},
        {"data: {train: [{manifest: train.tsv, only: split=x}]}\n", "split", TING_ERR_ARGUMENT},
        {"data: {train: [{manifest: train.tsv}], shortest: 100, longest: 200}\n", "none of its", TING_ERR_ARGUMENT},
        {"data: {train: [manifest]}\n", "a source is a map", TING_ERR_FORMAT},
    };
    struct watch w;
    char *toy = make_toy("refused", 20), *folder = ting_temp_path("refused-run");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *recipe = write_text("case.yaml", cases[i].text);
        assert_fails(cases[i].code, cases[i].part,
                     train((ting_train_options){.recipe = recipe, .data = toy, .folder = folder}, 0, &w));
        ting_free(recipe);
    }
    ting_free(toy);
    ting_free(folder);
}

/* Bad entries of a manifest are said and cost nothing else. */
static void bad_utterances_are_left_out(void **state)
{
    (void)state;
    struct watch w;
    char *toy = make_toy("spoilt", 40), *recipe = write_recipe("spoilt.yaml", "steps: 6, measure_every: 6", "");
    char *list = ting_path_join(toy, "train.tsv"), *broken = ting_path_join(toy, "toy-00003.wav"),
         *folder = ting_temp_path("spoilt-run");
    ting_str text = {0};
    ting_file file;
    assert_ok(ting_file_map(list, &file));
    ting_str_add_bytes(&text, file.data, file.size);
    ting_file_unmap(&file);
    ting_str_add(
        &text,
        "gone\tgone.wav\t\t\t1.0\t一\tyi1\nmute\ttoy-00001.wav\t\t\t\t\t\nlong\ttoy-00002.wav\t\t\t500\t一\tyi1\n"
        "odd\ttoy-00002.wav\t\t\t1\t一\tqqq1\n");
    for (int i = 0; i < 60; i++) /* more tokens than rows */
        ting_str_add(&text, i == 0 ? "many\ttoy-00002.wav\t\t\t1\t\t" : i == 59 ? " ba1\n" : " ba1");
    assert_ok(ting_file_save(list, text.text, text.length));
    assert_ok(ting_file_save(broken, "RIFFnothing", 11));
    assert_ok(train((ting_train_options){.recipe = recipe, .data = toy, .folder = folder, .threads = 1}, 1000, &w));
    static const char *const said[] = {"mute: it has neither", "long: it lasts", "odd: \"qqq1\"", "left out "};
    for (size_t i = 0; i < sizeof said / sizeof said[0]; i++)
        if (strstr(w.said, said[i]) == NULL)
            fail_msg("not said: %s, but: %s", said[i], w.said);
    char *const all[] = {toy, recipe, list, broken, folder};
    ting_str_free(&text);
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        ting_free(all[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_shipped_model_fits_its_recipe),
        cmocka_unit_test(an_export_tells_of_its_training),
        cmocka_unit_test(impossible_recipes_are_refused),
        cmocka_unit_test(bad_utterances_are_left_out),
        cmocka_unit_test(recomputed_layers_learn_the_same),
        cmocka_unit_test(every_encoder_trains_and_is_opened),
        cmocka_unit_test(rows_to_the_left_become_whole_chunks),
        cmocka_unit_test(the_blank_is_looked_for),
        cmocka_unit_test(a_network_that_only_settings_show_is_another),
        cmocka_unit_test(a_stopped_training_goes_on_exactly),
        cmocka_unit_test(a_trained_network_teaches_and_begins_another),
        cmocka_unit_test(a_transducer_alone_is_measured),
        cmocka_unit_test(the_smoke_recipe_learns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
