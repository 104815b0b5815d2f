/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_adapt.c - a model fitted to a text: sentences, a pinyin-to-hanzi network with more characters and readings, everything in one
 * file, and what cannot be.
 */
#include "support/failing.h"
#include "support/support.h"
#include "support/tiny.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/rng.h"
#include "base/str.h"
#include "engine/model.h"
#include "model/p2h_widen.h"
#include "text/sentences.h"
#include "tingxie_train.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- sentences ---- */

static void a_text_is_cut_into_sentences(void **state)
{
    (void)state;
    static const char text[] = "你好。去哪儿？！\n好，走吧；嗯…a;b\xE5\n\nz";
    static const char *const want[] = {"你好", "去哪儿", "", "", "好，走吧", "嗯", "a", "b\xE5", "", "z"};
    ting_view left = {text, sizeof text - 1}, sentence;
    size_t count = 0;
    for (; ting_sentence_next(&left, &sentence); count++) {
        assert_true(count < sizeof want / sizeof want[0]);
        assert_true(ting_view_is(sentence, want[count]));
    }
    assert_int_equal(count, sizeof want / sizeof want[0]);
}

/* ---- more characters ---- */

enum { ZHONG = TING_P2H_FIRST + 7, GONG1 = TING_P2H_FIRST + 1 }; /* of the tiny network's table */

static void widen(const char *from, const ting_p2h_reading *more, size_t count, const char *to, int characters, int readings)
{
    ting_gguf file;
    ting_p2h_model model;
    ting_p2h_widened widened;
    ting_gguf_writer *writer = ting_gguf_writer_new();
    assert_ok(ting_gguf_open(from, &file));
    assert_ok(ting_p2h_model_open(&file, ting_kern_select(ting_cpu_detect()), TING_PRECISION_F32, &model));
    ting_schema_begin(writer, "wide", (const char *const[]){"p2h"}, 1);
    assert_ok(ting_p2h_widen(&file, &model.tables, more, count, writer, &widened));
    assert_int_equal(widened.characters, characters);
    assert_int_equal(widened.readings, readings);
    assert_ok(ting_gguf_save(writer, to));
    ting_gguf_writer_free(writer);
    ting_p2h_widened_free(&widened);
    ting_p2h_model_close(&model);
    ting_gguf_close(&file);
}

static bool may_be(const ting_p2h_tables *t, int syllable, uint32_t point)
{
    const int *allowed;
    const int count = ting_p2h_allowed(t, TING_P2H_EXACT, syllable, &allowed);
    for (int i = 0; i < count; i++)
        if (t->character[allowed[i]] == point)
            return true;
    return false;
}

static double weight_of(const ting_gguf *file, const ting_p2h_tables *t, uint32_t point, int column)
{
    const ting_stored *stored = ting_table_find(&file->table, "p2h.final_layer.weight");
    return ting_stored_value(stored, (size_t)ting_p2h_character(t, point) * (size_t)stored->shape[1] + (size_t)column);
}

