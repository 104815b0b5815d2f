/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_features.c - lines of feature settings. */
#include "fuzz/fuzz.h"

#include "feat/feature.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

/* Whatever is accepted reads back the same and, when it is not huge, computes. */
static void try_settings(const char *line)
{
    ting_feature_config config, again;
    ting_str text = {0};
    static const float samples[600] = {0.5f, -0.25f, 0.125f};
    float *frames = NULL;
    size_t count = 0;
    if (ting_feature_parse(line, &config) != TING_OK)
        return;
    ting_feature_print(&config, &text);
    if (!ting_str_ok(&text) || ting_feature_parse(text.text, &again) != TING_OK ||
        ting_feature_agree(&config, "one", &again, "other") != TING_OK)
        abort();
    ting_str_free(&text);
    if (config.fft <= 1024 && config.shift >= 50 && config.cmvn != TING_CMVN_GLOBAL &&
        ting_feature_compute(&config, NULL, samples, 600, &frames, &count) == TING_OK)
        ting_free(frames);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *line = ting_alloc(size + 1, 1); /* with a zero at the end */
    if (line == NULL)
        abort();
    if (size > 0)
        memcpy(line, data, size);
    try_settings(line);
    ting_free(line);
    return 0;
}

void ting_fuzz_seeds(ting_fuzz_take *take, void *self)
{
    static const char *const lines[] = {
        "icefall bins=40 high=-200 window_type=hamming",
        "kind=logmel rate=8000 window=200 fft=256 shift=80 high=4000 edges=reflect "
        "cmvn=mean-variance",
        "wenet energy=last raw_energy=0 energy_floor=1 power=1 log=0 fft=400",
    };
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        take(self, lines[i], strlen(lines[i]));
}
