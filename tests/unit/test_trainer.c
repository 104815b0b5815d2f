/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_trainer.c - the trainer alone, on a task whose batches do as a script says: steps that are not finite, batches of
 * nothing, stops.
 */
#include "support/support.h"
#include "support/training.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/rng.h"
#include "loss/regression.h"
#include "nn/op.h"
#include "train/checkpoint.h"
#include "train/trainer.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { ROWS = 4, COLS = 3, BATCHES = 10, LARGEST = 7 };

/* What each batch is, a letter each, the last one for all that follow: good; n, a sound that is not a number, so that loss
 * and running statistics are none; i, a good one whose gradient overflows; e, one that nothing is left of. */
typedef struct script {
    const char *batches;
    ting_params *params;
    ting_batch_norm_weights norm;
    uint64_t keys;
    long finish;
    double data_bytes;
    bool rehearses; /* with the batch at place LARGEST */
    long rehearsed;
    int epoch;
    long left_out;      /* since it was last asked */
    double sum, before; /* of the losses since then; without the last one */
    long stop_at, asked;
    long reports;
    double last_loss, activations;
    char note[256], said[8192];
} script;

static ting_param *declare(script *s, ting_param_role role, const char *name, double value)
{
    return ting_param_init(ting_params_add(s->params, role, 1, (int[]){COLS}, "%s", name), ting_init_constant(value));
}

static void make_script(script *s, const char *batches)
{
    *s = (script){.batches = batches, .params = ting_params_new(), .stop_at = 1000};
    s->norm = (ting_batch_norm_weights){.gamma = declare(s, TING_PARAM_VALUES, "gamma", 1),
                                        .beta = declare(s, TING_PARAM_VALUES, "beta", 0),
                                        .mean = declare(s, TING_PARAM_STATISTICS, "mean", 0),
                                        .variance = declare(s, TING_PARAM_STATISTICS, "variance", 1)};
    assert_ok(ting_params_alloc(s->params, true));
    assert_ok(ting_params_start(s->params, 1));
}

static ting_err epoch(void *self, int number, size_t *batches)
{
    script *s = self;
    s->epoch = number;
    *batches = BATCHES;
    return TING_OK;
}

static size_t largest(void *self)
{
    script *s = self;
    s->rehearsed++;
    return LARGEST;
}

static ting_err loss(void *self, ting_ctx *ctx, size_t place, ting_tensor *sum, double *units)
{
    script *s = self;
    const size_t at = (size_t)s->epoch * BATCHES + place, last = strlen(s->batches) - 1;
    const char what = s->batches[at < last ? at : last];
    ting_rng rng = ting_rng_for(3, 0, at, 0);
    s->before = s->sum;
    if (what == 'e') {
        s->left_out += ROWS;
        return TING_OK;
    }
    ting_tensor x = ting_ctx_constant(ctx, ROWS, COLS), target = ting_ctx_constant(ctx, ROWS, COLS);
    if (ctx->err != TING_OK)
        return TING_OK; /* as real tasks: the trainer looks at the context */
    for (int i = 0; i < ROWS * COLS; i++) {
        x.data[i] = (ting_real)ting_rng_normal(&rng);
        target.data[i] = (ting_real)ting_rng_normal(&rng);
    }
    x.data[0] = what == 'n' ? (ting_real)NAN : x.data[0];
    *sum = ting_regression_loss(ctx, ting_batch_norm(ctx, x, &s->norm, (ting_real)1e-5), target, NULL);
    *units = ROWS;
    s->sum += ctx->err == TING_OK ? (double)sum->data[0] : 0;
    if (what == 'i')
        s->norm.beta->t.grad[0] = (ting_real)INFINITY;
    return TING_OK;
}

static ting_err measure(void *self, ting_ctx *ctx, double *errors)
{
    const script *s = self;
    (void)ctx;
    *errors = fabs((double)s->norm.beta->t.data[0]);
    return TING_OK;
}

static void spend(void *self, ting_spent *out)
{
    script *s = self;
    *out = (ting_spent){.sound = NAN, .left_out = s->left_out};
    out->terms[0] = s->sum;
    s->left_out = 0;
    s->sum = 0;
}

static void forget(void *self)
{
    script *s = self;
    s->sum = s->before;
}

static const char *why(void *self)
{
    const script *s = self;
    return s->left_out > 0 ? "the disk is gone" : NULL;
}