static void a_network_gets_more_characters_and_readings(void **state)
{
    (void)state;
    enum { A_ZHONG = 0x4E2D, A_GONG = 0x516C, A_CLOCK = 0x949F, LOYAL = 0x5FE0, WORK = 0x5DE5, MIDDLE = 0x8877 };
    static const ting_p2h_reading more[] = {{LOYAL, ZHONG}, {WORK, GONG1}, {A_GONG, ZHONG}, {A_ZHONG, ZHONG}, {LOYAL, ZHONG}};
    char *from = ting_temp_path("narrow.gguf"), *wide = ting_temp_path("wide.gguf"), *wider = ting_temp_path("wider.gguf");
    ting_gguf before, after;
    ting_p2h_model old, new;
    ting_texts added;
    assert_ok(ting_tiny_model_save(from, 3, TING_TINY_P2H));
    widen(from, more, 5, wide, 2, 3);
    assert_ok(ting_gguf_open(from, &before));
    assert_ok(ting_gguf_open(wide, &after));
    assert_ok(ting_p2h_model_open(&before, ting_kern_select(ting_cpu_detect()), TING_PRECISION_F32, &old));
    assert_ok(ting_p2h_model_open(&after, ting_kern_select(ting_cpu_detect()), TING_PRECISION_F32, &new));
    assert_int_equal(new.tables.characters, old.tables.characters + 2);
    assert_true(may_be(&new.tables, ZHONG, LOYAL) && may_be(&new.tables, GONG1, WORK) && may_be(&new.tables, ZHONG, A_GONG) &&
                may_be(&new.tables, ZHONG, A_CLOCK) && may_be(&new.tables, GONG1, A_GONG));
    assert_false(may_be(&new.tables, GONG1, LOYAL));
    for (int c = 0; c < 16; c++) {
        for (int i = TING_P2H_FIRST; i < old.tables.characters; i++)
            assert_true(weight_of(&before, &old.tables, old.tables.character[i], c) == weight_of(&after, &new.tables, old.tables.character[i], c));
        const double zhong = weight_of(&before, &old.tables, A_ZHONG, c), gong = weight_of(&before, &old.tables, A_GONG, c),
                     clock = weight_of(&before, &old.tables, A_CLOCK, c);
        assert_true(fabs(weight_of(&after, &new.tables, LOYAL, c) - (zhong + gong + clock) / 3) < 1e-6);
        assert_true(fabs(weight_of(&after, &new.tables, WORK, c) - gong) < 1e-6);
    }
    const ting_stored *bias[2] = {ting_table_find(&before.table, "p2h.final_layer.bias"), ting_table_find(&after.table, "p2h.final_layer.bias")};
    assert_true(fabs(ting_stored_value(bias[1], (size_t)ting_p2h_character(&new.tables, WORK)) -
                     ting_stored_value(bias[0], (size_t)ting_p2h_character(&old.tables, A_GONG)) - 4) < 1e-5);
    ting_p2h_model_close(&old);
    ting_p2h_model_close(&new);
    ting_gguf_close(&before);
    ting_gguf_close(&after);
    widen(wide, (const ting_p2h_reading[]){{MIDDLE, ZHONG}}, 1, wider, 1, 1);
    widen(wider, (const ting_p2h_reading[]){{MIDDLE, GONG1}}, 1, wide, 0, 1);
    assert_ok(ting_gguf_open(wide, &after));
    const ting_keys keys = {&after, "tingxie.p2h."};
    assert_ok(ting_keys_texts(&keys, "added", &added)); /* all, whenever they came */
    assert_int_equal(added.count, 3);
    assert_string_equal(added.items[0], "工");
    assert_string_equal(added.items[2], "衷");
    ting_texts_free(&added);
    ting_gguf_close(&after);
    ting_free(from);
    ting_free(wide);
    ting_free(wider);
}

/* ---- all of it ---- */

typedef struct places { /* files of a test */
    char *folder, *model, *text, *table, *out, *again;
} places;

static void make_places(places *p)
{
    ting_str text = {0};
    *p = (places){.folder = ting_temp_path("no-models"), .model = ting_temp_path("tiny.gguf"), .text = ting_temp_path("domain.txt"),
                  .table = ting_temp_path("own.tsv"), .out = ting_temp_path("adapted.gguf"), .again = ting_temp_path("again.gguf")};
    assert_ok(ting_folder_make(p->folder));
    assert_ok(ting_tiny_model_save(p->model, 1, TING_TINY_BOTH));
    for (int i = 0; i < 300; i++) /* 衷 is a standard character, 妐 is none; each line differs */
        ting_str_addf(&text, "中国%s，%s%s。你找%s？\n", i % 3 == 0 ? "公" : "农", i % 7 == 0 ? "衷" : "钟", i % 11 == 0 ? "妐" : "脑", i % 5 < 2 ? "浊" : "搞");
    assert_ok(ting_file_save(p->text, text.text, text.length));
    assert_ok(ting_file_save(p->table, "农\tgong1\n搞衷\tgao3 zhong1\n", strlen("农\tgong1\n搞衷\tgao3 zhong1\n")));
    ting_str_free(&text);
}

static void free_places(places *p)
{
    char *const all[] = {p->folder, p->model, p->text, p->table, p->out, p->again};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        ting_free(all[i]);
}

static ting_adapt_options options_of(const places *p, const char *model, const char *out)
{
    return (ting_adapt_options){.model = model, .folder = p->folder, .texts = (const char *const *)&p->text, .text_count = 1, .weight = -1,
                                .output = out};
}

static void assert_record(const char *path, const char *part)
{
    ting_gguf file;
    const char *record;
    assert_ok(ting_gguf_open(path, &file));
    const ting_keys keys = {&file, "tingxie.lm."};
    assert_ok(ting_keys_text(&keys, "training", &record));
    if (strstr(record, part) == NULL)
        fail_msg("\"%s\" is not in %s", part, record);
    ting_gguf_close(&file);
}

