/* SPDX-License-Identifier: Apache-2.0 */
/* test_score.c - tingxie score: the report, alignments, JSON, matching, remarks. */
#include "support/support.h"

#include "base/file.h"
#include "base/mem.h"
#include "support/program.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#define ARGS(...) ((const char *[]){"score", __VA_ARGS__, NULL})

static char *file_of(const char *name, const char *text)
{
    char *path = ting_temp_path(name);
    assert_ok(ting_file_save(path, text, strlen(text)));
    return path;
}

static void assert_has(const char *text, const char *part)
{
    if (strstr(text, part) == NULL)
        fail_msg("\"%s\" is not in:\n%s", part, text);
}

static const char reference[] = "id\tpath\ttext\n"
                                "a\tx/a.wav\t今天天气很好\n"
                                "b\tx/b.wav\t我们在银行，\n"
                                "c\tx/c.wav\t再见\n";

static void the_report_adds_up(void **state)
{
    (void)state;
    char *ref = file_of("ref.tsv", reference);
    /* a: 天 tian1 -> 田 tian2, one deletion; b: 在 -> 再 homophone, an insertion; c is missing: 2 deletions */
    char *hyp = file_of("hyp.txt", "/data/x/a.wav\t今田天气好\nb\t我们再银行吗\nz.wav\t啊\nb\t我\n");
    ting_program_run run = ting_run_program(ARGS(ref, hyp), NULL);
    assert_int_equal(run.status, 0);
    assert_string_equal(run.out, "character error rate 46.15 %\n" /* (2 + 2 + 2) / (6 + 5 + 2) */
                                 "characters          13\n"
                                 "correct             8\n"
                                 "substitutions       2\n"
                                 "  homophone         1  (50.0 %)\n"
                                 "  tone              1  (50.0 %)\n"
                                 "  initial           0  (0.0 %)\n"
                                 "  final             0  (0.0 %)\n"
                                 "  several           0  (0.0 %)\n"
                                 "  unread            0  (0.0 %)\n"
                                 "deletions           3\n"
                                 "insertions          1\n"
                                 "utterances          3\n"
                                 "  with errors       3  (100.0 %)\n"
                                 "  missing           1\n"
                                 "  extra             1\n"
                                 "  there twice       1\n");
    assert_has(run.err, "ref.tsv:4: \"c\" has no hypothesis; it counts as deleted");
    assert_has(run.err, "hyp.txt:3: \"z.wav\" has no reference");
    assert_has(run.err, "hyp.txt:4: \"b\" is there twice; the first counts");
    ting_program_free(&run);
    run = ting_run_program(ARGS("--present", "-q", ref, hyp), NULL);
    assert_has(run.out, "character error rate 36.36 %\n"); /* 4 / 11 */
    assert_int_equal(run.err_size, 0);
    ting_program_free(&run);
    ting_free(ref);
    ting_free(hyp);
}

static void alignments_stand_in_columns(void **state)
{
    (void)state;
    char *ref = file_of("ref2.tsv", "a\t今天天气很好ok\n");
    ting_program_run run = ting_run_program(ARGS("-a", "-n", "9", ref, "-"), "a 今田天气好ＯＫ吗\n");
    assert_int_equal(run.status, 0);
    assert_has(run.out, "a: 42.86 %, 7 units, 1 substitutions, 1 deletions, 1 insertions\n"
                        "ref 今 天 天 气 很 好 ok *\n"
                        "hyp 今 田 天 气 *  好 ok 吗\n"
                        "    .  T  .  .  D  .  .  +\n\n");
    assert_has(run.out, "     1  天 -> 田\n");
    assert_has(run.out, "     1  很 -> *\n");
    assert_has(run.out, "     1  * -> 吗\n");
    ting_program_free(&run);
    ting_free(ref);
}

static void json_is_json(void **state)
{
    (void)state;
    char *ref = file_of("ref3.tsv", "a\t今天\n\"b\t好\n");
    ting_program_run run = ting_run_program(ARGS("-q", "-a", "-f", "json", "-n", "1", ref, "-"), "a 今田\n");
    json_error_t error;
    json_t *root = json_loads(run.out, 0, &error);
    if (root == NULL)
        fail_msg("%s in %s", error.text, run.out);
    assert_int_equal(json_integer_value(json_object_get(root, "units")), 3);
    assert_int_equal(json_integer_value(json_object_get(root, "missing")), 1);
    assert_int_equal(json_integer_value(json_object_get(json_object_get(root, "kinds"), "tone")), 1);
    json_t *details = json_object_get(root, "details"), *edits = json_object_get(json_array_get(details, 0), "edits");
    assert_string_equal(json_string_value(json_array_get(json_array_get(edits, 1), 2)), "T");
    assert_string_equal(json_string_value(json_object_get(json_array_get(details, 1), "id")), "\"b");
    assert_int_equal(json_array_size(json_object_get(root, "confusions")), 1);
    json_decref(root);
    ting_program_free(&run);
    ting_free(ref);
}