static int stop(void *self)
{
    script *s = self;
    return ++s->asked > s->stop_at;
}

static void report(void *self, const ting_train_report *r)
{
    script *s = self;
    s->reports++;
    s->last_loss = r->loss;
    s->activations = r->activations;
    snprintf(s->note, sizeof s->note, "%s", r->note);
}

static void hear(void *self, ting_log_level level, const char *sentence)
{
    script *s = self;
    (void)level;
    snprintf(s->said + strlen(s->said), sizeof s->said - strlen(s->said), "%s\n", sentence);
}

static ting_err train(script *s, const char *folder, ting_train_plan plan)
{
    static const char *const terms[] = {"distance"};
    const ting_log log = {.write = hear, .self = s};
    const ting_task task = {.self = s,
                            .params = s->params,
                            .settings_hash = 1,
                            .keys_hash = s->keys,
                            .data_hash = 2,
                            .unit = "row",
                            .data_bytes = s->data_bytes,
                            .epoch = epoch,
                            .largest = s->rehearses ? largest : NULL,
                            .loss = loss,
                            .measure = measure,
                            .error_name = "error rate",
                            .terms = terms,
                            .term_count = 1,
                            .spend = spend,
                            .forget = forget,
                            .why = why};
    return ting_trainer_run(&task, &plan,
                            &(ting_trainer_options){.folder = folder,
                                                    .title = "script",
                                                    .threads = 1,
                                                    .finish = s->finish,
                                                    .log = &log,
                                                    .report = report,
                                                    .stop = stop,
                                                    .self = s});
}

static ting_train_plan plan_of(int steps)
{
    return (ting_train_plan){.steps = steps,
                             .optimizer = TING_OPTIMIZER_ADAMW,
                             .rate = 0.01,
                             .adamw = {.beta1 = 0.9, .beta2 = 0.98, .eps = 1e-9},
                             .average = 0.5,
                             .save_every = 1000,
                             .measure_every = 1000,
                             .log_every = 1000};
}

/* Trains so many steps on a script; the folder is owned. */
static char *train_well(const char *name, const char *batches, int steps)
{
    script s;
    char *folder = ting_temp_path(name);
    make_script(&s, batches);
    assert_ok(train(&s, folder, plan_of(steps)));
    ting_params_free(s.params);
    return folder;
}

/* ---- steps that change nothing ---- */

static void a_step_that_is_not_finite_changes_nothing(void **state)
{
    (void)state;
    static const char *const last[] = {"n", "i"};
    char *good = train_well("good", "g", 2);
    for (int i = 0; i < 2; i++) {
        script s;
        char batches[] = "gg?", *folder = ting_temp_path(last[i]);
        batches[2] = last[i][0];
        make_script(&s, batches);
        assert_ok(train(&s, folder, plan_of(3)));
        assert_non_null(strstr(s.said, "step 3 left out: loss "));
        ting_assert_same_state_but_place(good, folder);
        ting_params_free(s.params);
        ting_free(folder);
    }
    ting_free(good);
}

static void many_steps_in_a_row_stop_the_training(void **state)
{
    (void)state;
    script s;
    char *folder = ting_temp_path("diverged");
    make_script(&s, "gggn");
    ting_train_plan plan = plan_of(1000);
    plan.save_every = 2;
    assert_fails(TING_ERR_NUMERIC, "50 steps in a row were not finite", train(&s, folder, plan));
    assert_non_null(strstr(s.said, "step 53 left out"));
    assert_null(strstr(s.said, "step 54 left out"));
    ting_params_free(s.params);
    make_script(&s, "gnngn"); /* it goes on from the last checkpoint, of step 52; one more stands alone */
    s.batches = "g";
    plan.steps = 60;
    assert_ok(train(&s, folder, plan));
    ting_params_free(s.params);
    ting_free(folder);
}

/* A disk that is gone: nothing is learnt, nothing decays, and the training says why it stops. */
static void empty_batches_change_nothing(void **state)
{
    (void)state;
    script s;
    char *good = train_well("full", "g", 2), *some = train_well("some", "gge", 4), *none = ting_temp_path("none");
    ting_assert_same_state_but_place(good, some);
    make_script(&s, "ge");
    assert_fails(TING_ERR_IO, "nothing of 50 batches in a row can be learnt from: the disk is gone",
                 train(&s, none, plan_of(1000)));
    assert_non_null(strstr(s.said, "step 2 left out: nothing of its batch"));
    assert_null(strstr(s.said, "step 3 left out"));
    ting_params_free(s.params);
    char *const all[] = {good, some, none};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        ting_free(all[i]);
}

