/* SPDX-License-Identifier: Apache-2.0 */
/* test_kept.c - checkpoints that are kept, their mean, and checkpoints that cannot be written. */
#include "support/support.h"
#include "support/training.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "train/checkpoint.h"
#include "train/kept.h"
#include "train/p2h_task.h"
#include "tingxie_train.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

struct watch {
    long asked, stop_at;
    char said[4096];
};

static int stop(void *self)
{
    struct watch *w = self;
    return ++w->asked > w->stop_at;
}

static void hear(void *self, const char *sentence)
{
    struct watch *w = self;
    snprintf(w->said + strlen(w->said), sizeof w->said - strlen(w->said), "%s\n", sentence);
}

static ting_err train(const char *recipe, const char *corpus, const char *folder, long stop_at, struct watch *watch)
{
    *watch = (struct watch){.stop_at = stop_at};
    return ting_train_p2h(&(ting_train_options){.recipe = recipe,
                                                .data = corpus,
                                                .folder = folder,
                                                .threads = 1,
                                                .remarks = {hear, watch},
                                                .stop = stop,
                                                .self = watch});
}

static char *write_recipe(const char *name, const char *plan)
{
    char *path = ting_temp_path(name);
    ting_str text = {0};
    ting_str_addf(
        &text,
        "model: {embedding: 16, pair_rows: 64, triple_rows: 64, ngram_dim: 8, layers: 1, width: 16, heads: 2, "
        "inner: 32}\n"
        "data: {tokens: 20, window: 8}\n"
        "train: {rate: 0.01, warmup: 5, decay: 0, measure_every: 1000, log_every: 5, %s}\n",
        plan);
    assert_ok(ting_file_save(path, text.text, text.length));
    ting_str_free(&text);
    return path;
}

static void put(const char *folder, const char *name)
{
    char *path = ting_path_join(folder, name);
    assert_ok(ting_file_save(path, name, strlen(name)));
    ting_free(path);
}

static void the_last_checkpoints_are_kept(void **state)
{
    (void)state;
    struct watch w;
    char *corpus = ting_tiny_corpus("keep.corpus", 20),
         *recipe = write_recipe("keep.yaml", "steps: 120, save_every: 10, keep: 3");
    char *folder = ting_temp_path("keep");
    assert_ok(ting_folder_make(folder));
    static const char *const others[] = {"checkpoint-", "checkpoint-007", "checkpoint-1x", "checkpoint-900", "notes"};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        put(folder, others[i]);
    assert_fails(TING_ERR_CANCELLED, "step 95", train(recipe, corpus, folder, 95, &w));
    static const char *const before[] = {"checkpoint",    "checkpoint-",   "checkpoint-007", "checkpoint-1x",
                                         "checkpoint-70", "checkpoint-80", "checkpoint-90",  "checkpoint-900",
                                         "curves.html",   "notes"};
    ting_assert_names(folder, before, sizeof before / sizeof before[0]);
    assert_ok(train(recipe, corpus, folder, 1000, &w)); /* 90 comes before 100: by number, not by name */
    static const char *const after[] = {"checkpoint",     "checkpoint-",    "checkpoint-007", "checkpoint-100",
                                        "checkpoint-110", "checkpoint-120", "checkpoint-1x",  "checkpoint-900",
                                        "curves.html",    "notes"};
    ting_assert_names(folder, after, sizeof after / sizeof after[0]);
    int64_t *steps;
    size_t count;
    assert_ok(ting_kept_steps(folder, 115, &steps, &count));
    assert_int_equal(count, 2);
    assert_true(steps[0] == 100 && steps[1] == 110);
    ting_free(steps);
    char *const all[] = {corpus, recipe, folder};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        ting_free(all[i]);
}

/* What is kept under a step stays until the new one is there: where it cannot come, it is not lost. */
static void a_kept_checkpoint_is_replaced_at_once(void **state)
{
    (void)state;
    static const char *const names[] = {"checkpoint", "checkpoint-5"};
    char *folder = ting_temp_path("at-once"), *kept = ting_kept_path(folder, 5);
    ting_file file;
    assert_ok(ting_folder_make(folder));
    put(folder, "checkpoint-5");
    assert_fails(TING_ERR_IO, "checkpoint: cannot be opened", ting_kept_add(folder, 5, 3));
    assert_true(ting_file_exists(kept));
    for (int i = 0; i < 2; i++) { /* the second time it is the same file */
        if (i == 0)
            put(folder, "checkpoint");
        assert_ok(ting_kept_add(folder, 5, 3));
        ting_assert_names(folder, names, 2);
        assert_ok(ting_file_map(kept, &file));
        assert_int_equal(file.size, strlen("checkpoint"));
        ting_file_unmap(&file);
    }
    char *const all[] = {folder, kept};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        ting_free(all[i]);
}

/* ---- means ---- */

static void add_block(const char *folder, int64_t step, const char *name, double *sum, size_t count)
{
    char *path = ting_kept_path(folder, step);
    ting_checkpoint file;
    const void *data;
    size_t bytes;
    assert_ok(ting_checkpoint_open(path, &file));
    assert_true(ting_checkpoint_find(&file, name, &data, &bytes));
    assert_int_equal(bytes, count * sizeof(ting_real));
    for (size_t i = 0; i < count; i++)
        sum[i] += (double)((const ting_real *)data)[i];
    ting_checkpoint_close(&file);
    ting_free(path);
}