static void one_file_has_everything(void **state)
{
    (void)state;
    places p;
    ting_adapt_report report;
    ting_model_options options;
    ting_model *model;
    make_places(&p);
    ting_adapt_options o = options_of(&p, p.model, p.out);
    o.tables = (const char *const *)&p.table;
    o.table_count = 1;
    assert_ok(ting_adapt(&o, &report)); /* there is no language model: that of the text alone */
    assert_true(report.weight == 1 && report.found == -1 && report.after == -1);
    assert_int_equal(report.sentences, 601); /* two a line, and the word of the table */
    assert_int_equal(report.new_characters, 1);
    assert_int_equal(report.new_readings, 2);
    assert_int_equal(report.strange, 1);
    ting_model_options_defaults(&options, sizeof options);
    options.folder = p.folder;
    assert_ok(ting_model_open(p.out, &options, &model));
    assert_string_equal(model->hearing.path, p.out);
    assert_string_equal(model->writing.path, p.out);
    assert_string_equal(model->weighing.path, p.out);
    assert_true(may_be(&ting_hanzi_p2h_model(model->writing.p2h)->tables, ZHONG, 0x8877));
    assert_true(may_be(&ting_hanzi_p2h_model(model->writing.p2h)->tables, GONG1, 0x519C));
    ting_model_free(model);
    o = options_of(&p, p.out, p.again);
    assert_ok(ting_adapt(&o, &report)); /* again: nothing is new, and the text is known */
    assert_true(report.new_characters == 0 && report.new_readings == 0);
    assert_true(report.weight > 0 && report.weight <= 0.5 && report.found >= 0 && report.found <= 1);
    assert_true(report.before > 1 && report.after > 1 && report.after < report.before * 1.1);
    assert_record(p.again, "{\"adapted\":{\"texts\":[\"domain.txt\"]");
    assert_record(p.again, "\"from\":{\"file\":\"adapted.gguf\"");
    free_places(&p);
}

static void weights_at_the_ends_are_one_model(void **state)
{
    (void)state;
    places p;
    ting_adapt_report report;
    ting_lm *lm;
    ting_lm_score before, after;
    static const char said[] = "中国公";
    make_places(&p);
    ting_adapt_options o = options_of(&p, p.model, p.out);
    assert_ok(ting_adapt(&o, &report));
    assert_ok(ting_lm_open(p.out, &lm));
    assert_ok(ting_lm_score_text(lm, said, sizeof said - 1, &before));
    ting_lm_free(lm);
    for (int weight = 0; weight <= 1; weight++) { /* the same text: both are the model as it is */
        o = options_of(&p, p.out, p.again);
        o.weight = weight;
        assert_ok(ting_adapt(&o, &report));
        assert_true(report.weight == weight);
        assert_ok(ting_lm_open(p.again, &lm));
        assert_ok(ting_lm_score_text(lm, said, sizeof said - 1, &after));
        assert_true(fabs(before.log_prob - after.log_prob) < 0.05);
        ting_lm_free(lm);
    }
    free_places(&p);
}

static double tensor_sum(const char *path, const char *name)
{
    ting_gguf file;
    double sum = 0;
    assert_ok(ting_gguf_open(path, &file));
    const ting_stored *stored = ting_table_find(&file.table, name);
    assert_non_null(stored);
    for (size_t i = 0; i < ting_stored_elements(stored); i++)
        sum += (double)(i + 1) * ting_stored_value(stored, i);
    ting_gguf_close(&file);
    return sum;
}

static void count_report(void *self, const ting_train_report *report)
{
    *(long *)self = report->step;
}

static int stop_late(void *self)
{
    return *(long *)self >= 20;
}

static void pinyin_to_hanzi_is_trained_on_the_text(void **state)
{
    (void)state;
    enum { STEPS = 800 };
    static const char *const moved = "p2h.final_layer.weight";
    static const char *const words[] = {"中国", "钟脑", "你找", "搞", "农", "衷"}; /* what stands behind zhong1 tells which it is */
    places p;
    ting_adapt_report report, again;
    ting_str text = {0};
    ting_rng rng = ting_rng_new(6, 0);
    long step = 0;
    make_places(&p);
    for (int i = 0; i < 400; i++) {
        for (int k = 0; k < 6; k++)
            ting_str_add(&text, words[ting_rng_below(&rng, 6)]);
        ting_str_add(&text, "\n");
    }
    assert_ok(ting_file_save(p.text, text.text, text.length));
    ting_str_free(&text);
    ting_adapt_options o = options_of(&p, p.model, p.out);
    o.finetune = STEPS;
    o.report = count_report;
    o.self = &step;
    assert_ok(ting_adapt(&o, &report));
    assert_true(report.steps == STEPS && step == STEPS);
    assert_true(report.errors_before > 0.2 && report.errors_after < report.errors_before - 0.03);
    assert_int_equal(report.new_characters, 1); /* which is in the file too, though nothing was to be learnt of it */
    assert_true(tensor_sum(p.out, moved) != tensor_sum(p.model, moved));
    /* with another name, stopped on the way, and gone on */
    o.output = p.again;
    step = 0;
    remove(p.again); /* of a test before this one */
    o.stop = stop_late;
    assert_fails(TING_ERR_CANCELLED, "", ting_adapt(&o, &again));
    assert_true(step >= 20 && step < STEPS && !ting_file_exists(p.again));
    o.stop = NULL;
    assert_ok(ting_adapt(&o, &again));
    assert_true(again.steps == STEPS && again.errors_after == report.errors_after);
    assert_true(tensor_sum(p.again, moved) == tensor_sum(p.out, moved));
    o.finetune = -1;
    assert_fails(TING_ERR_ARGUMENT, "-1 steps", ting_adapt(&o, &again));
    /* adapted once more: what the first time has added is still named */
    char *thrice = ting_temp_path("thrice.gguf");
    o = options_of(&p, p.out, thrice);
    o.finetune = 1;
    assert_ok(ting_adapt(&o, &again));
    ting_gguf file;
    ting_texts added;
    assert_ok(ting_gguf_open(thrice, &file));
    assert_ok(ting_keys_texts(&(ting_keys){&file, "tingxie.p2h."}, "added", &added));
    assert_int_equal(added.count, 1);
    ting_texts_free(&added);
    ting_gguf_close(&file);
    ting_free(thrice);
    free_places(&p);
}

