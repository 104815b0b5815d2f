/* SPDX-License-Identifier: Apache-2.0 */
/* test_lm_score.c - tingxie lm score: the shipped language model has its word in lists of lines; weights found; what cannot be. */
#include "support/program.h"
#include "support/support.h"
#include "support/zips.h"

#include "base/file.h"
#include "base/mem.h"

#include <stdio.h>
#include <string.h>

static const char *const lm = "models/tingxie-lm.gguf";
static const char list[] = "u1\t今天天汽很好\t-1.0\nu1\t今天天气很好\t-1.2\nu2\t我门去学校\t-2\nu2\t我们去学校\t-2.5\nu2\t我们去学笑\t-2.4\n";

static void lists_are_ranked_anew(void **state)
{
    (void)state;
    char *path = ting_temp_text("nbest.tsv", list);
    ting_program_run done = ting_run_expecting((const char *const[]){"lm", "score", lm, path, NULL}, "", 0, "");
    assert_memory_equal(done.out, "u1\t今天天气很好\t", strlen("u1\t今天天气很好\t"));
    assert_non_null(strstr(done.out, "\nu2\t我们去学校\t"));
    ting_program_run same = ting_run_expecting((const char *const[]){"lm", "score", lm, NULL}, list, 0, "");
    assert_string_equal(done.out, same.out);
    ting_program_free(&same);
    char *packed = ting_temp_xz("nbest.tsv.xz", list);
    same = ting_run_expecting((const char *const[]){"lm", "score", lm, packed, NULL}, "", 0, "");
    assert_string_equal(done.out, same.out);
    ting_free(packed);
    ting_program_free(&done);
    ting_program_free(&same);
    done = ting_run_expecting((const char *const[]){"lm", "score", "-w", "0", "--weights", "2", lm, path, NULL}, "", 0, "");
    assert_string_equal(done.out, "u1\t今天天汽很好\t-2.0000\nu2\t我门去学校\t-4.0000\n");
    ting_program_free(&done);
    done = ting_run_expecting((const char *const[]){"lm", "score", "-w", "0", "--bonus", "1", "--all", lm, path, NULL}, "", 0, "");
    assert_string_equal(done.out, "u1\t今天天汽很好\t5.0000\nu1\t今天天气很好\t4.8000\nu2\t我门去学校\t3.0000\nu2\t我们去学笑\t2.6000\nu2\t我们去学校\t2.5000\n");
    ting_program_free(&done);
    ting_free(path);
}

static void weights_are_found(void **state)
{
    (void)state;
    char *path = ting_temp_text("tune.tsv", list), *said = ting_temp_text("said.tsv", "u1\t今天天气很好\nu2\t我们去学校\n");
    ting_program_run done = ting_run_expecting((const char *const[]){"lm", "score", "-w", "0", lm, path, "--tune", said, NULL}, "", 0,
                                "18.18 % wrong with the first lines, 18.18 % with the weights given, 0.00 % with --lm-weight ");
    assert_non_null(strstr(done.err, "--weights 1, 0.00 % with the best lines there are"));
    assert_non_null(strstr(done.out, "u2\t我们去学校\t"));
    ting_program_free(&done);
    ting_free(path);
    ting_free(said);
}

/* What tingxie p2h and tingxie transcribe write goes in as it is. */
static void own_lists_go_in(void **state)
{
    (void)state;
    ting_program_run made = ting_run_expecting((const char *const[]){"p2h", "-m", "models/tingxie.gguf", "--nbest", "4", NULL}, "jin1 tian1 tian1 qi4 hen3 hao3\nta1 men5\n", 0, "");
    ting_program_run done = ting_run_expecting((const char *const[]){"lm", "score", lm, NULL}, made.out, 0, "");
    assert_memory_equal(done.out, "1\t今天天气很好\t", strlen("1\t今天天气很好\t"));
    assert_non_null(strstr(done.out, "\n2\t"));
    ting_program_free(&made);
    ting_program_free(&done);
    static const char *const both[] = {"examples/sound/BAC009S0252W0453.flac", "examples/sound/BAC009S0252W0218.flac"};
    made = ting_run_expecting((const char *const[]){"transcribe", "-q", "--nbest", "4", both[0], both[1], NULL}, "", 0, "");
    done = ting_run_expecting((const char *const[]){"lm", "score", lm, NULL}, made.out, 0, "");
    assert_memory_equal(done.out, both[0], strlen(both[0]));
    assert_non_null(strstr(done.out, both[1]));
    ting_program_free(&made);
    ting_program_free(&done);
    static const char sentences[] = "a\t1\t-1\t今天\na\t2\t-1\t金天\na\t1\t-1\t天气\n";
    done = ting_run_expecting((const char *const[]){"lm", "score", lm, NULL}, sentences, 0, "");
    assert_memory_equal(done.out, "a\t今天\t", strlen("a\t今天\t"));
    assert_non_null(strstr(done.out, "\na\t天气\t"));
    ting_program_free(&done);
    char *said = ting_temp_text("several.tsv", "a\t今天天气\n");
    done = ting_run_expecting((const char *const[]){"lm", "score", lm, "--tune", said, NULL}, sentences, 1, "\"a\" is a list for each of several sentences");
    ting_program_free(&done);
    ting_free(said);
}

static void what_cannot_be_is_said(void **state)
{
    (void)state;
    char *said = ting_temp_text("others.tsv", "z\t今天\n");
    ting_program_run done = ting_run_expecting((const char *const[]){"lm", "score", lm, "--weights", "1,x", NULL}, list, 2, "--weights 1,x");
    ting_program_free(&done);
    done = ting_run_expecting((const char *const[]){"lm", "score", lm, NULL}, "u1\n", 1, "standard input:1: expected an utterance");
    ting_program_free(&done);
    done = ting_run_expecting((const char *const[]){"lm", "score", lm, "--tune", said, NULL}, list, 1, "none of the utterances");
    assert_string_equal(done.out, "");
    ting_program_free(&done);
    done = ting_run_expecting((const char *const[]){"lm", "score", "models/tingxie.gguf", NULL}, list, 1, "\"lm\"");
    ting_program_free(&done);
    done = ting_run_expecting((const char *const[]){"lm", "score", lm, "--weights", "1,2", NULL}, list, 2,
                              "standard input: its lines have 1 scores, for which 2 weights are given");
    ting_program_free(&done);
    char *silent = ting_temp_text("silent.tsv", "u1\t。\nu2\t\n");
    done = ting_run_expecting((const char *const[]){"lm", "score", lm, "--tune", silent, NULL}, list, 1, "silent.tsv: the utterances of standard input have no text in it");
    ting_program_free(&done);
    ting_free(silent);
    ting_free(said);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_are_ranked_anew),
        cmocka_unit_test(weights_are_found),
        cmocka_unit_test(own_lists_go_in),
        cmocka_unit_test(what_cannot_be_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
