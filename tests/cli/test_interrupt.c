/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_interrupt.c - Ctrl-C and SIGTERM while a pipe is quiet, and pipes that never end: every command that reads one stops
 * with status 130, and what was finished is written.
 */
#include "support/support.h"

#include "support/program.h"
#include "support/tiny.h"

#include "base/file.h"
#include "base/mem.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define ARGS(...) ((const char *[]){__VA_ARGS__, NULL})

enum { SAMPLES = 10 * 16000 };

static float sound[SAMPLES];
static short pcm[SAMPLES];
static char *folder, *wav;
static char models[300], temporary[300];

static int make_home(void **state)
{
    (void)state;
    folder = ting_temp_path("interrupt");
    assert_int_equal(mkdir(folder, 0777), 0);
    char *am = ting_path_join(folder, "am.gguf"), *p2h = ting_path_join(folder, "p2h.gguf");
    char *spool = ting_path_join(folder, "tmp");
    wav = ting_path_join(folder, "a.wav");
    assert_int_equal(mkdir(spool, 0777), 0);
    assert_ok(ting_tiny_model_save(am, 1, TING_TINY_AM));
    assert_ok(ting_tiny_model_save(p2h, 1, TING_TINY_P2H));
    ting_tiny_sound(sound, SAMPLES);
    assert_ok(ting_tiny_wav_save(wav, sound, SAMPLES, 16000));
    ting_file file;
    assert_ok(ting_file_map(wav, &file));
    memcpy(pcm, file.data + 44, sizeof pcm);
    ting_file_unmap(&file);
    snprintf(models, sizeof models, "TING_MODELS=%s", folder);
    snprintf(temporary, sizeof temporary, "TMPDIR=%s", spool);
    ting_free(am), ting_free(p2h), ting_free(spool);
    return 0;
}

static ting_program_run interrupt(const char *const *arguments, const void *input, size_t size, int signal_number)
{
    ting_program_run run =
        ting_run_program_interrupted(arguments, input, size, (const char *[]){models, temporary, NULL}, signal_number);
    if (run.status != 130 || strstr(run.err, "nterrupted system call") != NULL)
        fail_msg("%s: status %d, \"%s\"", arguments[0], run.status, run.err);
    return run;
}

static void a_live_pipe_keeps_what_was_heard(void **state)
{
    (void)state;
    ting_program_run whole = ting_run_program_with(ARGS("transcribe", "--raw", "s16le:16000:1", "-"), pcm, sizeof pcm,
                                                   (const char *[]){models, NULL});
    assert_int_equal(whole.status, 0);
    assert_true(whole.out_size > 6);
    const int signals[] = {SIGINT, SIGTERM};
    for (int i = 0; i < 2; i++) {
        ting_program_run run = interrupt(ARGS("transcribe", "--raw", "s16le:16000:1", "-"), pcm, sizeof pcm, signals[i]);
        /* at most the last 1024 samples were not handed on yet: the text is the same but for its very end */
        assert_memory_equal(run.out, whole.out, 6);
        assert_true(run.out[run.out_size - 1] == '\n' && strchr(run.out, '\n') == run.out + run.out_size - 1);
        assert_non_null(strstr(run.err, "interrupted after "));
        ting_program_free(&run);
    }
    ting_program_run run = interrupt(ARGS("transcribe", "-f", "srt", "--raw", "s16le:16000:1", "-"), pcm, sizeof pcm, SIGINT);
    assert_non_null(strstr(run.out, " --> "));
    ting_program_free(&run);
    ting_program_free(&whole);
}

static void before_the_first_byte_nothing_is_written(void **state)
{
    (void)state;
    const char *const *const lines[] = {
        ARGS("transcribe", "-"),   ARGS("transcribe", "--raw", "s16le:16000:1", "-"), ARGS("transcribe", "@-"),
        ARGS("features", "-"), ARGS("pinyin", "-q"), ARGS("p2h")};
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        ting_program_run run = interrupt(lines[i], NULL, 0, SIGTERM);
        assert_int_equal(run.out_size, 0);
        ting_program_free(&run);
    }
}

