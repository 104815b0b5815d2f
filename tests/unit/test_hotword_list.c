/* SPDX-License-Identifier: Apache-2.0 */
/* test_hotword_list.c - lists of hotwords of the public interface, with the models that ship: read once, used by many streams. */
#include "support/support.h"

#include "base/file.h"
#include "base/mem.h"
#include "tingxie.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define SOUND "examples/sound/BAC009S0252W0"

static ting_model *open_model(double lm_weight)
{
    ting_model *model = NULL;
    ting_model_options options;
    ting_model_options_defaults(&options, sizeof options);
    options.folder = "models";
    options.lm_weight = lm_weight;
    assert_ok(ting_model_open("models/tingxie.gguf", &options, &model));
    return model;
}

static ting_result *hear(const ting_model *model, const char *sound, const ting_hotword_list *list)
{
    ting_options options;
    ting_result *result = NULL;
    ting_options_defaults(&options, sizeof options);
    options.threads = 1;
    options.hotwords = list;
    assert_ok(ting_recognize_file(model, sound, &options, &result));
    return result;
}

/* The file is gone after it was read; each request may have words of its own beside those of others. */
static void a_list_is_read_once_and_used_by_many(void **state)
{
    (void)state;
    static const char words[] = "低迷 :2\nPolice :9 gong1 an1\n";
    char *path = ting_temp_path("hotwords.txt");
    ting_model *model = open_model(0.9);
    ting_hotword_list *list, *other;
    assert_ok(ting_file_save(path, words, sizeof words - 1));
    assert_ok(ting_hotword_list_open(model, path, 0, &list));
    assert_int_equal(unlink(path), 0);
    assert_ok(ting_hotword_list_read(model, "Gongan :9 gong1 an1", 19, 0, &other));
    for (int round = 0; round < 2; round++) {
        ting_result *first = hear(model, SOUND "135.flac", list), *second = hear(model, SOUND "453.flac", list);
        ting_result *third = hear(model, SOUND "453.flac", other);
        assert_string_equal(ting_result_text(first), "在经过了十二月份的低迷之后");
        assert_string_equal(ting_result_text(second), "Police机关正在进一步调查中");
        assert_string_equal(ting_result_text(third), "Gongan机关正在进一步调查中");
        ting_result_free(first);
        ting_result_free(second);
        ting_result_free(third);
    }
    ting_hotword_list_free(list);
    ting_hotword_list_free(other);
    ting_model_free(model);
    ting_free(path);
}

/* 低迷之后 with a syllable that nobody says in the middle: the word is written whole, with its own pinyin and with times in order. */
static void a_word_is_found_with_one_syllable_missed(void **state)
{
    (void)state;
    static const char *const lists[] = {"低迷吗之后 :9 di1 mi2 ma5 zhi1 hou4", "低迷马后 :9 di1 mi2 ma3 hou4"};
    static const char *const said[] = {"在经过了十二月份的低迷吗之后", "在经过了十二月份的低迷马后"};
    static const char *const pinyin[] = {"di1 mi2 ma5 zhi1 hou4", "di1 mi2 ma3 hou4"};
    ting_model *model = open_model(0.9);
    for (int i = 0; i < 2; i++) {
        ting_hotword_list *list;
        assert_ok(ting_hotword_list_read(model, lists[i], strlen(lists[i]), 0, &list));
        ting_result *result = hear(model, SOUND "135.flac", list);
        const ting_sentence *sentence = ting_result_sentence(result, 0);
        assert_string_equal(sentence->text, said[i]);
        assert_non_null(strstr(sentence->pinyin, pinyin[i]));
        for (int k = 1; k < sentence->char_count; k++) {
            assert_true(ting_sentence_char(sentence, k)->start >= ting_sentence_char(sentence, k - 1)->start);
            assert_true(ting_sentence_char(sentence, k)->end >= ting_sentence_char(sentence, k)->start);
        }
        ting_result_free(result);
        ting_hotword_list_free(list);
    }
    ting_model_free(model);
}

static void keep(void *self, const char *sentence)
{
    snprintf(self, 4096, "%s", sentence);
}

static void what_is_left_out_is_named(void **state)
{
    (void)state;
    static const char *const rows[][2] = {{"低迷 di1", "低迷 is left out: it has other syllables than characters"},
                                          {"低迷:5", "低迷:5 is left out: between a word and its :weight stands a space"},
                                          {"iPhone", "iPhone is left out: its pinyin is not known"}};
    static char said[4096];
    ting_model_options options;
    ting_model *model;
    ting_model_options_defaults(&options, sizeof options);
    options.folder = "models";
    options.log = keep;
    options.log_self = said;
    assert_ok(ting_model_open("models/tingxie.gguf", &options, &model));
    for (int i = 0; i < 3; i++) {
        ting_hotword_list *list;
        said[0] = '\0';
        assert_ok(ting_hotword_list_read(model, rows[i][0], strlen(rows[i][0]), 0, &list));
        if (strstr(said, rows[i][1]) == NULL)
            fail_msg("\"%s\" is not in \"%s\"", rows[i][1], said);
        ting_hotword_list_free(list);
    }
    ting_model_free(model);
}

static void a_list_belongs_to_its_model(void **state)
{
    (void)state;
    ting_model *model = open_model(0.9), *twin = open_model(0.9), *bare = open_model(0);
    ting_hotword_list *list, *none;
    ting_options options;
    ting_stream *stream;
    ting_options_defaults(&options, sizeof options);
    assert_ok(ting_hotword_list_read(model, "低迷", 6, 0, &list));
    options.hotwords = list;
    assert_fails(TING_ERR_ARGUMENT, "another model", ting_stream_new(twin, &options, 16000, &stream));
    assert_fails(TING_ERR_MODEL, "language model", ting_hotword_list_read(bare, "低迷", 6, 0, &none));
    assert_fails(TING_ERR_IO, "nowhere", ting_hotword_list_open(model, "/nowhere/list", 0, &none));
    assert_fails(TING_ERR_ARGUMENT, "weight", ting_hotword_list_read(model, "低迷", 6, 101, &none));
    assert_null(none);
    ting_hotword_list_free(list);
    ting_model_free(model);
    ting_model_free(twin);
    ting_model_free(bare);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_list_is_read_once_and_used_by_many),
        cmocka_unit_test(a_word_is_found_with_one_syllable_missed),
        cmocka_unit_test(what_is_left_out_is_named),
        cmocka_unit_test(a_list_belongs_to_its_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