/* The terms of a report are those of the steps that were taken. */
static void a_report_knows_the_steps_that_count(void **state)
{
    (void)state;
    script s;
    char *folder = ting_temp_path("terms");
    ting_train_plan plan = plan_of(4);
    plan.log_every = 4;
    make_script(&s, "gngg");
    assert_ok(train(&s, folder, plan));
    assert_int_equal(s.reports, 1);
    assert_true(isfinite(s.last_loss) && s.last_loss > 0);
    assert_non_null(strstr(s.note, "distance "));
    assert_true(s.activations >=
                4.0 * ROWS * COLS * sizeof(ting_real)); /* sound, target, what the norm gives, its gradient */
    ting_params_free(s.params);
    ting_free(folder);
}

/* ---- memory ---- */

/* The largest batch is tried first, and leaves no trace; what does not fit is said before the first step. */
static void the_largest_batch_is_tried_first(void **state)
{
    (void)state;
    script s;
    char *good = train_well("tried-not", "g", 3), *folder = ting_temp_path("tried"),
         *none = ting_temp_path("tried-none");
    make_script(&s, "ggggggge"); /* the largest one holds nothing */
    s.rehearses = true;
    assert_ok(train(&s, folder, plan_of(3)));
    assert_int_equal(s.rehearsed, 1);
    ting_assert_same_state(good, folder);
    ting_params_free(s.params);
    ting_free(folder);
    folder = ting_temp_path("tried-nan");
    make_script(&s, "gggggggn");
    s.rehearses = true;
    assert_ok(train(&s, folder, plan_of(3)));
    assert_non_null(strstr(s.said, "activations of the largest batch"));
    ting_assert_same_state(good, folder);
    ting_params_free(s.params);
    make_script(&s, "g");
    s.rehearses = true;
    s.data_bytes = 1e18; /* more than any machine has */
    assert_fails(TING_ERR_MEMORY, "more are needed and 0.0 MB may be had", train(&s, none, plan_of(3)));
    assert_non_null(strstr(ting_error_message(), "a step with the largest batch does not fit"));
    assert_int_equal(s.reports, 0);
    ting_params_free(s.params);
    char *const all[] = {good, folder, none};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        ting_free(all[i]);
}

/* ---- going on ---- */

/* The recipe says how fast a part learns, also after a stop. */
static void rates_of_parts_are_the_recipe_s(void **state)
{
    (void)state;
    script s;
    char *folder = ting_temp_path("rates"), *path = ting_path_join(folder, "checkpoint");
    ting_train_plan plan = plan_of(8);
    plan.optimizer = TING_OPTIMIZER_SCALED_ADAM;
    plan.scaled_adam = ting_scaled_adam_defaults;
    plan.parts = (ting_train_parts){.item = {{.prefix = "beta", .rate = 1}}, .count = 1};
    for (int run = 0; run < 2; run++) {
        make_script(&s, "g");
        s.stop_at = run == 0 ? 4 : 1000;
        assert_int_equal(train(&s, folder, plan), run == 0 ? TING_ERR_CANCELLED : TING_OK);
        ting_params_free(s.params);
        plan.parts.item[0].rate = 0.25;
    }
    ting_checkpoint file;
    const void *data;
    size_t bytes;
    double groups[2][4]; /* rate, threshold, clipped, norm */
    assert_ok(ting_checkpoint_open(path, &file));
    assert_true(ting_checkpoint_find(&file, "scaled_adam.groups", &data, &bytes));
    assert_int_equal(bytes, sizeof groups);
    memcpy(groups, data, sizeof groups);
    assert_true(groups[0][0] == 1 && groups[1][0] == 0.25);
    ting_checkpoint_close(&file);
    ting_free(folder);
    ting_free(path);
}

/* Settings that no shape shows belong to a checkpoint; those of earlier versions do not know all of them. */
static void a_checkpoint_knows_its_settings(void **state)
{
    (void)state;
    script s;
    char *folder = ting_temp_path("settings"), *path = ting_path_join(folder, "checkpoint");
    for (int run = 0; run < 3; run++) {
        make_script(&s, "g");
        s.keys = run == 0 ? 7 : 8;
        if (run == 1) {
            assert_fails(TING_ERR_MODEL, "of another network", train(&s, folder, plan_of(2)));
            ting_remove_block(path, "keys");
        } else
            assert_ok(train(&s, folder, plan_of(run + 1)));
        ting_params_free(s.params);
    }
    ting_free(folder);
    ting_free(path);
}

