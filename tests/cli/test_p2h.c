/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_p2h.c - the contract of tingxie p2h (one line out for each line in, whatever the line is), and of data p2h and
 * train p2h as programs.
 */
#include "support/support.h"

#include "support/program.h"
#include "support/tiny.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/utf8.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ARGS(...) ((const char *[]){__VA_ARGS__, NULL})

static char *model;

static int make_model(void **state)
{
    (void)state;
    model = ting_temp_path("p2h.gguf");
    assert_ok(ting_tiny_model_save(model, 1, TING_TINY_P2H));
    return 0;
}

static int count_lines(const char *text)
{
    int lines = 0;
    for (; *text != '\0'; text++)
        lines += *text == '\n';
    return lines;
}

static void every_line_gives_a_line(void **state)
{
    (void)state;
    /* good; empty; not pinyin; spaces around; no digit; marked; bytes that are not UTF-8; a last line without its end */
    const char *input = "zhong1 guo2\n\nzhong1 qqq\n  ni3\tni3 \nni\nn\xC7\x90 zh\xC5\x8Dng\n\xFF\xFE\nzhong1 guo2";
    ting_program_run run = ting_run_program(ARGS("p2h", "-m", model), input);
    assert_int_equal(run.status, 1);
    assert_int_equal(count_lines(run.out), 8);
    const char *line[9] = {run.out};
    for (int i = 1; i < 9; i++)
        line[i] = strchr(line[i - 1], '\n') + 1;
    const int characters[8] = {2, 0, 0, 2, 1, 2, 0, 2};
    for (int i = 0; i < 8; i++)
        assert_int_equal(ting_utf8_count(line[i], (size_t)(line[i + 1] - line[i] - 1)), characters[i]);
    assert_memory_equal(line[0], line[7], (size_t)(line[1] - line[0]));
    assert_non_null(strstr(run.err, "standard input:3: word 2, \"qqq\", is not a pinyin syllable"));
    assert_non_null(strstr(run.err, "standard input:7: word 1"));
    assert_int_equal(count_lines(run.err), 2);
    ting_program_free(&run);

    run = ting_run_program(ARGS("p2h", "-m", model), "\xEF\xBB\xBFzhong1 guo2\r\n"); /* a byte order mark is no syllable */
    assert_int_equal(run.status, 0);
    assert_int_equal(count_lines(run.out), 1);
    ting_program_free(&run);
    run = ting_run_program(ARGS("p2h", "-m", model), "");
    assert_int_equal(run.status, 0);
    assert_string_equal(run.out, "");
    ting_program_free(&run);
}

static void several_lines_are_ranked(void **state)
{
    (void)state;
    ting_program_run run = ting_run_program(ARGS("p2h", "-m", model, "--nbest", "2"), "zhong1 guo2\n");
    assert_int_equal(run.status, 0);
    assert_int_equal(count_lines(run.out), 2); /* zhong1 has two characters in the tiny model, guo2 one */
    assert_memory_equal(run.out, "1\t1\t-", 5);
    assert_non_null(strstr(run.out, "\n1\t2\t-"));
    ting_program_free(&run);
    /* empty, bad and good lines keep their numbers, also in a second file */
    char *one = ting_temp_path("one.txt");
    assert_ok(ting_file_save(one, "\nqqq\nguo2\n", 10));
    run = ting_run_program(ARGS("p2h", "-m", model, "-n", "2", one, one), NULL);
    assert_int_equal(run.status, 1);
    const char *const begins[] = {"1\t1\t0.0000\t\n", "2\t0\t\t\n", "3\t1\t", "4\t1\t0.0000\t\n", "5\t0\t\t\n", "6\t1\t"};
    const char *line = run.out;
    for (int i = 0; i < 6; i++) {
        assert_int_equal(strncmp(line, begins[i], strlen(begins[i])), 0);
        line = strchr(line, '\n') + 1;
    }
    assert_string_equal(line, "");
    ting_program_free(&run);
    ting_free(one);
}

static void bad_models_and_files_are_named(void **state)
{
    (void)state;
    char *wrong = ting_temp_path("wrong.gguf");
    assert_ok(ting_tiny_model_save(wrong, 1, TING_TINY_AM));
    ting_program_run run = ting_run_program(ARGS("p2h", "-m", wrong), "ni3\n");
    assert_int_equal(run.status, 1);
    assert_string_equal(run.out, "");
    assert_non_null(strstr(run.err, "no pinyin-to-hanzi network in this model"));
    ting_program_free(&run);
    run = ting_run_program(ARGS("p2h", "-m", model, "/nowhere/lines.txt"), NULL);
    assert_int_equal(run.status, 1);
    assert_non_null(strstr(run.err, "/nowhere/lines.txt: cannot be read: No such file"));
    ting_program_free(&run);
    ting_assert_usage("--threads 0 is out of range: 1 to 1024", ARGS("p2h", "-t", "0"));
    ting_assert_usage("--threads 0 is out of range: 1 to 1024", ARGS("train", "p2h", "-t", "0", "r.yaml"));
    ting_assert_usage("--limit", ARGS("p2h", "--limit", "loose"));
    ting_assert_usage("corpus", ARGS("train", "p2h", "r.yaml"));
    ting_assert_usage("-o FILE", ARGS("data", "p2h", "s.yaml"));
    ting_free(wrong);
}

