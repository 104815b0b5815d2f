/* SPDX-License-Identifier: Apache-2.0 */
/* test_train_stop.c - a training that is asked to stop in the middle of a measurement stops there, and loses nothing. */
#include "support/support.h"
#include "support/training.h"

#include "base/file.h"
#include "base/mem.h"
#include "tingxie_train.h"

#include <string.h>

struct watch {
    int asked, stop_at; /* the question that is answered with yes; the ones after it with no: that must do */
    int reports, measured;
};

static int stop(void *self)
{
    struct watch *w = self;
    return ++w->asked == w->stop_at;
}

static void report(void *self, const ting_train_report *r)
{
    struct watch *w = self;
    w->reports++;
    w->measured += r->errors >= 0;
}

static ting_err train(ting_train_options options, int stop_at, struct watch *w)
{
    *w = (struct watch){.stop_at = stop_at};
    options.stop = stop;
    options.report = report;
    options.self = w;
    return ting_train_am(&options);
}

static void a_measurement_is_broken_off(void **state)
{
    (void)state;
    enum { STEPS = 3 }; /* before the first measurement */
    static const char text[] =
        "model: {encoder: conformer, dim: 16, heads: 2, layers: 1, feedforward: 32, kernel: 5, ctc: true}\n"
        "data: {train: [{manifest: train.tsv}], measure: [{manifest: dev.tsv}], seconds: 8}\n"
        "loss: {ctc: 1, transducer: 0, simple: 0}\n"
        "train: {optimizer: adamw, rate: 0.001, steps: 6, measure_every: 3, save_every: 100}\n";
    struct watch w;
    char *toy = ting_temp_path("toy"), *recipe = ting_temp_path("r.yaml"), *whole = ting_temp_path("whole"),
         *parts = ting_temp_path("parts");
    assert_ok(ting_make_toy_corpus(toy, 60, 1)); /* six of them held out */
    assert_ok(ting_file_save(recipe, text, sizeof text - 1));
    ting_train_options options = {.recipe = recipe, .data = toy, .folder = whole, .threads = 2};
    assert_ok(train(options, 0, &w));
    assert_int_equal(w.measured, 2);
    assert_in_range(w.asked, 6 + 2 * 6, 100); /* at each step and for each utterance that is measured */
    options.folder = parts;
    assert_fails(TING_ERR_CANCELLED, "stopped after step 3", train(options, STEPS + 3, &w));
    assert_int_equal(w.asked, STEPS + 3);
    assert_int_equal(w.reports, 1);
    assert_int_equal(w.measured, 0);
    assert_ok(train(options, 0, &w));
    ting_assert_same_state(whole, parts);
    char *const all[] = {toy, recipe, whole, parts};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        ting_free(all[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_measurement_is_broken_off)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