/* With averaged weights their mean, without them that of the weights. */
static void a_mean_of_kept_checkpoints_is_exported(void **state)
{
    (void)state;
    static const struct {
        const char *plan, *block;
    } cases[] = {{"steps: 15, save_every: 5, keep: 4", "average"},
                 {"steps: 15, save_every: 5, keep: 4, average: 0", "weights"}};
    char *corpus = ting_tiny_corpus("mean.corpus", 20);
    for (size_t c = 0; c < 2; c++) {
        struct watch w;
        char *recipe = write_recipe("mean.yaml", cases[c].plan), *folder = ting_temp_path(cases[c].block);
        char *model = ting_temp_path("mean.gguf"), *single = ting_temp_path("single.gguf");
        ting_p2h_recipe r;
        ting_p2h_corpus texts;
        ting_p2h_task task;
        ting_task view;
        ting_training training;
        assert_ok(train(recipe, corpus, folder, 1000, &w));
        assert_ok(ting_p2h_recipe_load(recipe, &r));
        assert_ok(ting_p2h_corpus_open(corpus, &texts));
        assert_ok(ting_p2h_task_make(&task, &r, &texts, &ting_ranks_alone));
        assert_ok(ting_p2h_task_view(&task, &view));
        assert_ok(ting_trainer_load(&view, &r.plan, folder, 2, &training));
        const size_t count = ting_params_elements(view.params);
        double *sum = ting_alloc(count, sizeof *sum);
        add_block(folder, 10, cases[c].block, sum, count);
        add_block(folder, 15, cases[c].block, sum, count);
        for (size_t i = 0; i < count; i++)
            assert_true(ting_params_values(view.params)[i] == (ting_real)(sum[i] / 2));
        assert_int_equal(training.mean, 2);
        ting_training_free(&training);
        assert_fails(TING_ERR_ARGUMENT, "a mean of 4 checkpoints was asked for, 3 are kept",
                     ting_trainer_load(&view, &r.plan, folder, 4, &training));

        ting_train_options options = {.recipe = recipe, .data = corpus, .folder = folder};
        ting_file files[2];
        assert_ok(ting_export_p2h(&options, single, TING_EXPORT_F32, "CC0-1.0"));
        options.mean = 3;
        assert_ok(ting_export_p2h(&options, model, TING_EXPORT_F32, "CC0-1.0"));
        assert_ok(ting_file_map(single, &files[0]));
        assert_ok(ting_file_map(model, &files[1]));
        assert_int_equal(files[0].size, files[1].size);
        assert_memory_not_equal(files[0].data, files[1].data, files[0].size);
        for (int i = 0; i < 2; i++)
            ting_file_unmap(&files[i]);
        ting_free(sum);
        ting_p2h_task_free(&task);
        ting_p2h_corpus_close(&texts);
        ting_p2h_recipe_free(&r);
        char *const all[] = {recipe, folder, model, single};
        for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
            ting_free(all[i]);
    }
    ting_free(corpus);
}

/* ---- a full disk ---- */

/* Files of at most so many bytes, as on a disk that is full; writing more fails instead of killing the process. */
static rlim_t limit_files(rlim_t bytes)
{
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    const rlim_t before = limit.rlim_cur;
    limit.rlim_cur = bytes;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    return before;
}

static void a_full_disk_costs_no_checkpoint(void **state)
{
    (void)state;
    struct watch w;
    char *corpus = ting_tiny_corpus("full.corpus", 20),
         *recipe = write_recipe("full.yaml", "steps: 30, save_every: 5, keep: 2");
    char *whole = ting_temp_path("whole"), *folder = ting_temp_path("full"), *copy = ting_temp_path("copy");
    char *now = ting_path_join(folder, "checkpoint"), *then = ting_path_join(copy, "checkpoint");
    ting_file file;
    assert_ok(train(recipe, corpus, whole, 1000, &w));
    assert_fails(TING_ERR_CANCELLED, "step 10", train(recipe, corpus, folder, 10, &w));
    assert_ok(ting_file_map(now, &file));
    assert_ok(ting_folder_make(copy));
    assert_ok(ting_file_save(then, file.data, file.size));
    ting_file_unmap(&file);

    const rlim_t before = limit_files(1000);
    const ting_err at_end = train(recipe, corpus, folder, 1000, &w);
    limit_files(before);
    assert_int_equal(at_end, TING_ERR_IO);
    assert_non_null(strstr(ting_error_message(), "what stood there is unchanged"));
    assert_non_null(strstr(w.said, "no checkpoint of step 15, the training goes on: "));
    assert_non_null(strstr(w.said, "no checkpoint of step 25, the training goes on: "));
    ting_assert_same_state(copy, folder);
    static const char *const names[] = {"checkpoint", "checkpoint-10", "checkpoint-5", "curves.html"};
    ting_assert_names(folder, names, 4); /* nothing half-written either, nothing kept under a wrong name */

    assert_ok(train(recipe, corpus, folder, 1000, &w));
    ting_assert_same_state(whole, folder);
    char *const all[] = {corpus, recipe, whole, folder, copy, now, then};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        ting_free(all[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_last_checkpoints_are_kept),
        cmocka_unit_test(a_kept_checkpoint_is_replaced_at_once),
        cmocka_unit_test(a_mean_of_kept_checkpoints_is_exported),
        cmocka_unit_test(a_full_disk_costs_no_checkpoint),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