static void save_text(const char *path, const char *text)
{
    assert_ok(ting_file_save(path, text, strlen(text)));
}

/* Whether `tingxie inspect` says this of a file. */
static void assert_inspected(const char *path, const char *part, bool there)
{
    ting_program_run run = ting_run_program(ARGS("inspect", path), NULL);
    assert_int_equal(run.status, 0);
    assert_int_equal(strstr(run.out, part) != NULL, there);
    ting_program_free(&run);
}

/* From text to a trained model that writes the text back, through the program alone. */
static void text_becomes_a_model(void **state)
{
    (void)state;
    char *settings = ting_temp_path("data.yaml"), *pairs = ting_temp_path("pairs.tsv"), *text = ting_temp_path("text.txt");
    char *corpus = ting_temp_path("corpus"), *recipe = ting_temp_path("recipe.yaml"), *folder = ting_temp_path("run");
    char *out = ting_temp_path("own.gguf"), *curves = ting_path_join(folder, "curves.html");
    char yaml[1024];
    snprintf(yaml, sizeof yaml, "cut: 1\nsources:\n  - {name: pairs, file: %s, format: pairs}\n  - {name: text, file: %s}\n",
             pairs, text);
    save_text(settings, yaml);
    save_text(pairs, "text\tpinyin\n我是中国人\two3 shi4 zhong1 guo2 ren2\n这是好事\tzhe4 shi4 hao3 shi4\n");
    save_text(text, "大家好\n");
    save_text(recipe, "model: {embedding: 16, pair_rows: 64, triple_rows: 64, ngram_dim: 8, layers: 1, width: 16, "
                      "heads: 2, inner: 32}\ndata: {tokens: 20, window: 8, spoil: {share: 0}}\n"
                      "train: {steps: 100, warmup: 5, decay: 10, rate: 0.01, log_every: 50, measure_every: 50}\n");
    ting_program_run run = ting_run_program(ARGS("data", "p2h", settings, "-o", corpus), NULL);
    assert_int_equal(run.status, 0);
    assert_string_equal(run.out, "");
    assert_non_null(strstr(run.err, "3 sentences, 12 characters of text"));
    ting_program_free(&run);
    ting_assert_usage("data.yaml is both input and output", ARGS("data", "p2h", settings, "-o", settings));
    ting_assert_usage("text.txt is both input and output", ARGS("data", "p2h", settings, "-o", text));
    char line[2048]; /* the pinyin tables are found from any folder */
    snprintf(line, sizeof line, "program=$(realpath '%s') && cd / && \"$program\" data p2h -q '%s' -o '%s'", ting_program_path(),
             settings, corpus);
    assert_int_equal(system(line), 0);
    run = ting_run_program(ARGS("train", "p2h", recipe, "--corpus", corpus, "-o", folder), NULL);
    assert_int_equal(run.status, 0);
    assert_string_equal(run.out, "");
    assert_true(ting_file_exists(curves));
    ting_program_free(&run);
    char *checkpoint = ting_path_join(folder, "checkpoint");
    const char *const written[] = {checkpoint, recipe, corpus};
    for (size_t i = 0; i < 3; i++) /* none of them is a model by its name */
        ting_assert_usage("a model file's name ends in .gguf",
                          ARGS("train", "p2h", recipe, "--corpus", corpus, "-o", folder, "--export", written[i]));
    ting_free(checkpoint);
    run = ting_run_program(ARGS("train", "p2h", recipe, "--corpus", corpus, "-o", folder, "--export", out, "--type", "int8"),
                           NULL);
    assert_int_equal(run.status, 0);
    ting_program_free(&run);
    assert_inspected(out, "tingxie.p2h.license", false); /* nobody gave one, and none is made up */
    assert_inspected(out, "tingxie.p2h.authors", false);
    run = ting_run_program(ARGS("train", "p2h", recipe, "--corpus", corpus, "-o", folder, "--export", out, "--type", "int8",
                                "--licence", "CC0-1.0", "--authors", "somebody"),
                           NULL);
    assert_int_equal(run.status, 0);
    ting_program_free(&run);
    assert_inspected(out, "CC0-1.0", true);
    assert_inspected(out, "somebody", true);
    run = ting_run_program(ARGS("p2h", "-m", out, "--precision", "int8"), "wo3 shi4 zhong1 guo2 ren2\nda4 jia1 hao3\n");
    assert_int_equal(run.status, 0);
    assert_string_equal(run.out, "我是中国人\n大家好\n");
    ting_program_free(&run);
    char *const all[] = {settings, pairs, text, corpus, recipe, folder, out, curves};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        ting_free(all[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_line_gives_a_line),
        cmocka_unit_test(several_lines_are_ranked),
        cmocka_unit_test(bad_models_and_files_are_named),
        cmocka_unit_test(text_becomes_a_model),
    };
    return cmocka_run_group_tests(tests, make_model, NULL);
}