static void lines_that_were_answered_stay(void **state)
{
    (void)state;
    ting_program_run run = interrupt(ARGS("p2h"), "zhong1 guo2\nni3\n", 16, SIGINT);
    assert_int_equal(run.out_size, 6 + 1 + 3 + 1); /* hanzi of three bytes */
    ting_program_free(&run);
    run = interrupt(ARGS("pinyin", "-q"), "你好\n再", 10, SIGINT);
    assert_string_equal(run.out, "ni3 hao3\n"); /* the second line had no end yet */
    ting_program_free(&run);
    run = interrupt(ARGS("features", "--raw", "s16le:16000:1", "-"), pcm, 32768, SIGTERM);
    assert_true(run.out_size > 1000 && run.out[run.out_size - 1] == '\n');
    ting_program_free(&run);
}

static int entries(const char *path)
{
    int count = 0;
    DIR *names = opendir(path);
    assert_non_null(names);
    while (readdir(names) != NULL)
        count++;
    closedir(names);
    return count;
}

static void an_interrupted_recording_leaves_no_file(void **state)
{
    (void)state;
    char *out = ting_path_join(folder, "out");
    ting_program_run run = interrupt(ARGS("transcribe", "--raw", "s16le:16000:1", "-o", out, "-"), pcm, sizeof pcm, SIGINT);
    assert_int_equal(run.out_size, 0);
    assert_non_null(strstr(run.err, "stopped"));
    ting_program_free(&run);
    char *result = ting_path_join(out, "stdin.txt");
    assert_false(ting_file_exists(result));
    ting_free(result), ting_free(out);
}

static void a_pipe_of_no_known_format_is_given_up_at_once(void **state)
{
    (void)state;
    static const char zeros[8192];
    /* the pipe stays open: a program that copies it would wait and be interrupted */
    ting_program_run run = ting_run_program_interrupted(ARGS("transcribe", "-"), zeros, sizeof zeros,
                                                        (const char *[]){models, temporary, NULL}, SIGTERM);
    assert_int_equal(run.status, 1);
    assert_non_null(strstr(run.err, "standard input: no sound file that this program can read: its first 4096 bytes"));
    ting_program_free(&run);
    run = ting_run_program_with(ARGS("transcribe", "/dev/zero"), NULL, 0, (const char *[]){models, NULL});
    assert_int_equal(run.status, 1);
    ting_program_free(&run);
}

/* A known format is copied, in TMPDIR, and the copy can be stopped. */
static void the_copy_of_a_pipe_can_be_stopped(void **state)
{
    (void)state;
    static unsigned char au[65536] = ".snd\0\0\0\x18\xFF\xFF\xFF\xFF\0\0\0\x03\0\0\x3E\x80\0\0\0\x01";
    ting_program_run run = interrupt(ARGS("transcribe", "-"), au, sizeof au, SIGTERM);
    assert_int_equal(run.out_size, 0);
    ting_program_free(&run);
    assert_int_equal(entries(temporary + strlen("TMPDIR=")), 2); /* . and .. */
    run = ting_run_program_with(ARGS("transcribe", "-"), au, sizeof au, (const char *[]){models, temporary, NULL});
    assert_int_equal(run.status, 0); /* a file as standard input is not copied */
    ting_program_free(&run);
    char line[1200];
    snprintf(line, sizeof line, "%s TMPDIR=/nowhere sh -c \"head -c 100000 '%s' | %s transcribe -\" >/dev/null",
             models, wav, ting_program_path());
    assert_int_equal(system(line), 0); /* WAV needs no copy */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_live_pipe_keeps_what_was_heard),
        cmocka_unit_test(before_the_first_byte_nothing_is_written),
        cmocka_unit_test(lines_that_were_answered_stay),
        cmocka_unit_test(an_interrupted_recording_leaves_no_file),
        cmocka_unit_test(a_pipe_of_no_known_format_is_given_up_at_once),
        cmocka_unit_test(the_copy_of_a_pipe_can_be_stopped),
    };
    return cmocka_run_group_tests(tests, make_home, NULL);
}
