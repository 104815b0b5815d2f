/* SPDX-License-Identifier: Apache-2.0 */
/* test_g2p.c - lexicon tables and text to pinyin, with the project's own tables in models/lexicon. */
#include "support/support.h"

#include "base/str.h"
#include "support/failing.h"
#include "text/g2p.h"

#include <string.h>

static ting_lexicon *lexicon_of(const char *table)
{
    ting_lexicon *lexicon = ting_lexicon_new();
    assert_non_null(lexicon);
    assert_ok(ting_lexicon_add_text(lexicon, "table", table, strlen(table), TING_LEXICON_COMMON));
    return lexicon;
}

/* "zhong1/p guo2/p -/o": syllable and the first letter of the source. */
static void read_line(const ting_lexicon *lexicon, const ting_g2p_options *options, const char *text, ting_str *out)
{
    ting_g2p_line line = {0};
    assert_ok(ting_g2p_read(lexicon, options, text, strlen(text), &line));
    ting_str_clear(out);
    ting_str_add(out, "");
    for (int i = 0; i < line.count; i++) {
        char name[TING_PINYIN_ROOM] = "-";
        if (line.items[i].id != TING_PINYIN_NONE)
            ting_pinyin_write(line.items[i].id, TING_PINYIN_NUMBERED, name);
        ting_str_addf(out, "%s%s/%c", i > 0 ? " " : "", name, ting_g2p_source_name(line.items[i].source)[0]);
    }
    ting_g2p_line_free(&line);
}

static void assert_pinyin(const ting_lexicon *lexicon, const ting_g2p_options *options, const char *text,
                          const char *want)
{
    ting_str out = {0};
    read_line(lexicon, options, text, &out);
    assert_string_equal(out.text, want);
    ting_str_free(&out);
}

static const char small[] = "\xEF\xBB\xBF# a table\n"
                            "长\tzhang3 chang2\n"
                            "大\tda4\r\n"
                            "\n"
                            "长大\tzhang3 dà\tignored\n"
                            "长城\tcháng chéng\n"
                            "长城大\tchang2 cheng2 da4\n"
                            "长城\tzhang3 cheng2\n" /* the first stays */
                            "\xF0\xA0\x9C\x8E\tduo1\n" /* U+2070E, supplementary plane */
                            "\xF0\xA0\x9C\x8E大\tduo5 da4";

static void the_longest_phrase_wins(void **state)
{
    (void)state;
    ting_lexicon *lexicon = lexicon_of(small);
    const ting_g2p_options options = {0};
    assert_pinyin(lexicon, &options, "长大", "zhang3/p da4/p");
    assert_pinyin(lexicon, &options, "长城大长", "chang2/p cheng2/p da4/p zhang3/c");
    assert_pinyin(lexicon, &options, "长城长大", "chang2/p cheng2/p zhang3/p da4/p");
    assert_pinyin(lexicon, &options, "城大", "-/u da4/s");
    assert_pinyin(lexicon, &options, "\xF0\xA0\x9C\x8E\xF0\xA0\x9C\x8E大", "duo1/s duo5/p da4/p");
    assert_pinyin(lexicon, &options, "", "");
    ting_lexicon_free(lexicon);
}

static void what_is_not_hanzi_is_reported(void **state)
{
    (void)state;
    ting_lexicon *lexicon = lexicon_of(small);
    const ting_g2p_options options = {0};
    assert_pinyin(lexicon, &options, "大A1，\xFF长大\xE5\xA4", "da4/s -/o -/o -/o -/m zhang3/p da4/p -/m -/m");
    ting_g2p_line line = {0};
    assert_ok(ting_g2p_read(lexicon, &options, "大\xFF\0大", 8, &line));
    assert_int_equal(line.count, 4);
    assert_int_equal(line.items[1].code_point, 0xFFFD);
    assert_int_equal(line.items[3].offset, 5);
    ting_g2p_line_free(&line);
    ting_lexicon_free(lexicon);
}

