/* SPDX-License-Identifier: Apache-2.0 */
/* test_features.c - tingxie features: numbers in every format, pictures, standard input, and what is refused. */
#include "support/support.h"

#include "support/program.h"
#include "support/tiny.h"

#include "base/file.h"
#include "base/mem.h"
#include "feat/feature.h"

#include <jansson.h>
#include <math.h>
#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ARGS(...) ((const char *[]){__VA_ARGS__, NULL})
enum { COUNT = 8000, FRAMES = 50 }; /* half a second: (8000 + 80) / 160 frames */

static short sound[COUNT];
static float *want; /* [FRAMES, 80] */

static int make_sound(void **state)
{
    ting_feature_config config;
    float samples[COUNT];
    size_t frames = 0;
    (void)state;
    for (int i = 0; i < COUNT; i++) {
        sound[i] = (short)(8000 * sin(i * (0.05 + i * 1e-5)));
        samples[i] = (float)sound[i] / 32768;
    }
    if (ting_feature_preset("icefall", &config) != TING_OK ||
        ting_feature_compute(&config, NULL, samples, COUNT, &want, &frames) != TING_OK ||
        frames != FRAMES)
        return -1;
    return 0;
}

static int free_sound(void **state)
{
    (void)state;
    ting_free(want);
    return 0;
}

static ting_program_run run_features(const char *const *arguments)
{
    return ting_run_program_with(arguments, sound, sizeof sound, NULL);
}

static void lines_read_back_exactly(void **state)
{
    (void)state;
    ting_program_run run = run_features(ARGS("features", "--raw", "s16le:16000:1", "-"));
    assert_int_equal(run.status, 0);
    const char *at = run.out;
    for (int t = 0; t < FRAMES; t++)
        for (int b = 0; b < 80; b++) {
            char *end = NULL;
            float got = strtof(at, &end);
            assert_memory_equal(&got, &want[t * 80 + b], sizeof got);
            assert_int_equal(*end, b == 79 ? '\n' : '\t');
            at = end + 1;
        }
    assert_int_equal(*at, '\0');
    ting_program_free(&run);
}

static void json_carries_the_settings(void **state)
{
    (void)state;
    ting_program_run run = run_features(
        ARGS("features", "-f", "json", "-s", "icefall bins=40", "--raw", "s16le:16000:1", "-"));
    assert_int_equal(run.status, 0);
    json_t *root = json_loads(run.out, 0, NULL);
    assert_non_null(root);
    ting_feature_config config, stored;
    assert_ok(ting_feature_parse("icefall bins=40", &config));
    assert_ok(ting_feature_parse(json_string_value(json_object_get(root, "settings")), &stored));
    assert_ok(ting_feature_agree(&config, "a", &stored, "b"));
    assert_float_equal(json_number_value(json_object_get(root, "seconds_per_frame")), 0.01, 1e-9);
    assert_int_equal(json_integer_value(json_object_get(root, "dim")), 40);
    const json_t *frames = json_object_get(root, "frames");
    assert_int_equal(json_array_size(frames), FRAMES);
    assert_int_equal(json_array_size(json_array_get(frames, FRAMES - 1)), 40);
    json_decref(root);
    ting_program_free(&run);
}

static void npy_is_what_numpy_reads(void **state)
{
    (void)state;
    char *path = ting_temp_path("a.npy");
    ting_program_run run =
        run_features(ARGS("features", "--raw", "s16le:16000:1", "-", "-o", path));
    ting_file file = {0};
    assert_int_equal(run.status, 0);
    assert_int_equal(run.out_size, 0);
    assert_ok(ting_file_map(path, &file));
    assert_int_equal(file.size, 128 + FRAMES * 80 * 4);
    assert_memory_equal(
        file.data,
        "\x93NUMPY\x01\x00\x76\x00{'descr': '<f4', 'fortran_order': False, 'shape': (50, 80), }",
        71);
    assert_int_equal(file.data[127], '\n');
    assert_memory_equal(file.data + 128, want, FRAMES * 80 * 4);
    ting_file_unmap(&file);
    ting_program_free(&run);
    ting_free(path);
}

static void a_model_brings_its_settings(void **state)
{
    (void)state;
    char *model = ting_temp_path("tiny.gguf");
    assert_ok(ting_tiny_model_save(model, 1, TING_TINY_AM));
    ting_program_run run =
        run_features(ARGS("features", "-f", "json", "-m", model, "--raw", "s16le:16000:1", "-"));
    assert_int_equal(run.status, 0);
    assert_non_null(strstr(run.out, "\"dim\": 40,"));
    ting_program_free(&run);
    run = run_features(ARGS("features", "-m", model, "-s", "wenet", "--raw", "s16le:16000:1", "-"));
    assert_int_equal(run.status, 2);
    assert_non_null(strstr(run.err, "settings were given twice"));
    ting_program_free(&run);
    assert_ok(ting_tiny_model_save(model, 1, TING_TINY_P2H));
    run = run_features(ARGS("features", "-m", model, "--raw", "s16le:16000:1", "-"));
    assert_int_equal(run.status, 1);
    assert_non_null(strstr(run.err, "tingxie.am.features"));
    ting_program_free(&run);
    ting_free(model);
}

