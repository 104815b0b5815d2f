/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_shipped.c - the model that ships hears real speech: three sentences of a speaker that it was not trained on, against
 * what was said (examples/sound/NOTICE), without an option and without a folder of models.
 */
#include "support/support.h"

#include "support/program.h"

#include "base/file.h"
#include "base/mem.h"

#include <stdio.h>
#include <string.h>

#define ARGS(...) ((const char *[]){__VA_ARGS__, NULL})
#define SOUND "examples/sound/BAC009S0252W0"

static const char said[] = "BAC009S0252W0135\t在经过了十二月份的低迷之后\n"
                           "BAC009S0252W0218\t证监会新闻发言人表示\n"
                           "BAC009S0252W0453\t公安机关正在进一步调查中\n";

static ting_program_run run(const char *const *arguments)
{
    return ting_run_program_with(arguments, NULL, 0, ARGS("TING_MODELS=", "XDG_DATA_HOME=/nowhere"));
}

/* The percent that `score` finds of the characters, or of the syllables of pinyin. */
static double errors(const char *reference, const char *heard)
{
    char *ref = ting_temp_path("said.tsv"), *hyp = ting_temp_path("heard.tsv");
    assert_ok(ting_file_save(ref, reference, strlen(reference)));
    assert_ok(ting_file_save(hyp, heard, strlen(heard)));
    ting_program_run scored = run(ARGS("score", ref, hyp));
    assert_int_equal(scored.status, 0);
    double rate = -1;
    const char *at = strstr(scored.out, "error rate ");
    assert_non_null(at);
    assert_int_equal(sscanf(at, "error rate %lf", &rate), 1);
    assert_non_null(strstr(scored.out, "utterances          3"));
    ting_program_free(&scored);
    ting_free(ref);
    ting_free(hyp);
    return rate;
}

static void it_hears_a_stranger(void **state)
{
    (void)state;
    ting_program_run heard = run(ARGS("transcribe", SOUND "135.flac", SOUND "218.flac", SOUND "453.flac"));
    assert_int_equal(heard.status, 0);
    assert_true(errors(said, heard.out) <= 15); /* five of 34 characters */
    ting_program_free(&heard);
    heard = run(ARGS("transcribe", SOUND "453.flac")); /* what README and `make demo` show */
    assert_string_equal(heard.out, "公安机关正在进一步调查中\n");
    ting_program_free(&heard);
}

/* 证监会 is heard as something else: its first two characters are those that it is least sure of, and it says so for each. */
static void it_knows_how_sure_it_is(void **state)
{
    (void)state;
    ting_program_run heard = run(ARGS("transcribe", "--confidence", SOUND "218.flac"));
    assert_int_equal(heard.status, 0);
    double sure[10], surest_wrong = 0, least_right = 1;
    int used = 0, count = 0;
    const char *at = strchr(heard.out, '\t');
    for (; at != NULL && count < 10 && sscanf(at, "%lf%n", &sure[count], &used) == 1; at += used)
        count++;
    assert_int_equal(count, 10);
    assert_string_equal(at, "\n");
    for (int i = 0; i < count; i++) {
        assert_true(sure[i] > 0 && sure[i] < 1);
        if (i < 2)
            surest_wrong = sure[i] > surest_wrong ? sure[i] : surest_wrong;
        else
            least_right = sure[i] < least_right ? sure[i] : least_right;
    }
    assert_true(surest_wrong < least_right);
    ting_program_free(&heard);
}

