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

/* Other encoders, a CTC head, characters, a global normalisation. */
static void take_other_kinds(ting_fuzz_take *take, void *self, const char *path)
{
    static const char *const tokens[] = {"<blank>", "中", "国"};
    float vector[20];
    for (int i = 0; i < 20; i++)
        vector[i] = 1;
    const ting_cmvn cmvn = {.dim = 20, .mean = vector, .scale = vector};
    const ting_am_about about = {.name = "seed", .features = "wenet bins=20 cmvn=global", .cmvn = &cmvn, .tokens = tokens,
                                 .token_count = 3};
    const ting_encoder_config kinds[] = {
        {.kind = TING_ENCODER_CONFORMER,
         .conformer = {.features = 20, .subsampling = 4, .dim = 8, .heads = 2, .layers = 1, .feedforward = 8, .macaron = true,
                       .kernel = 3, .causal = true, .positions = TING_POSITIONS_RELATIVE, .act = TING_ACT_SILU, .chunk = 4, .left = 1}},
        {.kind = TING_ENCODER_CNN,
         .cnn = {.features = 20, .blocks = 2, .block = {{1, 2, 2, 4}, {1, 4, 2, 4}}, .dim = 8, .act = TING_ACT_RELU}},
    };
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        assert_ok(ting_tiny_net_save(path, 1, &(ting_am_config){.encoder = kinds[i], .ctc = {.vocab = 3}}, &about));
        ting_fuzz_take_file(take, self, path);
    }
}

void ting_fuzz_seeds(ting_fuzz_take *take, void *self)
{
    char *path = ting_temp_path("seed.gguf");
    take_other_kinds(take, self, path);
    for (int networks = TING_TINY_AM; networks <= TING_TINY_BOTH; networks += 2) {
        assert_ok(ting_tiny_model_save(path, 1, (ting_tiny_networks)networks));
        ting_fuzz_take_file(take, self, path);
    }
    ting_free(path);
}
