/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_model.c - a whole model file through the public interface: opened, described, and, when it opens, run on
 * half a second of sound. Settings that contradict the tensors, and weights that are no numbers, come this way.
 */
#include "fuzz/fuzz.h"
#include "support/support.h"
#include "support/tiny.h"

#include "base/mem.h"
#include "tingxie.h"


enum { SAMPLES = 8000 };

static void recognise(const ting_model *model)
{
    static float sound[SAMPLES];
    ting_options options;
    ting_result *result = NULL;
    char text[256];
    ting_tiny_sound(sound, SAMPLES);
    ting_options_defaults(&options, sizeof options);
    options.threads = 1;
    ting_model_describe(model, text, sizeof text);
    if (ting_recognize_samples(model, sound, SAMPLES, 16000, &options, &result) == TING_OK)
        ting_result_text(result);
    ting_result_free(result);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ting_model_options options;
    ting_model *model = NULL;
    ting_model_options_defaults(&options, sizeof options);
    options.folder = "/nonexistent";
    options.hanzi = size % 2; /* both kinds of opening, the same for the same input */
    if (ting_model_open(ting_fuzz_file(data, size), &options, &model) == TING_OK)
        recognise(model);
    ting_model_free(model);
    return 0;
}

void ting_fuzz_seeds(ting_fuzz_take *take, void *self)
{
    char *path = ting_temp_path("seed.gguf");
    for (int networks = TING_TINY_AM; networks <= TING_TINY_BOTH; networks += 2) {
        assert_ok(ting_tiny_model_save(path, 1, (ting_tiny_networks)networks));
        ting_fuzz_take_file(take, self, path);
    }
    ting_free(path);
}