static void pinyin_is_scored_by_syllables(void **state)
{
    (void)state;
    char *ref = file_of("ref4.tsv", "id\tpinyin\tgreedy\na\tjin1 tian1 tian1 qi4\tj īn t ián t iān x ì\n");
    ting_program_run run = ting_run_program(ARGS("--hyp-column", "greedy", ref, ref), NULL);
    assert_has(run.out, "syllable error rate 50.00 %\n  without tone      25.00 %  (1 substitutions, 0 deletions, 0 insertions)\n");
    assert_has(run.out, "  tone              1  (50.0 %)\n  initial           1  (50.0 %)\n");
    ting_program_free(&run);
    /* hanzi on one side are read */
    run = ting_run_program(ARGS("-q", ref, "-"), "a\t今天天气\n");
    assert_has(run.out, "syllable error rate 0.00 %\n");
    ting_program_free(&run);
    ting_free(ref);
}

static void options_change_the_units(void **state)
{
    (void)state;
    char *ref = file_of("ref5.tsv", "a\tHello，世界\n");
    ting_program_run run = ting_run_program(ARGS("-q", ref, "-"), "a\thello 世界\n");
    assert_has(run.out, "character error rate 0.00 %\ncharacters          3\n");
    ting_program_free(&run);
    run = ting_run_program(ARGS("-q", "--latin", "letters", ref, "-"), "a\thallo世界\n");
    assert_has(run.out, "character error rate 14.29 %\ncharacters          7\n"); /* 1 / 7 */
    ting_program_free(&run);
    run = ting_run_program(ARGS("-q", "-k", ref, "-"), "a\thello,世界\n"); /* the comma has full width, then half */
    assert_has(run.out, "character error rate 0.00 %\ncharacters          4\n");
    ting_program_free(&run);
    ting_free(ref);
}

static void of_references_with_one_id_the_first_counts(void **state)
{
    (void)state;
    char *ref = file_of("ref8.tsv", "a\t好\nb\t天\na\t天天\n");
    ting_program_run run = ting_run_program(ARGS(ref, "-"), "a\t好\nb\t天\n");
    assert_int_equal(run.status, 0);
    assert_has(run.err, "ref8.tsv:3: \"a\" is there twice; the first counts");
    assert_null(strstr(run.err, "no hypothesis"));
    assert_has(run.out, "character error rate 0.00 %\ncharacters          2\n");
    assert_has(run.out, "  there twice       1\n");
    ting_program_free(&run);
    ting_free(ref);
}

static void many_remarks_are_summed_up(void **state)
{
    (void)state;
    char text[2048] = "";
    for (int i = 0; i < 25; i++)
        sprintf(text + strlen(text), "u%d\t好\n", i);
    char *ref = file_of("ref7.tsv", text);
    ting_program_run run = ting_run_program(ARGS(ref, "-"), "u0\t好\n");
    assert_has(run.err, "\"u10\" has no hypothesis");
    assert_null(strstr(run.err, "\"u11\""));
    assert_has(run.err, "and 14 more such utterances"); /* 24 missing, 10 named */
    assert_has(run.out, "  missing           24\n");
    ting_program_free(&run);
    run = ting_run_program(ARGS("--present", ref, "-"), "u0\t好\n"); /* left out on demand: no remark */
    assert_string_equal(run.err, "");
    assert_has(run.out, "  missing           24\n");
    ting_program_free(&run);
    ting_free(ref);
}

