/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_locale.c - under the locale of a host program (setlocale) numbers and letters are read and written as without:
 * de_DE prints 1.5 as "1,5" and reads "1.5" as 1.
 */
#include "support/locale.h"
#include "support/support.h"

#include "base/mem.h"
#include "base/number.h"
#include "base/yaml.h"
#include "decode/keywords.h"
#include "engine/result.h"
#include "engine/spectrogram.h"
#include "engine/write.h"
#include "feat/cmvn.h"
#include "feat/feature.h"
#include "model/pickle.h"
#include "nn/ctx.h"

#include <locale.h>
#include <string.h>

static int use_comma(void **state)
{
    (void)state;
    char text[16];
    bool comma = ting_use_locale("de_DE", "UTF-8") && snprintf(text, sizeof text, "%.1f", 1.5) == 3 && text[1] == ',';
    *state = comma ? state : NULL;
    return 0;
}

static int back(void **state)
{
    (void)state;
    setlocale(LC_ALL, "C");
    return 0;
}

#define NEEDS_COMMA(state) \
    do {                   \
        if (*(state) == NULL) \
            skip_because("no locale with a decimal comma is installed, and localedef makes none"); \
    } while (0)

static void numbers_and_sentences_have_a_point(void **state)
{
    NEEDS_COMMA(state);
    char text[64], *end;
    ting_number_print(text, sizeof text, "%.2f and %g", 0.25, -1e-7);
    assert_string_equal(text, "0.25 and -1e-07");
    assert_true(ting_number_read("0.25x", &end) == 0.25 && *end == 'x');
    ting_str str = {0};
    ting_str_addf(&str, "%.1f", 2.5);
    assert_string_equal(str.text, "2.5");
    ting_str_free(&str);
    ting_fail(TING_ERR_FORMAT, "%g of 1", 0.5);
    ting_fail_in(TING_ERR_FORMAT, "at %.1f s", 1.5);
    assert_string_equal(ting_error_message(), "at 1.5 s: 0.5 of 1");
    ting_ctx ctx = {0};
    ting_ctx_fail(&ctx, TING_ERR_NUMERIC, "the value is %g", 0.5);
    assert_string_equal(ting_error_message(), "the value is 0.5");
    snprintf(text, sizeof text, "%.1f", 1.5); /* the host's locale stands as before */
    assert_string_equal(text, "1,5");
}

static void settings_and_tables_are_read_with_a_point(void **state)
{
    NEEDS_COMMA(state);
    ting_feature_config features, again;
    ting_str line = {0};
    assert_ok(ting_feature_parse("icefall preemphasis=0.95", &features));
    assert_true(features.preemphasis == 0.95);
    ting_feature_print(&features, &line);
    assert_non_null(strstr(line.text, "preemphasis=0.95 "));
    assert_ok(ting_feature_parse(line.text, &again));
    assert_true(again.blackman == 0.42 && again.log_floor == features.log_floor);
    ting_str_free(&line);

    static const char stats[] = "global [ 1.5 -3.5 2\n 2.5 7.5 0 ]\n";
    ting_cmvn cmvn;
    assert_ok(ting_cmvn_parse("stats", stats, sizeof stats - 1, &cmvn)); /* mean 1.5 / 2 */
    assert_true(cmvn.dim == 2 && cmvn.mean[0] == 0.75f && cmvn.mean[1] == -1.75f);
    ting_cmvn_free(&cmvn);

    static const char *const tokens[] = {"a", "b"};
    static const char words[] = "a b :1.5 #0.35\n";
    ting_keywords keywords = {0};
    assert_ok(ting_keywords_parse("words", words, sizeof words - 1, tokens, 2, &(ting_keyword_defaults){.boost = 1, .threshold = 0.25}, &keywords));
    assert_true(keywords.items[0].boost == 1.5 && keywords.items[0].threshold == 0.35);
    ting_keywords_free(&keywords);

    static const char recipe[] = "rate: 2.5e-4\n";
    ting_yaml_doc doc;
    double rate = 0;
    assert_ok(ting_yaml_parse("recipe", recipe, sizeof recipe - 1, &doc));
    assert_ok(ting_yaml_real(doc.root, "rate", 0, 1, &rate));
    assert_true(rate == 2.5e-4);
    ting_yaml_free(&doc);

    static const char program[] = "F1.25\n."; /* protocol 0: a decimal line */
    ting_pickle pickle;
    assert_ok(ting_pickle_parse(program, sizeof program - 1, &pickle));
    assert_true(pickle.root->real == 1.25);
    ting_pickle_close(&pickle);
}

