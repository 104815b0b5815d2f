/* SPDX-License-Identifier: Apache-2.0 */
/* test_adapt.c - tingxie adapt: the shipped model learns what a text speaks of, and still hears; what cannot be. */
#include "support/program.h"
#include "support/support.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"

#include <stdlib.h>
#include <string.h>

static const char *const model = "models/tingxie.gguf";

static void assert_writes(const char *file, const char *pinyin, const char *want)
{
    ting_program_run done = ting_run_expecting((const char *const[]){"p2h", "-m", file, NULL}, pinyin, 0, "");
    assert_string_equal(done.out, want);
    ting_program_free(&done);
}

/* The network lacks 茼, 瘼 and 衎, which are standard characters, and 醫, which is none. */
static void a_model_learns_what_a_text_speaks_of(void **state)
{
    (void)state;
    static const char *const dishes[] = {"清炒茼蒿", "蒜蓉茼蒿", "茼蒿炒蛋", "茼蒿豆腐汤"}, *const more[] = {"加盐", "好吃", "要洗净", "放一点蒜"};
    ting_str text = {0};
    for (int i = 0; i < 400; i++)
        ting_str_addf(&text, "%s%s%s。%s", dishes[i % 4], more[i / 4 % 4], i % 3 == 0 ? "。关心民瘼" : "", i % 2 == 0 ? "\n" : "");
    ting_str_add(&text, "醫\n");
    char *domain = ting_temp_text("dishes.txt", text.text), *names = ting_temp_text("names.tsv", "# names\n刘衎\tliu2 kan4\n"),
         *mine = ting_temp_path("dishes.gguf");
    assert_writes(model, "qing1 chao3 tong2 hao1\n", "清炒铜好\n");
    ting_program_run done = ting_run_expecting((const char *const[]){"adapt", model, domain, "--table", names, "-o", mine, "--licence", "CC0-1.0", NULL}, "", 0,
                                "1 hanzi are not learnt, since the table of standard characters lacks them: 醫");
    assert_non_null(strstr(done.out, "weight\t0.5000\tlikeliest "));
    assert_non_null(strstr(done.out, "pinyin to hanzi\t3 characters\t"));
    assert_non_null(strstr(done.out, mine));
    ting_program_free(&done);
    assert_writes(mine, "qing1 chao3 tong2 hao1\n", "清炒茼蒿\n");
    assert_writes(mine, "liu2 kan4\n", "刘衎\n");
    assert_writes(mine, "jin1 tian1 tian1 qi4 hen3 hao3\n", "今天天气很好\n");
    done = ting_run_expecting((const char *const[]){"transcribe", "-m", mine, "examples/sound/BAC009S0252W0453.flac", NULL}, "", 0, "");
    ting_program_run before = ting_run_expecting((const char *const[]){"transcribe", "-m", model, "examples/sound/BAC009S0252W0453.flac", NULL}, "", 0, "");
    assert_string_equal(done.out, before.out);
    ting_program_free(&done);
    ting_program_free(&before);
    done = ting_run_expecting((const char *const[]){"inspect", mine, NULL}, "", 0, "");
    assert_non_null(strstr(done.out, "[am, p2h, lm]"));
    assert_non_null(strstr(done.out, "CC0-1.0"));
    ting_program_free(&done);
    char *const all[] = {domain, names, mine};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        ting_free(all[i]);
    ting_str_free(&text);
}

/* Standard input, pinyin to hanzi alone, a text too short to tell anything. */
static void a_short_text_is_taken_with_care(void **state)
{
    (void)state;
    char *p2h = ting_temp_path("p2h-alone.gguf"), *mine = ting_temp_path("short.gguf");
    ting_program_run done = ting_run_expecting((const char *const[]){"convert", "--network", "p2h", model, "-o", p2h, NULL}, "", 0, "");
    ting_program_free(&done);
    done = ting_run_expecting((const char *const[]){"adapt", p2h, "-", "-o", mine, NULL}, "关心民瘼\n", 0, "too little text to find a weight on");
    assert_non_null(strstr(done.out, "weight\t0.3000\n"));
    ting_program_free(&done);
    assert_writes(mine, "guan1 xin1 min2 mo4\n", "关心民瘼\n");
    /* trained on it: with nothing held out no error rate is said; the licence of the network is not that of the language model */
    done = ting_run_expecting((const char *const[]){"adapt", p2h, "-", "--finetune", "1", "--licence", "CC0-1.0", "-o", mine, NULL},
                              "关心民瘼\n", 0, "is trained on the text (1 runs of hanzi)");
    assert_non_null(strstr(done.out, "trained\t1 steps\npinyin to hanzi"));
    ting_program_free(&done);
    done = ting_run_expecting((const char *const[]){"inspect", mine, NULL}, "", 0, "");
    const char *licence = strstr(done.out, "tingxie.p2h.license");
    assert_true(licence != NULL && strstr(done.out, "tingxie.lm.license") != NULL);
    assert_memory_equal(licence + strcspn(licence, " ") + strspn(licence + strcspn(licence, " "), " "), "Apache-2.0", 10);
    ting_program_free(&done);
    ting_free(p2h);
    ting_free(mine);
}

static void what_cannot_be_is_said(void **state)
{
    (void)state;
    char *out = ting_temp_path("no-adapt.gguf"), *text = ting_temp_text("no-adapt.txt", "鱼\n"), *bad = ting_temp_text("bad.tsv", "衎\tqqq\n");
    const struct {
        const char *words[10];
        int status;
        const char *said;
    } cases[] = {
        {{"adapt", model, text}, 2, "name the model file to write"},
        {{"adapt", model, "-o", out}, 2, "TEXT"},
        {{"adapt", model, text, "-o", text}, 2, "ends in .gguf"},
        {{"adapt", model, text, "-w", "2", "-o", out}, 2, "weight"},
        {{"adapt", model, text, "examples/sound/BAC009S0252W0453.flac", "-o", out}, 1, "BAC009S0252W0453.flac:1: "}, /* is no text */
        {{"adapt", model, text, "-o", "nowhere/a.gguf"}, 1, "nowhere/a.gguf: cannot be written"},
        {{"adapt", model, "nowhere.txt", "-o", out}, 1, "nowhere.txt"},
        {{"adapt", "nowhere.gguf", text, "-o", out}, 1, "nowhere.gguf"},
        {{"adapt", model, text, "--table", bad, "-o", out}, 1, "bad.tsv"},
        {{"adapt", model, text, "--lm", model, "-o", out}, 1, "\"lm\""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ting_program_run done = ting_run_expecting(cases[i].words, "", cases[i].status, cases[i].said);
        assert_false(ting_file_exists(out));
        ting_program_free(&done);
    }
    ting_free(out);
    ting_free(text);
    ting_free(bad);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_model_learns_what_a_text_speaks_of),
        cmocka_unit_test(a_short_text_is_taken_with_care),
        cmocka_unit_test(what_cannot_be_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