/* Three of four characters with 0.9 are right, one of two with 0.25 (of 24 others none counts: too many, no numbers). */
static void confidences_are_judged(void **state)
{
    (void)state;
    char *ref = file_of("ref.tsv", reference);
    char *hyp = file_of("hyp.tsv", "a\t今天天汽\t0.9 0.9 0.9 0.9\nb\t我门\t0.25 0.25\nc\t再见\t0.5 0.5 0.5\n");
    ting_program_run run = ting_run_program(ARGS("--calibration", ref, hyp), NULL);
    assert_int_equal(run.status, 0);
    /* (4 |0.9 - 3/4| + 2 |0.25 - 1/2|) / 6 */
    assert_has(run.out, "confidence\n  calibration error 0.1833\n");
    assert_has(run.out, "  0.2               0.250 0.500 2\n  0.9               0.900 0.750 4\n");
    assert_has(run.err, "hyp.tsv:3: \"c\": 3 confidences for 2 characters");
    ting_program_free(&run);
    run = ting_run_program(ARGS("--calibration", "-f", "json", ref, "-"), "path\ttext\tconfidence\nx/a.wav\t今\t1.5\nx/b.wav\t我\t0.5\n");
    assert_int_equal(run.status, 0);
    assert_has(run.err, "its confidences are not all numbers from 0 to 1");
    json_t *json = json_loads(run.out, 0, NULL), *calibration = json_object_get(json, "calibration");
    assert_true(json_real_value(json_object_get(calibration, "error")) == 0.5);
    assert_true(json_is_null(json_object_get(calibration, "nce"))); /* nothing is wrong */
    assert_int_equal(json_integer_value(json_object_get(json_array_get(json_object_get(calibration, "bins"), 5), "count")), 1);
    json_decref(json);
    ting_program_free(&run);
    ting_free(ref);
    ting_free(hyp);
}

static void bad_input_is_one_sentence(void **state)
{
    (void)state;
    char *ref = file_of("ref6.tsv", "a\t好\n"), *empty = file_of("empty", "\n");
    const struct {
        const char *const *arguments;
        const char *input, *part;
        int status;
    } rows[] = {
        {ARGS(ref, "/nowhere/hyp"), NULL, "/nowhere/hyp", 1},
        {ARGS(ref, empty), NULL, "empty: empty, expected one utterance a line", 1},
        {ARGS(ref, "-"), "b\t好\n", "no utterance in common: ", 1},
        {ARGS("-", "-"), "", "cannot both be standard input", 2},
        {ARGS("--ref-column", "nope", ref, ref), NULL, "no column \"nope\"", 2},
        {ARGS(ref, "-"), "id\ttext\n", "standard input: no utterance", 1},
        {ARGS("-", ref), "id\ttext\n", "standard input: no utterance", 1},
        {ARGS("--present", "-a", "-f", "json", "-", ref), "id\ttext\n", "standard input: no utterance", 1},
        {ARGS("--present", "-a", "-f", "json", ref, "-"), "id\ttext\n", "standard input: no utterance", 1},
        {ARGS("-a", "-f", "json", "-", ref), "a\t，。\nb\t\n", "no character in any text", 1},
        {ARGS("--present", "-", ref), "a\t，。\nb\t好\n", "no character in any text", 1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        ting_program_run run = ting_run_program(rows[i].arguments, rows[i].input);
        assert_int_equal(run.status, rows[i].status);
        assert_has(run.err, rows[i].part);
        assert_int_equal(run.out_size, 0);
        ting_program_free(&run);
    }
    ting_assert_usage("something is missing", ARGS(ref));
    ting_free(ref);
    ting_free(empty);
}

/* The report is whole, and the status says that something was not there. */
static void what_has_no_confidence_is_compared_all_the_same(void **state)
{
    (void)state;
    char *ref = ting_temp_text("ref.tsv", "id\ttext\na\t好\n");
    ting_program_run run = ting_run_program(ARGS("--calibration", "-f", "json", ref, "-"), "a\t好\n");
    assert_int_equal(run.status, 1);
    assert_has(run.err, "standard input: no confidence in it can be judged");
    json_t *json = json_loads(run.out, 0, NULL);
    assert_non_null(json);
    assert_null(json_object_get(json, "calibration"));
    json_decref(json);
    ting_program_free(&run);
    run = ting_run_program(ARGS("--calibration", ref, "-"), "a\t好\t1.5\n");
    assert_int_equal(run.status, 1);
    assert_has(run.err, "standard input: no confidence in it can be judged");
    assert_has(run.out, "character error rate");
    ting_program_free(&run);
    ting_free(ref);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_report_adds_up),
        cmocka_unit_test(alignments_stand_in_columns),
        cmocka_unit_test(json_is_json),
        cmocka_unit_test(pinyin_is_scored_by_syllables),
        cmocka_unit_test(options_change_the_units),
        cmocka_unit_test(of_references_with_one_id_the_first_counts),
        cmocka_unit_test(many_remarks_are_summed_up),
        cmocka_unit_test(confidences_are_judged),
        cmocka_unit_test(bad_input_is_one_sentence),
        cmocka_unit_test(what_has_no_confidence_is_compared_all_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
