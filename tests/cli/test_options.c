/* SPDX-License-Identifier: Apache-2.0 */
/* test_options.c - the frame of the program: help, version, slips in names, generated pages, full disk. */
#include "support/support.h"

#include "support/program.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ARGS(...) ((const char *[]){__VA_ARGS__, NULL})

static void a_wrong_command_line_is_one_sentence(void **state)
{
    (void)state;
    ting_assert_usage("did you mean help?", ARGS("hepl"));
    ting_assert_usage("there is no command 'xyzzyx'", ARGS("xyzzyx"));
    ting_assert_usage("there is no option '--frobnicate'", ARGS("--frobnicate"));
    ting_assert_usage("did you mean --quiet?", ARGS("help", "--qiuet"));
    ting_assert_usage("there is no option -X", ARGS("help", "-qX"));
    ting_assert_usage("'c' is one too many", ARGS("help", "a", "b", "c"));
    ting_program_run group = ting_run_program(ARGS("help", "train"), NULL), asked = ting_run_program(ARGS("train", "--help"), NULL);
    assert_true(group.status == 0 && asked.status == 0);
    assert_string_equal(group.out, asked.out);
    assert_true(strstr(group.out, "train am") != NULL && strstr(group.out, "transcribe") == NULL);
    ting_program_free(&group);
    ting_program_free(&asked);
    ting_assert_usage("train: which one?", ARGS("train", "nothing"));
    ting_assert_usage("--generate makes", ARGS("--generate", "nothing"));
}

/* What only says how something else is used is not passed over where that is not given. */
static void options_want_what_they_belong_to(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"--rescore-weight=1", "--rescore-weight goes with --rescore-lm, which is not given"}, {"--rescore-lines=2", "goes with --rescore-lm"},
        {"--hotword-weight=1", "goes with --hotwords"}, {"--fuse-weight=1", "goes with --fuse-lm"}, {"--fuse-bonus=1", "goes with --fuse-lm"},
        {"--lodr=a.gguf", "--lodr goes with --fuse-lm"}, {"--keyword-boost=1", "goes with --keywords"}, {"--keyword-threshold=.5", "goes with --keywords"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        ting_assert_usage(rows[i][1], ARGS("transcribe", rows[i][0], "a.wav"));
    ting_assert_usage("--lodr-weight goes with --lodr", ARGS("transcribe", "--fuse-lm", "a.gguf", "--lodr-weight", "1", "a.wav"));
    ting_assert_usage("--ctc-weight goes with --decoding=rescore, which is not given", ARGS("transcribe", "--ctc-weight", "1", "a.wav"));
    ting_assert_usage("goes with --decoding=rescore", ARGS("transcribe", "--decoding=beam", "--reverse-weight", "1", "a.wav"));
    ting_assert_usage("goes with --decoding=rescore", ARGS("explain", "--reverse-weight", "1", "a.wav"));
    ting_assert_usage("go without --head ctc", ARGS("transcribe", "--head", "ctc", "-k", "words.txt", "a.wav"));
    ting_assert_usage("goes with --hotwords", ARGS("explain", "--hotword-weight", "1", "a.wav"));
    ting_assert_usage("goes with --rescore-lm", ARGS("p2h", "--rescore-lines", "4"));
    ting_assert_usage("--cache-words goes with --cache", ARGS("lm", "ppl", "--cache-words", "9", "a.gguf"));
}