static void pictures_show_the_sound(void **state)
{
    (void)state;
    ting_program_run run =
        run_features(ARGS("features", "-f", "png", "--raw", "s16le:16000:1", "-"));
    assert_int_equal(run.status, 0);
    png_image image = {.version = PNG_IMAGE_VERSION};
    assert_true(png_image_begin_read_from_memory(&image, run.out, run.out_size));
    image.format = PNG_FORMAT_RGB;
    unsigned char *pixels = ting_alloc(PNG_IMAGE_SIZE(image), 1);
    assert_true(png_image_finish_read(&image, NULL, pixels, 0, NULL));
    /* The sweep stands at 0.05 + 2e-5 i radians a sample: 140 Hz at the left, 535 Hz at the right, so bins 3 and 17 of 80 are
     * the brightest there; the cells are 480 x 400 pixels from (64, 48) on. Brightness is the sum of the colours. */
    for (int side = 0; side < 2; side++) {
        int x = 64 + (side == 0 ? 20 : 460), brightest = 0, row = 0;
        for (int y = 48; y < 448; y++) {
            const unsigned char *p = pixels + 3 * ((unsigned)y * image.width + (unsigned)x);
            if (p[0] + p[1] + p[2] > brightest) {
                brightest = p[0] + p[1] + p[2];
                row = y;
            }
        }
        int bin = (448 - row) / 5;
        assert_in_range(bin, side == 0 ? 1 : 14, side == 0 ? 6 : 21);
        assert_true(brightest > 450); /* the upper fifth of the colour scale */
    }
    ting_free(pixels);
    ting_program_free(&run);
    run = run_features(ARGS("features", "-f", "svg", "--raw", "s16le:16000:1", "-"));
    assert_int_equal(run.status, 0);
    assert_int_equal(strncmp(run.out, "<svg xmlns=", 11), 0);
    assert_non_null(strstr(run.out, "<title>standard input</title>"));
    assert_non_null(strstr(run.out, "href=\"data:image/png;base64,iVBORw0KGgo"));
    assert_null(strstr(run.out, "href=\"http"));
    assert_string_equal(run.out + run.out_size - 7, "</svg>\n");
    ting_program_free(&run);
}

static void what_is_wrong_is_said(void **state)
{
    (void)state;
    static const struct {
        const char *const arguments[8];
        const char *part;
    } cases[] = {
        {{"features", "/nonexistent.wav", NULL}, "/nonexistent.wav: cannot be opened"},
        {{"features", "/", NULL}, "is a folder"},
        {{"features", "--raw", "s16le:16000:1", "--channel", "2", "-", NULL},
         "channel 2 was asked for, but it has 1"},
        {{"features", "--cmvn", "/nonexistent", "--raw", "s16le:16000:1", "-", NULL},
         "/nonexistent: cannot be opened"},
        {{"features", "-", NULL}, "standard input: "},
        {{"features", "--raw", "s16le:16000:1", "-", "-o", "/nonexistent/a.png", NULL},
         "/nonexistent/a.png"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ting_program_run run = run_features(cases[i].arguments);
        if (run.status != 1 || run.out_size != 0 || strstr(run.err, cases[i].part) == NULL ||
            strchr(run.err, '\n') != run.err + run.err_size - 1)
            fail_msg("case %zu: status %d, \"%s\", wanted \"%s\"", i, run.status, run.err,
                     cases[i].part);
        ting_program_free(&run);
    }
    ting_assert_usage("its ending names no format", ARGS("features", "-o", "a.xyz", "a.wav"));
    ting_assert_usage("something is missing", ARGS("features"));
    ting_assert_usage("expected FORMAT:RATE:CHANNELS", ARGS("features", "--raw=foo", "-"));
    ting_assert_usage("expected icefall, wenet or tutorial", ARGS("features", "-s", "mfcc", "-"));
    ting_assert_usage("bins", ARGS("features", "-s", "icefall bins=many", "-"));
    char *statistics = ting_temp_text("statistics.txt", "[ 1 2\n 3 4 ]\n");
    ting_assert_usage("is both input and output", ARGS("features", "-s", "icefall", "--cmvn", statistics, "-o", statistics, "-"));
    ting_free(statistics);
    ting_assert_usage("needs a file of statistics", ARGS("features", "-s", "icefall cmvn=global", "-"));
    ting_assert_usage("--channel 0 is out of range: 1 to 1024", ARGS("features", "--channel=0", "-"));
    char *own = ting_temp_path("own.wav");
    float few[400] = {0.5f};
    assert_ok(ting_tiny_wav_save(own, few, 400, 16000));
    ting_assert_usage("own.wav is both input and output", ARGS("features", own, "-f", "tsv", "-o", own));
    ting_free(own);
    char *full =
        ting_temp_path("full.png"); /* a link, so that a mistake would not replace the device */
    assert_int_equal(symlink("/dev/full", full), 0);
    ting_program_run run =
        run_features(ARGS("features", "--raw", "s16le:16000:1", "-", "-o", full));
    assert_int_equal(run.status, 1);
    assert_non_null(strstr(run.err, "No space left"));
    ting_program_free(&run);
    ting_free(full);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_read_back_exactly), cmocka_unit_test(json_carries_the_settings),
        cmocka_unit_test(npy_is_what_numpy_reads), cmocka_unit_test(a_model_brings_its_settings),
        cmocka_unit_test(pictures_show_the_sound), cmocka_unit_test(what_is_wrong_is_said),
    };
    return cmocka_run_group_tests(tests, make_sound, free_sound);
}
