/* SPDX-License-Identifier: Apache-2.0 */
/* test_data_augment.c - tingxie data augment: sound by a recipe, alone and as a group of a larger one. */
#include "support/support.h"

#include "base/file.h"
#include "base/mem.h"
#include "data/sound.h"
#include "support/program.h"
#include "support/tiny.h"

#include <string.h>

#define AUGMENT(...) ((const char *[]){"data", "augment", __VA_ARGS__, NULL})

static void run(const char *const *arguments, int status, const char *said)
{
    ting_program_run r = ting_run_program(arguments, NULL);
    assert_int_equal(r.status, status);
    assert_string_equal(r.out, "");
    assert_non_null(strstr(r.err, said));
    ting_program_free(&r);
}

static void one_sound_by_a_recipe(void **state)
{
    (void)state;
    static float samples[16000];
    ting_tiny_sound(samples, 16000);
    char *wav = ting_temp_path("talk.wav"), *out = ting_temp_path("heard.wav"), *other = ting_temp_path("other.wav");
    char *alone = ting_temp_path("alone.yaml"), *group = ting_temp_path("group.yaml"), *bad = ting_temp_path("bad.yaml");
    static const char keys[] = "speed: 0.8\nnoise: [{share: 1, snr: 10}]\n", within[] = "augment: {speed: 1.25}\ntrain: {steps: 5}\n",
                      wrong[] = "spede: 0.8\n";
    assert_ok(ting_tiny_wav_save(wav, samples, 16000, 16000));
    assert_ok(ting_file_save(alone, keys, sizeof keys - 1));
    assert_ok(ting_file_save(group, within, sizeof within - 1));
    assert_ok(ting_file_save(bad, wrong, sizeof wrong - 1));
    ting_sound first = {0}, second = {0};
    run(AUGMENT("-r", alone, "-o", out, wav), 0, "");
    assert_ok(ting_sound_load(out, 0, &first));
    assert_int_equal(first.count, 20000);
    run(AUGMENT("-r", alone, "-o", out, "--seed", "1", wav), 0, ""); /* 1 is the seed without one */
    assert_ok(ting_sound_load(out, 0, &second));
    assert_memory_equal(first.samples, second.samples, 20000 * sizeof(float));
    run(AUGMENT("-r", alone, "-o", other, "--seed", "2", wav), 0, "");
    assert_ok(ting_sound_load(other, 0, &second));
    assert_memory_not_equal(first.samples, second.samples, 20000 * sizeof(float));
    run(AUGMENT("-r", group, "-o", out, wav), 0, "");
    assert_ok(ting_sound_load(out, 0, &first));
    assert_int_equal(first.count, 12800);
    run(AUGMENT("-r", bad, "-o", out, wav), 1, "bad.yaml:1: the key \"spede\" is not known here");
    run(AUGMENT("-r", alone, "-o", wav, wav), 2, "talk.wav");
    ting_assert_usage("name the recipe", AUGMENT("-o", out, wav));
    ting_assert_usage("name the recipe", AUGMENT("-r", alone, wav));
    ting_sound_free(&first);
    ting_sound_free(&second);
    char *const paths[] = {wav, out, other, alone, group, bad};
    for (int i = 0; i < 6; i++)
        ting_free(paths[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(one_sound_by_a_recipe)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