static int always(void *self)
{
    (void)self;
    return 1;
}

static void what_cannot_be_is_said(void **state)
{
    (void)state;
    places p;
    ting_adapt_report report;
    make_places(&p);
    char *empty = ting_temp_path("empty.txt");
    assert_ok(ting_file_save(empty, "，。\n", strlen("，。\n")));
    ting_adapt_options o = options_of(&p, p.model, p.out);
    o.text_count = 0;
    assert_fails(TING_ERR_ARGUMENT, "no text", ting_adapt(&o, &report));
    o = options_of(&p, p.model, NULL);
    assert_fails(TING_ERR_ARGUMENT, "no model file", ting_adapt(&o, &report));
    o = options_of(&p, p.model, p.table);
    assert_fails(TING_ERR_ARGUMENT, "ends in .gguf", ting_adapt(&o, &report));
    o = options_of(&p, p.model, p.model);
    assert_fails(TING_ERR_ARGUMENT, "tiny.gguf", ting_adapt(&o, &report));
    o = options_of(&p, p.model, p.out);
    o.weight = 1.5;
    assert_fails(TING_ERR_ARGUMENT, "a weight of 1.5", ting_adapt(&o, &report));
    o = options_of(&p, p.model, p.out);
    o.texts = (const char *const *)&empty;
    assert_fails(TING_ERR_FORMAT, "nothing in it that is spoken", ting_adapt(&o, &report));
    o = options_of(&p, p.text, p.out);
    assert_fails(TING_ERR_FORMAT, "domain.txt", ting_adapt(&o, &report));
    o = options_of(&p, p.model, p.out);
    o.stop = always;
    remove(p.out); /* of a test before this one */
    assert_fails(TING_ERR_CANCELLED, "stopped before it was written", ting_adapt(&o, &report));
    assert_false(ting_file_exists(p.out));
    ting_free(empty);
    free_places(&p);
}

static ting_err widen_once(void *arg)
{
    const places *p = arg;
    ting_gguf file = {0};
    ting_p2h_model model = {0};
    ting_p2h_widened widened = {0};
    ting_err err = TING_OK;
    ting_gguf_writer *writer = ting_gguf_writer_new();
    TRY(writer != NULL ? ting_gguf_open(p->model, &file) : TING_ERR_MEMORY);
    TRY(ting_p2h_model_open(&file, ting_kern_select(ting_cpu_detect()), TING_PRECISION_F32, &model));
    ting_schema_begin(writer, "wide", (const char *const[]){"p2h"}, 1);
    TRY(ting_p2h_widen(&file, &model.tables, (const ting_p2h_reading[]){{0x5FE0, ZHONG}}, 1, writer, &widened));
    TRY(ting_gguf_save(writer, p->again));
out:
    ting_gguf_writer_free(writer);
    ting_p2h_widened_free(&widened);
    ting_p2h_model_close(&model);
    ting_gguf_close(&file);
    return err;
}

static void running_out_of_memory_is_an_error(void **state)
{
    (void)state;
    places p;
    make_places(&p);
    assert_true(ting_fail_each_allocation(widen_once, &p) > 50);
    free_places(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(running_out_of_memory_is_an_error),
        cmocka_unit_test(a_text_is_cut_into_sentences),
        cmocka_unit_test(a_network_gets_more_characters_and_readings),
        cmocka_unit_test(one_file_has_everything),
        cmocka_unit_test(weights_at_the_ends_are_one_model),
        cmocka_unit_test(pinyin_to_hanzi_is_trained_on_the_text),
        cmocka_unit_test(what_cannot_be_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