static void every_command_explains_itself(void **state)
{
    (void)state;
    ting_program_run list = ting_run_program(ARGS("--generate", "commands"), NULL);
    assert_int_equal(list.status, 0);
    int count = 0;
    for (char *name = strtok(list.out, "\n"); name != NULL; name = strtok(NULL, "\n"), count++) {
        char words[2][64] = {"", ""};
        assert_in_range(sscanf(name, "%63s %63s", words[0], words[1]), 1, 2);
        const char *help[] = {words[0], words[1][0] ? words[1] : "--help", words[1][0] ? "--help" : NULL, NULL};
        ting_program_run run = ting_run_program(help, NULL);
        char head[128];
        snprintf(head, sizeof head, "tingxie %s: ", name);
        if (run.status != 0 || strncmp(run.out, head, strlen(head)) != 0 || run.err_size != 0)
            fail_msg("%s --help: status %d, \"%.60s\" \"%s\"", name, run.status, run.out, run.err);
        assert_non_null(strstr(run.out, "\nUsage: tingxie "));
        assert_non_null(strstr(run.out, "\nExamples:\n  "));
        ting_program_free(&run);
        const char *man[] = {"--generate", "man", words[0], words[1][0] ? words[1] : NULL, NULL};
        run = ting_run_program(man, NULL);
        assert_int_equal(run.status, 0);
        assert_int_equal(strncmp(run.out, ".TH \"TINGXIE-", 13), 0);
        assert_non_null(strstr(run.out, "\n.SH EXAMPLES\n"));
        ting_program_free(&run);
    }
    assert_true(count >= 1);
    ting_program_free(&list);
}

static void the_version_names_what_is_absent(void **state)
{
    (void)state;
    ting_program_run run = ting_run_program_with(ARGS("--version"), NULL, 0, (const char *[]){"TING_CPU=scalar", NULL});
    assert_int_equal(run.status, 0);
    assert_int_equal(strncmp(run.out, "tingxie ", 8), 0);
    assert_non_null(strstr(run.out, "\nprocessor: scalar, "));
    assert_non_null(strstr(run.out, "\nabsent: "));
    ting_program_free(&run);
}

static void an_unknown_processor_level_is_said(void **state)
{
    (void)state;
    ting_program_run run = ting_run_program_with(ARGS("help"), NULL, 0, (const char *[]){"TING_CPU=avx\n3", NULL});
    assert_int_equal(run.status, 0);
    assert_string_equal(strstr(run.err, "tingxie: TING_CPU is 'avx\\n3', which is no processor level"), run.err);
    assert_non_null(strstr(run.err, "scalar"));
    assert_non_null(strstr(run.out, "steps the processor level down:\nscalar"));
    ting_program_free(&run);
    run = ting_run_program_with(ARGS("help"), NULL, 0, (const char *[]){"TING_CPU=scalar", NULL});
    assert_int_equal(run.err_size, 0);
    ting_program_free(&run);
}

static void no_command_is_a_usage_error_with_the_list(void **state)
{
    (void)state;
    ting_program_run run = ting_run_program((const char *[]){NULL}, NULL);
    assert_int_equal(run.status, 2);
    assert_int_equal(run.out_size, 0);
    assert_non_null(strstr(run.err, "\nCommands:\n"));
    ting_program_free(&run);
}

static void a_full_disk_is_a_failure(void **state)
{
    (void)state;
    char line[600];
    snprintf(line, sizeof line, "%s help >/dev/full 2>/dev/null", ting_program_path());
    int status = system(line);
    assert_true(status != -1);
    assert_int_equal(status >> 8, 1);
}

static void shells_accept_the_completions(void **state)
{
    (void)state;
    char line[600];
    snprintf(line, sizeof line, "%s --generate bash | bash -n", ting_program_path());
    if (system("bash -c : 2>/dev/null") != 0)
        skip_because("there is no bash");
    assert_int_equal(system(line), 0);
    ting_program_run run = ting_run_program(ARGS("--generate", "zsh"), NULL);
    assert_int_equal(strncmp(run.out, "#compdef tingxie\n", 17), 0);
    ting_program_free(&run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_wrong_command_line_is_one_sentence),
        cmocka_unit_test(options_want_what_they_belong_to),
        cmocka_unit_test(every_command_explains_itself),
        cmocka_unit_test(the_version_names_what_is_absent),
        cmocka_unit_test(an_unknown_processor_level_is_said),
        cmocka_unit_test(no_command_is_a_usage_error_with_the_list),
        cmocka_unit_test(a_full_disk_is_a_failure),
        cmocka_unit_test(shells_accept_the_completions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