/* A word that is likely to be said is written where it may have been. */
static void it_hears_hotwords(void **state)
{
    (void)state;
    char *list = ting_temp_path("hotwords.txt");
    static const char words[] = "低迷 :2\nPolice :9 gong1 an1\n";
    assert_ok(ting_file_save(list, words, sizeof words - 1));
    ting_program_run heard = run(ARGS("transcribe", "--hotwords", list, SOUND "135.flac"));
    assert_string_equal(heard.out, "在经过了十二月份的低迷之后\n");
    ting_program_free(&heard);
    heard = run(ARGS("transcribe", "--hotwords", list, SOUND "453.flac"));
    assert_string_equal(heard.out, "Police机关正在进一步调查中\n");
    ting_program_free(&heard);
    assert_ok(ting_file_save(list, "低迷 :x\n", 10)); /* found out before any sound */
    heard = run(ARGS("transcribe", "--hotwords", list, SOUND "135.flac", SOUND "453.flac"));
    assert_int_equal(heard.status, 1);
    assert_string_equal(heard.out, "");
    ting_program_free(&heard);
    heard = run(ARGS("transcribe", "--hotwords", "/nowhere/hot.txt", SOUND "135.flac"));
    assert_int_equal(heard.status, 1);
    assert_non_null(strstr(heard.err, "/nowhere/hot.txt"));
    ting_program_free(&heard);
    heard = run(ARGS("transcribe", "--lm-weight", "0", "--hotwords", list, SOUND "135.flac"));
    assert_int_equal(heard.status, 2);
    assert_non_null(strstr(heard.err, "--lm-weight 0 leaves out"));
    ting_program_free(&heard);
    ting_free(list);
}

/* Six seconds of zeros: muted meetings have them. */
static void it_hears_nothing_in_silence(void **state)
{
    (void)state;
    static const char wav[] = "RIFF\0\0\0\0WAVEfmt \x10\0\0\0\1\0\1\0\x80\x3e\0\0\0\x7d\0\0\2\0\x10\0data\0\xee\x02\0";
    enum { HEAD = 44, BYTES = 192000 };
    char *path = ting_temp_path("zeros.wav"), *bytes = ting_alloc(HEAD + BYTES, 1);
    assert_non_null(bytes);
    memcpy(bytes, wav, HEAD);
    bytes[4] = 0x24;
    bytes[5] = (char)0xee;
    bytes[6] = 2;
    assert_ok(ting_file_save(path, bytes, HEAD + BYTES));
    ting_program_run heard = run(ARGS("transcribe", path));
    assert_int_equal(heard.status, 0);
    assert_string_equal(heard.out, "\n");
    ting_program_free(&heard);
    ting_free(bytes);
    ting_free(path);
}

static void it_says_what_it_is(void **state)
{
    (void)state;
    static const char *const parts[] = {"network am: zipformer2-transducer", "network p2h: transformer-p2h",
                                        "Apache-2.0 AND CC-BY-SA-4.0"};
    ting_program_run told = run(ARGS("inspect", "models/tingxie.gguf"));
    assert_int_equal(told.status, 0);
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        if (strstr(told.out, parts[i]) == NULL)
            fail_msg("inspect does not say \"%s\":\n%s", parts[i], told.out);
    ting_program_free(&told);
    told = run(ARGS("inspect", "models/tingxie-lm.gguf"));
    assert_int_equal(told.status, 0);
    assert_non_null(strstr(told.out, "network lm: ngram"));
    ting_program_free(&told);
}

/* The language model is taken by itself: what it finds likelier is written, unless its weight is 0. */
static void it_knows_what_is_said(void **state)
{
    (void)state;
    static const char pinyin[] = "zhe4 chang3 bi3 sai4 shi4 jun1 li4 di2\n";
    ting_program_run with = ting_run_program_with(ARGS("p2h"), pinyin, sizeof pinyin - 1, ARGS("TING_MODELS=", "XDG_DATA_HOME=/nowhere"));
    ting_program_run without = ting_run_program_with(ARGS("p2h", "--lm-weight", "0"), pinyin, sizeof pinyin - 1,
                                                     ARGS("TING_MODELS=", "XDG_DATA_HOME=/nowhere"));
    assert_string_equal(with.out, "这场比赛势均力敌\n");
    assert_string_not_equal(without.out, with.out);
    ting_program_free(&with);
    ting_program_free(&without);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_hears_a_stranger),
        cmocka_unit_test(it_knows_how_sure_it_is),
        cmocka_unit_test(it_hears_hotwords),
        cmocka_unit_test(it_hears_nothing_in_silence),
        cmocka_unit_test(it_says_what_it_is),
        cmocka_unit_test(it_knows_what_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