/* The numbers of one sentence from 0.5 to 1.25 s in every format that prints any. */
static void results_are_written_with_a_point(void **state)
{
    NEEDS_COMMA(state);
    static const struct {
        ting_format format;
        const char *part;
    } cases[] = {{TING_FORMAT_JSON, "\"start\": 0.500, \"end\": 1.250, \"confidence\": 0.8750"},
                 {TING_FORMAT_CTM, "x 1 0.500 0.750 中 0.8750\n"},
                 {TING_FORMAT_TEXTGRID, "xmin = 0.500\n            xmax = 1.250\n"},
                 {TING_FORMAT_SRT, "00:00:00,500 --> 00:00:01,250"},
                 {TING_FORMAT_VTT, "00:00:00.500 --> 00:00:01.250"},
                 {TING_FORMAT_LRC, "[00:00.50]"}};
    const ting_char one[] = {{"中", 0.5, 1.25, 0.875f, "zhong1", NULL, 0}};
    const ting_hypothesis hypotheses[] = {{"中", "zhong1", -1.25}};
    const struct ting_sentence_parts parts = {one, NULL, hypotheses};
    const ting_sentence sentence = {0.5, 1.25, "中", "zhong1", 0.875f, 1, 0, 1, &parts};
    ting_result *result = ting_result_new();
    char *text;
    assert_ok(ting_result_add(result, &sentence));
    ting_result_set_duration(result, 2);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_ok(ting_result_format(result, cases[i].format, "x", &text));
        if (strstr(text, cases[i].part) == NULL)
            fail_msg("\"%s\" is not in:\n%s", cases[i].part, text);
        ting_text_free(text);
    }
    ting_result_free(result);
}

static void pictures_are_drawn_with_a_point(void **state)
{
    NEEDS_COMMA(state);
    ting_feature_config config;
    ting_spectrogram *picture;
    ting_str svg = {0};
    float frame[80];
    for (int b = 0; b < 80; b++)
        frame[b] = (float)b / 7;
    assert_ok(ting_feature_preset("icefall", &config));
    assert_ok(ting_spectrogram_new(&config, &picture));
    for (int t = 0; t < 40; t++)
        ting_spectrogram_add(picture, frame, 1);
    assert_ok(ting_spectrogram_svg(picture, "x", &svg));
    for (const char *at = svg.text; (at = strchr(at, ',')) != NULL; at++)
        if (at[1] >= '0' && at[1] <= '9' && at > svg.text && at[-1] >= '0' && at[-1] <= '9')
            fail_msg("a number with a comma: ...%.40s", at - (at - svg.text < 20 ? at - svg.text : 20));
    assert_non_null(strstr(svg.text, ">0.1</text>"));
    ting_str_free(&svg);
    ting_spectrogram_free(picture);
}

/* In ISO-8859-1 the bytes of 人 (E4 BA BA) are letters; no space stands between hanzi for that. */
static void hanzi_are_no_latin_words(void **state)
{
    (void)state;
    if (!ting_use_locale("de_DE", "ISO-8859-1"))
        skip_because("no locale with ISO-8859-1 is installed, and localedef makes none");
    const ting_char two[] = {{"人", 0, 1, 1, "ren2", NULL, 0}, {"人", 1, 2, 1, "ren2", NULL, 0}};
    const struct ting_sentence_parts parts = {two, NULL, NULL};
    const ting_sentence sentence = {0, 2, "人", "ren2 ren2", 1, 2, 0, 0, &parts};
    ting_result *result = ting_result_new();
    char *text;
    assert_ok(ting_result_add(result, &sentence));
    assert_ok(ting_result_add(result, &sentence));
    assert_string_equal(ting_result_text(result), "人人");
    assert_ok(ting_result_format(result, TING_FORMAT_SRT, "x", &text));
    assert_non_null(strstr(text, "人人\n"));
    ting_text_free(text);
    ting_result_free(result);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(numbers_and_sentences_have_a_point, use_comma, back),
        cmocka_unit_test_setup_teardown(settings_and_tables_are_read_with_a_point, use_comma, back),
        cmocka_unit_test_setup_teardown(results_are_written_with_a_point, use_comma, back),
        cmocka_unit_test_setup_teardown(pictures_are_drawn_with_a_point, use_comma, back),
        cmocka_unit_test_teardown(hanzi_are_no_latin_words, back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
