/* SPDX-License-Identifier: Apache-2.0 */
/* test_model_files.c - tingxie inspect, convert and diff on the command line: output, exit status, one sentence a failure. */
#include "support/program.h"
#include "support/support.h"
#include "support/tiny.h"

#include "base/file.h"
#include "base/mem.h"

#include <string.h>

#define ARGS(...) ((const char *[]){__VA_ARGS__, NULL})

/* Runs; expects the status, `out` within standard output and `err` within standard error (NULL: empty). */
static void expect(int status, const char *out, const char *err, const char *const *arguments)
{
    ting_program_run run = ting_run_program(arguments, NULL);
    if (run.status != status)
        fail_msg("status %d, expected %d: %s", run.status, status, run.err);
    if (out == NULL ? run.out_size != 0 : strstr(run.out, out) == NULL)
        fail_msg("standard output is \"%s\", expected \"%s\"", run.out, out == NULL ? "" : out);
    if (err == NULL ? run.err_size != 0 : strstr(run.err, err) == NULL)
        fail_msg("standard error is \"%s\", expected \"%s\"", run.err, err == NULL ? "" : err);
    ting_program_free(&run);
}

static void a_model_goes_through_all_three(void **state)
{
    (void)state;
    char *model = ting_temp_path("model.gguf"), *copy = ting_temp_path("copy.gguf"), *small = ting_temp_path("int8.gguf");
    assert_ok(ting_tiny_model_save(model, 1, TING_TINY_BOTH));
    expect(0, "network am: zipformer2-transducer", NULL, ARGS("inspect", model));
    expect(0, "\"format\": \"GGUF\"", NULL, ARGS("inspect", "--json", model));
    expect(0, NULL, NULL, ARGS("convert", model, "-o", copy));
    expect(0, NULL, NULL, ARGS("diff", model, copy));
    expect(0, NULL, NULL, ARGS("convert", "--precision", "bf16", model, "-o", small));
    expect(1, "BF16, largest difference", NULL, ARGS("diff", model, small));
    expect(0, NULL, NULL, ARGS("diff", "--tolerance", "0.01", model, small)); /* bf16 is exact to 2^-9 */
    expect(0, NULL, NULL, ARGS("convert", "tests/data/tiny-zipformer-onnx", "-o", copy, "--license", "CC0-1.0"));
    expect(0, "CC0-1.0", NULL, ARGS("inspect", copy));
    ting_free(model);
    ting_free(copy);
    ting_free(small);
}

static void outputs_of_two_precisions_differ(void **state)
{
    (void)state;
    enum { SAMPLES = 32000 };
    static float sound[SAMPLES];
    char *model = ting_temp_path("two.gguf"), *wav = ting_temp_path("two.wav");
    assert_ok(ting_tiny_model_save(model, 1, TING_TINY_AM));
    ting_tiny_sound(sound, SAMPLES);
    assert_ok(ting_tiny_wav_save(wav, sound, SAMPLES, 16000));
    expect(0, NULL, NULL, ARGS("diff", model, model, wav));
    expect(1, "output encoder_embed.convnext [", NULL, ARGS("diff", "--precision-b", "int8", model, model, wav));
    expect(2, NULL, "cannot be opened", ARGS("diff", model, model, "nothing.wav"));
    ting_free(model);
    ting_free(wav);
}

static void trouble_is_one_sentence(void **state)
{
    (void)state;
    char *model = ting_temp_path("ok.gguf"), *bad = ting_temp_path("bad.gguf");
    assert_ok(ting_tiny_model_save(model, 1, TING_TINY_AM));
    assert_ok(ting_file_save(bad, "GGUF\3\0\0\0", 8));
    expect(1, "ok.gguf: GGUF", "bad.gguf: the number of tensors at byte 8", ARGS("inspect", bad, model)); /* goes on */
    expect(1, NULL, "truncated", ARGS("convert", bad, "-o", "/tmp/never.gguf"));
    expect(2, NULL, "truncated", ARGS("diff", model, bad));
    expect(1, NULL, "cannot be written", ARGS("convert", model, "-o", "/nonexistent/x.gguf"));
    ting_assert_usage("-o FILE", ARGS("convert", model));
    ting_assert_usage("is both input and output", ARGS("convert", model, "-o", model));
    ting_assert_usage("ends in .gguf", ARGS("convert", model, "-o", "/tmp/x.bin"));
    assert_false(ting_file_exists("/tmp/never.gguf"));
    ting_free(model);
    ting_free(bad);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_model_goes_through_all_three),
        cmocka_unit_test(outputs_of_two_precisions_differ),
        cmocka_unit_test(trouble_is_one_sentence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
