/* SPDX-License-Identifier: Apache-2.0 */
/* test_pinyin.c - tingxie pinyin: notations, formats, what has no reading, bad tables. */
#include "support/support.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "support/program.h"

#include <string.h>

#define ARGS(...) ((const char *[]){"pinyin", __VA_ARGS__, NULL})

/* Runs with this standard input (NULL: none); standard output must be exactly this. */
static void assert_prints(const char *want, const char *input, const char *const *arguments)
{
    ting_program_run run = ting_run_program(arguments, input);
    if (run.status != 0 || strcmp(run.out, want) != 0)
        fail_msg("status %d, printed \"%s\", expected \"%s\"; \"%s\"", run.status, run.out, want, run.err);
    ting_program_free(&run);
}

static void every_notation(void **state)
{
    (void)state;
    assert_prints("wo3 zai4 yin2 hang2 zhang3 da4\n", NULL, ARGS("我在银行长大"));
    assert_prints("wǒ zài yín háng zhǎng dà\n", NULL, ARGS("-n", "marked", "我在银行长大"));
    assert_prints("w ǒ z ài y ín h áng\n", NULL, ARGS("-n", "tokens", "我在银行"));
    assert_prints("wo zai lv se\n", NULL, ARGS("-n", "plain", "我在绿色"));
    assert_prints("lv4 se4\nyi1 ge4\n", NULL, ARGS("绿色", "一个"));
    assert_prints("yi1 nian2 bu4 hui4 yi1 ge4\n", NULL, ARGS("一年不会一个"));
    assert_prints("yi1 nian2 bu2 hui4 yi2 ge4\n", NULL, ARGS("-s", "table", "一年不会一个"));
    assert_prints("yi4 nian2 bu2 hui4 yi2 ge4\n", NULL, ARGS("-s", "spoken", "一年不会一个"));
}

static void lines_in_lines_out(void **state)
{
    (void)state;
    assert_prints("ni3 hao3\n\nzai4 jian4\n", "你好\n\n再见", ARGS("-q"));
    assert_prints("ni3 hao3\n", "你好\r\n", ARGS("-q"));
    assert_prints("", "", ARGS("-q"));
    assert_prints("ni3 hao3\n\nhao3\n", "\xEF\xBB\xBF你好\r\n\n好", ARGS("-q")); /* a byte order mark is no character */
    /* any bytes, a NUL too */
    ting_program_run run = ting_run_program_with(ARGS("-q"), "\xFF你\0好\n\xE4\n", 11, NULL);
    assert_int_equal(run.status, 0);
    assert_int_equal(run.out_size, strlen("\xEF\xBF\xBD ni3 _ hao3\n\xEF\xBF\xBD\n"));
    ting_program_free(&run);
}

static void what_has_no_syllable_is_passed_on_and_counted(void **state)
{
    (void)state;
    assert_prints("ni3 iPhone12 ， hao3\n", NULL, ARGS("-q", "你iPhone12 ， 好"));
    assert_prints("ni3 hao3\n", NULL, ARGS("-q", "--other", "drop", "你A，\xF0\xA0\x80\x80好"));
    assert_prints("ni3 ? ? hao3\n", NULL, ARGS("-q", "--other", "mark", "你A\xF0\xA0\x80\x80好"));
    ting_program_run run = ting_run_program(ARGS("你A，\xF0\xA0\x80\x80\xFF好"), NULL);
    assert_int_equal(run.status, 0);
    assert_non_null(strstr(run.err, "2 characters that are no hanzi, 1 hanzi without a reading, 1 bytes that are not UTF-8"));
    ting_program_free(&run);
}

static void sources_are_shown(void **state)
{
    (void)state;
    assert_prints("银\tyin2\tphrase\n行\thang2\tphrase\n的\tde5\tcommonest\n大\tda4\tcommonest\nA\t\tother\n\n", NULL,
                  ARGS("-q", "-f", "tsv", "银行的大 A"));
    assert_prints("{\"text\": \"你\\\"\", \"pinyin\": \"ni3 \\\"\", \"chars\": [{\"text\": \"你\", \"pinyin\": \"ni3\", "
                  "\"source\": \"single\"}, {\"text\": \"\\\"\", \"pinyin\": null, \"source\": \"other\"}]}\n",
                  NULL, ARGS("-q", "-f", "json", "你\""));
}

static void notations_are_converted(void **state)
{
    (void)state;
    assert_prints("zhong1 guo2 ren2 lv4 x\n", "zhōng guó  r én lu:4 x\n", ARGS("-q", "-c"));
    assert_prints("zh ōng g uó\n", NULL, ARGS("-c", "-n", "tokens", "zhong1 guo2"));
}

static void own_tables_win(void **state)
{
    (void)state;
    char *table = ting_temp_path("own.tsv"), *bad = ting_temp_path("bad.tsv");
    const char *text = "银行\tyin2 xing2\n大\tdai4\n", *wrong = "银行\tyin2 xing2\n大夫\tdai4\n";
    assert_ok(ting_file_save(table, text, strlen(text)));
    assert_ok(ting_file_save(bad, wrong, strlen(wrong)));
    assert_prints("yin2 xing2 dai4\n", NULL, ARGS("-t", table, "银行大"));
    ting_program_run run = ting_run_program(ARGS("-t", bad, "银行"), NULL);
    assert_int_equal(run.status, 1);
    assert_non_null(strstr(run.err, "bad.tsv:2: 2 characters but 1 syllables"));
    assert_int_equal(run.out_size, 0);
    ting_program_free(&run);
    ting_free(table);
    ting_free(bad);
}

static void what_is_missing_is_named(void **state)
{
    (void)state;
    ting_program_run run = ting_run_program(ARGS("--lexicon", "/nowhere", "你"), NULL);
    assert_int_equal(run.status, 1);
    assert_non_null(strstr(run.err, "/nowhere/char-pinyin-8105.tsv"));
    ting_program_free(&run);
    run = ting_run_program_with(ARGS("--polyphones", "你"), NULL, 0, (const char *[]){"TING_MODELS=/nowhere", NULL});
    assert_int_equal(run.status, 1);
    assert_non_null(strstr(run.err, "no g2pM"));
    assert_non_null(strstr(run.err, "/nowhere/g2pm"));
    ting_program_free(&run);
    ting_assert_usage("--no-phrases goes with --polyphones", ARGS("--no-phrases", "你"));
}

static void a_line_of_megabytes(void **state)
{
    (void)state;
    ting_str in = {0}, out = {0};
    for (int i = 0; i < 300000; i++) {
        ting_str_add(&in, "银行");
        ting_str_add(&out, i == 0 ? "yin2 hang2" : " yin2 hang2");
    }
    ting_str_add(&out, "\n");
    ting_program_run run = ting_run_program(ARGS("-q"), in.text);
    assert_int_equal(run.status, 0);
    assert_true(strcmp(run.out, out.text) == 0);
    ting_program_free(&run);
    ting_str_free(&in);
    ting_str_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_notation),
        cmocka_unit_test(lines_in_lines_out),
        cmocka_unit_test(what_has_no_syllable_is_passed_on_and_counted),
        cmocka_unit_test(sources_are_shown),
        cmocka_unit_test(notations_are_converted),
        cmocka_unit_test(own_tables_win),
        cmocka_unit_test(what_is_missing_is_named),
        cmocka_unit_test(a_line_of_megabytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
