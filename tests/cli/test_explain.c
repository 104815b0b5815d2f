/* SPDX-License-Identifier: Apache-2.0 */
/* test_explain.c - tingxie explain: a page of real speech, to a file and to standard output, and what is refused. */
#include "support/support.h"

#include "support/program.h"

#include "base/file.h"
#include "base/mem.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define ARGS(...) ((const char *[]){__VA_ARGS__, NULL})
#define SOUND "examples/sound/BAC009S0252W0453.flac"

static ting_program_run run(const char *const *arguments)
{
    return ting_run_program_with(arguments, "", 0, ARGS("TING_MODELS=", "XDG_DATA_HOME=/nowhere"));
}

static void a_page_is_written(void **state)
{
    (void)state;
    ting_file page;
    char *path = ting_temp_path("page.html");
    ting_program_run file = run(ARGS("explain", "-o", path, SOUND));
    ting_program_run pipe = run(ARGS("explain", SOUND));
    assert_int_equal(file.status, 0);
    assert_string_equal(file.out, "");
    assert_string_equal(file.err, "");
    assert_int_equal(pipe.status, 0);
    assert_ok(ting_file_map(path, &page));
    assert_int_equal(page.size, strlen(pipe.out));
    assert_memory_equal(page.data, pipe.out, page.size); /* the same each time */
    ting_file_unmap(&page);
    static const char *const parts[] = {
        "<title>BAC009S0252W0453.flac: how it became text</title>", "<h3>Syllables that competed</h3>", ">gong1 <u>1.00</u></span>",
        "<h3>Why these characters</h3>",                              "Score of the line",               "language model &minus;",
        "What the pinyin-to-hanzi network looked at",                 "<h3>Other lines</h3>",            "<h2>Where the encoder looked</h2>",
        "probabilities of the transducer",                            "data:audio/wav;base64,"};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (strstr(pipe.out, parts[i]) == NULL)
            fail_msg("the page lacks \"%s\"", parts[i]);
    ting_program_free(&file);
    ting_program_free(&pipe);
    ting_free(path);
}

/* Without a language model each line is ranked by itself; a part says that it is one. */
static void options_show_in_the_page(void **state)
{
    (void)state;
    ting_program_run plain = run(ARGS("explain", "--lm-weight", "0", "--no-sound", SOUND));
    ting_program_run part = run(ARGS("explain", "--begin", "1", "--end", "2.5", SOUND));
    assert_int_equal(plain.status, 0);
    assert_null(strstr(plain.out, "Syllables that competed"));
    assert_null(strstr(plain.out, "<td>language model</td>"));
    assert_non_null(strstr(plain.out, "<td>pinyin to hanzi</td>"));
    assert_null(strstr(plain.out, "audio/wav"));
    assert_int_equal(part.status, 0);
    assert_non_null(strstr(part.out, "<strong>1.00 to 2.50</strong>"));
    assert_non_null(strstr(part.out, "This page shows a part of the recording, 1.00 to 2.50 s"));
    ting_program_free(&plain);
    ting_program_free(&part);
}

static void refuse(int status, const char *said, const char *const *arguments)
{
    ting_program_run refused = run(arguments);
    if (refused.status != status || strstr(refused.err, said) == NULL)
        fail_msg("status %d, expected %d; standard error lacks \"%s\": \"%s\"", refused.status, status, said, refused.err);
    assert_string_equal(refused.out, "");
    ting_program_free(&refused);
}

static void a_failure_leaves_the_old_page(void **state)
{
    (void)state;
    ting_file page;
    char *path = ting_temp_path("old.html");
    assert_ok(ting_file_save(path, "old", 3));
    refuse(1, "/nowhere/a.wav", ARGS("explain", "-o", path, "/nowhere/a.wav"));
    refuse(2, "nothing to explain from 4.00 s on: the sound has 3.36 s", ARGS("explain", "-o", path, "--begin", "4", SOUND));
    refuse(2, "at most 30 s behind the beginning", ARGS("explain", "-o", path, "--begin", "1", "--end", "32", SOUND));
    refuse(1, "/nowhere/page.html", ARGS("explain", "-o", "/nowhere/page.html", SOUND));
    refuse(1, "hot.txt", ARGS("explain", "-o", path, "--hotwords", "/nowhere/hot.txt", SOUND));
    refuse(1, "fused.gguf", ARGS("explain", "-o", path, "--fuse-lm", "/nowhere/fused.gguf", SOUND));
    refuse(1, "other ones than the acoustic model's tokens", ARGS("explain", "-o", path, "--fuse-lm", "models/tingxie-lm.gguf", SOUND));
    refuse(2, SOUND, ARGS("explain", "-o", SOUND, SOUND)); /* the sound itself */
    static const char *const read[] = {"--hotwords", "--lm", "--rescore-lm", "-m"};
    for (size_t i = 0; i < sizeof read / sizeof *read; i++) /* or a file that an option names */
        refuse(2, "old.html is both input and output", ARGS("explain", "-o", path, read[i], path, SOUND));
    assert_ok(ting_file_map(path, &page));
    assert_int_equal(page.size, 3);
    ting_file_unmap(&page);
    ting_free(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_page_is_written),
        cmocka_unit_test(options_show_in_the_page),
        cmocka_unit_test(a_failure_leaves_the_old_page),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