/* The steps since the last report are on the page when a training is stopped: their time and what they left out. */
static void a_stop_loses_no_steps(void **state)
{
    (void)state;
    script s;
    char *folder = ting_temp_path("stopped"), *path = ting_path_join(folder, "checkpoint");
    make_script(&s, "gegg");
    s.stop_at = 3;
    assert_fails(TING_ERR_CANCELLED, "step 3", train(&s, folder, plan_of(9)));
    s.stop_at = s.asked; /* at once: nothing to report */
    assert_fails(TING_ERR_CANCELLED, "step 3", train(&s, folder, plan_of(9)));
    assert_int_equal(s.reports, 1);
    ting_checkpoint file;
    const void *data;
    size_t bytes;
    assert_ok(ting_checkpoint_open(path, &file));
    assert_true(ting_checkpoint_find(&file, "points", &data, &bytes));
    assert_int_equal(bytes, sizeof(ting_curve_point));
    const ting_curve_point *point = data;
    assert_true(point->step == 3 && point->left_out == ROWS && point->skipped == 1 && point->seconds > 0 &&
                point->loss > 0);
    ting_checkpoint_close(&file);
    ting_params_free(s.params);
    ting_free(folder);
    ting_free(path);
}

/* A rate that is still 0 would fall to nothing: N steps in which nothing is learnt. */
static void a_rate_falls_when_it_has_risen(void **state)
{
    (void)state;
    script s;
    char *folder = ting_temp_path("finish");
    ting_train_plan plan = plan_of(100);
    plan.warmup = 5;
    make_script(&s, "g");
    s.finish = 3;
    assert_fails(TING_ERR_ARGUMENT, "after 0 of the 5 steps of the warm-up", train(&s, folder, plan));
    s.finish = 0;
    s.stop_at = 4;
    assert_fails(TING_ERR_CANCELLED, "step 4", train(&s, folder, plan));
    s.finish = 3;
    assert_fails(TING_ERR_ARGUMENT, "after 4 of the 5 steps", train(&s, folder, plan));
    s.finish = 0;
    s.stop_at = s.asked + 1;
    assert_fails(TING_ERR_CANCELLED, "step 5", train(&s, folder, plan));
    s.finish = 3;
    s.stop_at = 1000;
    assert_ok(train(&s, folder, plan));
    ting_params_free(s.params);
    ting_free(folder);
}

/* What a killed training had half written. */
static void half_written_files_are_removed(void **state)
{
    (void)state;
    static const char *const before[] = {"checkpoint.0123abcd",  "checkpoint-10.0123abcd", "curves.html.00000000",
                                         "checkpoint.notes",     "checkpoint.0123ABCD",    "checkpoint.0123abcde",
                                         "mycheckpoint.0123abcd"};
    static const char *const after[] = {"checkpoint",       "checkpoint.0123ABCD", "checkpoint.0123abcde",
                                        "checkpoint.notes", "curves.html",         "mycheckpoint.0123abcd"};
    script s;
    char *folder = ting_temp_path("swept");
    assert_ok(ting_folder_make(folder));
    for (size_t i = 0; i < sizeof before / sizeof before[0]; i++) {
        char *path = ting_path_join(folder, before[i]);
        assert_ok(ting_file_save(path, "x", 1));
        ting_free(path);
    }
    make_script(&s, "g");
    assert_ok(train(&s, folder, plan_of(1)));
    ting_assert_names(folder, after, sizeof after / sizeof after[0]);
    ting_params_free(s.params);
    ting_free(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_step_that_is_not_finite_changes_nothing),
        cmocka_unit_test(many_steps_in_a_row_stop_the_training),
        cmocka_unit_test(empty_batches_change_nothing),
        cmocka_unit_test(a_report_knows_the_steps_that_count),
        cmocka_unit_test(the_largest_batch_is_tried_first),
        cmocka_unit_test(rates_of_parts_are_the_recipe_s),
        cmocka_unit_test(a_checkpoint_knows_its_settings),
        cmocka_unit_test(a_stop_loses_no_steps),
        cmocka_unit_test(a_rate_falls_when_it_has_risen),
        cmocka_unit_test(half_written_files_are_removed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
