/* SPDX-License-Identifier: Apache-2.0 */
/* test_data_cmvn.c - tingxie data cmvn: what it writes is what the features of the sounds have, and normalises them. */
#include "support/support.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "data/sound.h"
#include "feat/cmvn.h"
#include "support/program.h"
#include "support/tiny.h"

#include <math.h>
#include <string.h>

#define CMVN(...) ((const char *[]){"data", "cmvn", __VA_ARGS__, NULL})

enum { SECOND = 16000, CLIPS = 70, DIM = 80 }; /* more than a block */

static char *home, *list, *out, *other;

static void run(const char *const *arguments, int status, const char *said, const char *remarked)
{
    ting_program_run r = ting_run_program(arguments, NULL);
    if (r.status != status || strstr(r.out, said) == NULL || strstr(r.err, remarked) == NULL)
        fail_msg("status %d: \"%s\", \"%s\"", r.status, r.out, r.err);
    ting_program_free(&r);
}

/* Clips of different lengths, a piece of the first one, and what cannot be read. */
static int make_files(void **state)
{
    static float samples[2 * SECOND];
    ting_str text = {0};
    (void)state;
    home = ting_temp_path("cmvn");
    list = ting_path_join(home, "list.tsv");
    out = ting_path_join(home, "global_cmvn");
    other = ting_path_join(home, "other");
    assert_ok(ting_folder_make(home));
    ting_str_add(&text, "path\tstart\tseconds\tsplit\n");
    for (int i = 0; i < CLIPS; i++) {
        char name[32];
        snprintf(name, sizeof name, "%d.wav", i);
        char *path = ting_path_join(home, name);
        ting_tiny_sound(samples, 2 * SECOND);
        for (int k = 0; k < 2 * SECOND; k++)
            samples[k] *= (float)(i + 1) / CLIPS;
        assert_ok(ting_tiny_wav_save(path, samples, (size_t)(SECOND + 100 * i), SECOND));
        ting_str_addf(&text, "%s\t\t\ttrain\n", name);
        ting_free(path);
    }
    ting_str_add(&text, "0.wav\t0.25\t0.5\ttrain\nlost.wav\t\t\ttrain\n1.wav\t\t\tdev\n");
    assert_ok(ting_file_save(list, text.text, text.length));
    ting_str_free(&text);
    return 0;
}

static int free_files(void **state)
{
    (void)state;
    char *const all[] = {home, list, out, other};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        ting_free(all[i]);
    return 0;
}

/* The normalised frames of all clips have mean 0 and variance 1 in each column. */
static void features_become_even(void **state)
{
    (void)state;
    double sum[DIM] = {0}, square[DIM] = {0}, count = 0;
    ting_feature_config features;
    ting_cmvn cmvn;
    ting_sound sound = {0};
    run(CMVN("-s", "wenet cmvn=global", "--only", "split=train", "-o", out, list), 0,
        "/global_cmvn\t71 clips\t0.02 hours\t", "left out lost.wav: ");
    assert_ok(ting_cmvn_load(out, &cmvn));
    assert_ok(ting_feature_parse("wenet cmvn=global", &features));
    for (int i = 0; i <= CLIPS; i++) {
        char name[32];
        float *frames;
        size_t found;
        snprintf(name, sizeof name, "%d.wav", i % CLIPS);
        char *path = ting_path_join(home, name);
        assert_ok(ting_sound_load_piece(path, i < CLIPS ? -1 : 0.25, 0.5, 0, &sound));
        assert_ok(ting_feature_compute(&features, &cmvn, sound.samples, sound.count, &frames, &found));
        for (size_t k = 0; k < found * DIM; k++) {
            sum[k % DIM] += (double)frames[k];
            square[k % DIM] += (double)frames[k] * (double)frames[k];
        }
        count += (double)found;
        ting_free(path);
        ting_free(frames);
    }
    for (int i = 0; i < DIM; i++) { /* values of up to 20 as floats: 1e-6 each */
        assert_true(fabs(sum[i] / count) < 1e-5);
        assert_true(fabs(square[i] / count - 1) < 1e-5);
    }
    ting_sound_free(&sound);
    ting_cmvn_free(&cmvn);
}

static void threads_change_nothing(void **state)
{
    (void)state;
    ting_file a, b;
    run(CMVN("-t", "1", "-o", out, list), 0, "72 clips", "");
    run(CMVN("-t", "3", "-o", other, list), 0, "72 clips", "");
    assert_ok(ting_file_map(out, &a));
    assert_ok(ting_file_map(other, &b));
    assert_int_equal(a.size, b.size);
    assert_memory_equal(a.data, b.data, a.size);
    ting_file_unmap(&a);
    ting_file_unmap(&b);
}

static void what_cannot_be_is_refused(void **state)
{
    (void)state;
    assert_ok(ting_file_save(other, "lost.wav\n", 9));
    run(CMVN("-s", "tutorial", "-o", out, list), 2, "", "each recording's own mean: add cmvn=global");
    run(CMVN("-s", "tutorial cmvn=global", "-o", out, list), 0, "72 clips", "");
    run(CMVN("-o", list, list), 2, "", "list.tsv");
    run(CMVN("-o", out, other), 2, "", "none of its 1 clips can be used");
    run(CMVN("-s", "wenet binz=3", "-o", out, list), 1, "", "binz");
    ting_assert_usage("name the file to write", CMVN(list));
}

static void a_training_takes_it(void **state)
{
    (void)state;
    char *toy = ting_path_join(home, "toy"), *train = ting_path_join(toy, "train.tsv"), *model = ting_path_join(home, "m.gguf"),
         *recipe = ting_path_join(home, "recipe.yaml"), *folder = ting_path_join(home, "run");
    ting_str text = {0};
    ting_str_addf(&text,
                  "features: wenet cmvn=global\ncmvn: %s\n"
                  "model: {encoder: conformer, dim: 16, heads: 2, layers: 1, feedforward: 32, kernel: 5, ctc: true}\n"
                  "data: {train: [{manifest: train.tsv}], seconds: 8}\nloss: {ctc: 1, transducer: 0, simple: 0}\n"
                  "train: {optimizer: adamw, rate: 0.001, steps: 2}\n",
                  out);
    assert_ok(ting_file_save(recipe, text.text, text.length));
    run((const char *[]){"data", "toy", "-o", toy, "-n", "20", NULL}, 0, "", "");
    run(CMVN("-s", "wenet", "-o", out, train), 0, "18 clips", "");
    run((const char *[]){"train", "am", recipe, "-d", toy, "-o", folder, NULL}, 0, "", "");
    run((const char *[]){"train", "am", recipe, "-d", toy, "-o", folder, "--export", model, NULL}, 0, "", "");
    run((const char *[]){"inspect", model, NULL}, 0, "features.mean", "");
    ting_str_free(&text);
    char *const all[] = {toy, train, model, recipe, folder};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        ting_free(all[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(features_become_even),
        cmocka_unit_test(threads_change_nothing),
        cmocka_unit_test(what_cannot_be_is_refused),
        cmocka_unit_test(a_training_takes_it),
    };
    return cmocka_run_group_tests(tests, make_files, free_files);
}