static void bad_tables_are_refused_with_their_line(void **state)
{
    (void)state;
    const struct {
        const char *table, *sentence;
    } rows[] = {
        {"大\tda4\n长 zhang3\n", "t:2: no tab"},
        {"大\tdx4\n", "t:1: \"dx4\" is no syllable"},
        {"大\t\n", "t:1: no syllable"},
        {"\tda4\n", "t:1: nothing before the tab"},
        {"长大\tzhang3\n", "t:1: 2 characters but 1 syllables"},
        {"\xFF\tda4\n", "t:1: not UTF-8"},
        {"大大大大大大大大大大大大大大大大大大大大大大大大大大大大大大大大大\tda4\n", "more than 32 characters"},
        {"大\ta a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a\n", "more than 32 syllables"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        ting_lexicon *lexicon = ting_lexicon_new();
        assert_fails(TING_ERR_FORMAT, rows[i].sentence,
                     ting_lexicon_add_text(lexicon, "t", rows[i].table, strlen(rows[i].table), TING_LEXICON_COMMON));
        ting_lexicon_free(lexicon);
    }
    ting_lexicon *lexicon = ting_lexicon_new();
    assert_fails(TING_ERR_IO, "nowhere", ting_lexicon_add_folder(lexicon, "/nowhere"));
    ting_lexicon_free(lexicon);
}

static void rare_readings_make_no_polyphone(void **state)
{
    (void)state;
    ting_lexicon *lexicon = lexicon_of("大\tda4\n");
    const char *rare = "大\tda4 dai4 tai4\n龘\tda2 ta4\n";
    assert_ok(ting_lexicon_add_text(lexicon, "rare", rare, strlen(rare), TING_LEXICON_RARE));
    ting_readings readings = ting_lexicon_readings(lexicon, 0x5927);
    assert_int_equal(readings.count, 3);
    assert_int_equal(readings.common, 1);
    assert_pinyin(lexicon, &(ting_g2p_options){0}, "大龘", "da4/s da2/c");
    ting_lexicon_free(lexicon);
}

static ting_err choose_last(void *self, const uint32_t *text, int count, const unsigned char *wanted, int *ids)
{
    (void)text;
    for (int i = 0; i < count; i++)
        if (wanted[i]) {
            ++*(int *)self;
            if (i > 0)
                ids[i] = ting_pinyin_id(TING_BASE_chang, 2);
        }
    return TING_OK;
}

static void the_model_is_asked_about_open_characters(void **state)
{
    (void)state;
    ting_lexicon *lexicon = lexicon_of(small);
    int asked = 0;
    ting_polyphone model = {choose_last, &asked};
    assert_pinyin(lexicon, &(ting_g2p_options){.model = &model}, "长长大长A",
                  "zhang3/c zhang3/p da4/p chang2/m -/o"); /* it leaves the first alone */
    assert_int_equal(asked, 2);
    asked = 0;
    assert_pinyin(lexicon, &(ting_g2p_options){.model = &model, .model_only = true}, "大长大",
                  "da4/s chang2/m chang2/m");
    assert_int_equal(asked, 3);
    ting_lexicon_free(lexicon);
}

static ting_lexicon *project_lexicon(void)
{
    ting_lexicon *lexicon = ting_lexicon_new();
    assert_non_null(lexicon);
    assert_ok(ting_lexicon_add_folder(lexicon, "models/lexicon"));
    return lexicon;
}

static void the_projects_tables_read_common_polyphones(void **state)
{
    (void)state;
    ting_lexicon *lexicon = project_lexicon();
    const char *rows[][2] = {
        {"银行", "yin2/p hang2/p"},
        {"长大", "zhang3/p da4/p"},
        {"音乐", "yin1/p yue4/p"},
        {"快乐", "kuai4/p le4/p"},
        {"一不小心", "yi1/p bu4/p xiao3/p xin1/p"},
        {"的", "de5/c"},
        {"中国人", "zhong1/p guo2/p ren2/p"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_pinyin(lexicon, &(ting_g2p_options){0}, rows[i][0], rows[i][1]);
    ting_lexicon_free(lexicon);
}

static void sandhi_is_written_on_request(void **state)
{
    (void)state;
    ting_lexicon *lexicon = lexicon_of("一\tyi1\n不\tbu4\n个\tge4\n天\ttian1\n年\tnian2\n起\tqi3\n定\tding4\n第\tdi4\n月\tyue4\n"
                                       "二\ter4\n统一\ttong3 yi1\n是\tshi4\n好\thao3\n万\twan4\n");
    const struct {
        const char *text, *spoken;
    } rows[] = {
        {"一个", "yi2/s ge4/s"},   {"一天", "yi4/s tian1/s"}, {"一年", "yi4/s nian2/s"},  {"一起", "yi4/s qi3/s"},
        {"一定", "yi2/s ding4/s"}, {"一万", "yi2/s wan4/s"},  {"第一个", "di4/s yi1/s ge4/s"}, {"一月", "yi1/s yue4/s"},
        {"一二", "yi1/s er4/s"},   {"统一定", "tong3/p yi1/p ding4/s"}, {"不是", "bu2/s shi4/s"}, {"不好", "bu4/s hao3/s"},
        {"一", "yi1/s"},           {"不", "bu4/s"},           {"一，个", "yi1/s -/o ge4/s"}, {"不一定", "bu4/s yi2/s ding4/s"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_pinyin(lexicon, &(ting_g2p_options){.sandhi = true}, rows[i].text, rows[i].spoken);
    assert_pinyin(lexicon, &(ting_g2p_options){0}, "一个不是", "yi1/s ge4/s bu4/s shi4/s");
    ting_lexicon_free(lexicon);
}

static void every_reading_in_the_tables_is_a_dictionary_syllable(void **state)
{
    (void)state;
    ting_lexicon *lexicon = project_lexicon();
    int readings = 0;
    for (uint32_t c = 0; c < 0x110000; c++) {
        ting_readings r = ting_lexicon_readings(lexicon, c);
        for (int i = 0; i < r.count; i++, readings++)
            if (ting_pinyin_usage(r.ids[i]) == TING_PINYIN_UNUSED)
                fail_msg("U+%04X has syllable %d, which syllables.def marks as unused", c, r.ids[i]);
    }
    assert_true(readings > 25000); /* 20,924 characters, 30 % of them with two readings or more */
    ting_lexicon_free(lexicon);
}

static void a_huge_line_is_read(void **state)
{
    (void)state;
    ting_lexicon *lexicon = lexicon_of(small);
    ting_str text = {0};
    for (int i = 0; i < 200000; i++)
        ting_str_add(&text, "长城大");
    ting_g2p_line line = {0};
    assert_ok(ting_g2p_read(lexicon, &(ting_g2p_options){0}, text.text, text.length, &line));
    assert_int_equal(line.count, 600000);
    assert_int_equal(line.items[599999].id, ting_pinyin_id(TING_BASE_da, 4));
    ting_g2p_line_free(&line);
    ting_str_free(&text);
    ting_lexicon_free(lexicon);
}

static ting_err load_and_read(void *arg)
{
    ting_err err = TING_OK;
    ting_g2p_line line = {0};
    ting_lexicon *lexicon = ting_lexicon_new();
    (void)arg;
    if (lexicon == NULL)
        return TING_ERR_MEMORY;
    TRY(ting_lexicon_add_text(lexicon, "table", small, sizeof small - 1, TING_LEXICON_COMMON));
    TRY(ting_g2p_read(lexicon, &(ting_g2p_options){0}, "长城", 6, &line));
out:
    ting_g2p_line_free(&line);
    ting_lexicon_free(lexicon);
    return err;
}

static void failed_allocations_are_reported(void **state)
{
    (void)state;
    assert_true(ting_fail_each_allocation(load_and_read, NULL) > 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_longest_phrase_wins),
        cmocka_unit_test(what_is_not_hanzi_is_reported),
        cmocka_unit_test(bad_tables_are_refused_with_their_line),
        cmocka_unit_test(rare_readings_make_no_polyphone),
        cmocka_unit_test(the_model_is_asked_about_open_characters),
        cmocka_unit_test(the_projects_tables_read_common_polyphones),
        cmocka_unit_test(sandhi_is_written_on_request),
        cmocka_unit_test(every_reading_in_the_tables_is_a_dictionary_syllable),
        cmocka_unit_test(a_huge_line_is_read),
        cmocka_unit_test(failed_allocations_are_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
