/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_data_tools.c - ting_check_data and ting_prepare_corpus from a program: without memory, stopped, on several
 * threads. What they find is tested with the program (tests/cli/test_data.c).
 */
#include "support/support.h"

#include "base/file.h"
#include "base/mem.h"
#include "support/failing.h"
#include "support/tiny.h"
#include "tingxie_train.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

enum { RATE = 16000, CLIPS = 600 }; /* more than two blocks */

static char *folder, *table, *good, *output;

static void write_text(const char *name, const char *text)
{
    char *path = ting_path_join(folder, name);
    assert_ok(ting_folder_make_above(path));
    assert_ok(ting_file_save(path, text, strlen(text)));
    ting_free(path);
}

static void write_sound(const char *name, size_t samples)
{
    static float sound[RATE];
    char *path = ting_path_join(folder, name);
    ting_tiny_sound(sound, RATE);
    assert_ok(ting_folder_make_above(path));
    assert_ok(ting_tiny_wav_save(path, sound, samples, RATE));
    ting_free(path);
}

static int make_files(void **state)
{
    (void)state;
    folder = ting_temp_path("tools");
    output = ting_temp_path("tools/out");
    table = ting_path_join(folder, "m.tsv");
    good = ting_path_join(folder, "good.tsv");
    assert_ok(ting_folder_make(folder));
    write_sound("a.wav", RATE);
    write_sound("b.wav", RATE / 2);
    write_text("m.tsv", "path\tpinyin\tspeaker\na.wav\tni3 hao3\tS1\nlost.wav\t\tS2\nb.wav\tlv4\tS1\n");
    write_text("thchs30/data/A11_0.wav.trn", "绿 是\nlv4 shi4\n");
    write_sound("thchs30/train/A11_0.wav", RATE / 2);
    write_text("thchs30/dev/README", "");
    write_text("thchs30/test/README", "");
    write_text("aishell1/transcript/aishell_transcript_v0.8.txt", "BAC009S0002W0122 而 对\n");
    write_sound("aishell1/wav/train/S0002/BAC009S0002W0122.wav", RATE / 2);
    write_text("aishell1/wav/S0002.tar.gz", "");
    write_text("aishell3/train/content.txt", "SSB00050001.wav\t广 guang3 点儿 dianr3\n");
    write_sound("aishell3/train/wav/SSB0005/SSB00050001.wav", RATE / 2);
    write_text("aishell3/test/content.txt", "SSB00050001.wav\t广 guang3\n");
    write_text("commonvoice-zh/validated.tsv", "client_id\tpath\tsentence\nc1\ta.mp3\t好。\nc2\tb.mp3\t好。\n");
    write_text("commonvoice-zh/dev.tsv", "client_id\tpath\tsentence\nc2\tb.mp3\t好。\n");
    write_text("commonvoice-zh/test.tsv", "client_id\tpath\tsentence\nc3\tc.mp3\t好。\n");
    write_sound("commonvoice-zh/clips/a.mp3", RATE / 2);
    return 0;
}

static int free_files(void **state)
{
    (void)state;
    ting_free(good);
    ting_free(table);
    ting_free(output);
    ting_free(folder);
    return 0;
}

static ting_err check_again(void *path)
{
    ting_data_summary summary;
    return ting_check_data(&(ting_data_options){.manifest = path, .decode = 1, .threads = 1, .output = good}, &summary);
}

/* The folder is called like the corpus. */
static ting_err prepare_again(void *path)
{
    ting_corpus_counts counts;
    const char *corpus = strrchr(path, '/') + 1;
    return ting_prepare_corpus(&(ting_corpus_options){.corpus = corpus,
                                                      .folder = path,
                                                      .output = output,
                                                      .validated = strcmp(corpus, "commonvoice-zh") == 0,
                                                      .threads = 1},
                               &counts);
}

static void without_memory_they_say_so(void **state)
{
    (void)state;
    static const char *const corpora[] = {"aishell1", "aishell3", "commonvoice-zh", "thchs30"};
    assert_true(ting_fail_each_allocation(check_again, table) > 20);
    for (size_t i = 0; i < sizeof corpora / sizeof corpora[0]; i++) {
        char *path = ting_path_join(folder, corpora[i]);
        assert_true(ting_fail_each_allocation(prepare_again, path) > 20);
        ting_free(path);
    }
}

static void a_summary_counts(void **state)
{
    (void)state;
    ting_data_summary s;
    assert_ok(ting_check_data(&(ting_data_options){.manifest = table, .threads = 3}, &s));
    assert_int_equal(s.clips, 3);
    assert_int_equal(s.good, 2);
    assert_int_equal(s.speakers, 2);
    assert_int_equal(s.labelled, 2);
    assert_int_equal(s.syllables, 3);
    assert_int_equal(s.different_syllables, 3);
    assert_int_equal(s.problems[TING_PROBLEM_MISSING], 1);
    assert_int_equal(s.lengths[0], 2);
    assert_int_equal(s.rates[0], RATE);
    assert_int_equal(s.rate_clips[0], 2);
    assert_true(s.seconds == 1.5 && s.shortest == 0.5 && s.longest == 1.0);
    for (int p = 0; p < TING_PROBLEMS; p++)
        assert_true(ting_problem_name((ting_problem)p)[0] != '\0');
}

typedef struct session {
    atomic_int questions, limit; /* asked by any thread */
    size_t done;
} session;

static int stop(void *self)
{
    session *s = self;
    return atomic_fetch_add(&s->questions, 1) >= s->limit;
}

static void note(void *self, size_t done, size_t clips)
{
    session *s = self;
    assert_true(done > s->done && done <= clips && clips == CLIPS);
    s->done = done;
}

static void a_stop_is_obeyed_and_progress_told(void **state)
{
    (void)state;
    char *many = ting_path_join(folder, "many.tsv");
    FILE *file = fopen(many, "w");
    for (int i = 0; i < CLIPS; i++)
        fprintf(file, "%s\n", i % 3 == 0 ? "a.wav" : "b.wav");
    assert_int_equal(fclose(file), 0);
    session s = {.limit = 1000000};
    ting_data_summary summary;
    ting_data_options options = {
        .manifest = many, .threads = 4, .output = good, .decode = 1, .progress = note, .stop = stop, .self = &s};
    assert_ok(ting_check_data(&options, &summary));
    assert_int_equal(s.done, CLIPS);
    assert_int_equal(summary.clips, CLIPS);
    assert_int_equal(summary.problems[TING_PROBLEM_DUPLICATE], CLIPS - 2);
    assert_int_equal(remove(good), 0);
    int asked = s.questions;
    s = (session){.limit = asked / 2};
    assert_fails(TING_ERR_CANCELLED, "cancelled", ting_check_data(&options, &summary));
    assert_true(s.done < CLIPS);
    assert_false(ting_file_exists(good));
    ting_free(many);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_memory_they_say_so),
        cmocka_unit_test(a_summary_counts),
        cmocka_unit_test(a_stop_is_obeyed_and_progress_told),
    };
    return cmocka_run_group_tests(tests, make_files, free_files);
}
