/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kind_fbank_kaldi.c - Kaldi filterbank: in.pcm<j> times config.scale -> out.fbank<j>. Settings under the names of
 * torchaudio's compliance.kaldi.fbank; those that a file leaves out have torchaudio's defaults.
 */
#include "golden/golden.h"

#include "base/mem.h"
#include "feat/feature.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static double real_or(ting_golden *g, const char *name, double otherwise)
{
    return ting_golden_has_setting(g, name) ? ting_golden_real(g, name) : otherwise;
}

static bool bool_or(ting_golden *g, const char *name, bool otherwise)
{
    return ting_golden_has_setting(g, name) ? ting_golden_bool(g, name) : otherwise;
}

static ting_err read_window(ting_golden *g, ting_feature_config *config)
{
    static const struct {
        const char *name;
        ting_feature_window type;
    } known[] = {{"povey", TING_WINDOW_POVEY},       {"hanning", TING_WINDOW_HANN},
                 {"hamming", TING_WINDOW_HAMMING},   {"rectangular", TING_WINDOW_RECTANGULAR},
                 {"blackman", TING_WINDOW_BLACKMAN}, {"sine", TING_WINDOW_SINE}};
    const char *name =
        ting_golden_has_setting(g, "window_type") ? ting_golden_string(g, "window_type") : "povey";
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(name, known[i].name) == 0) {
            config->window_type = (int)known[i].type;
            return TING_OK;
        }
    return ting_fail(TING_ERR_UNSUPPORTED, "window_type \"%s\" is unknown", name);
}

static ting_err read_config(ting_golden *g, ting_feature_config *config)
{
    ting_err err = TING_OK;
    TRY(ting_feature_preset("icefall", config));
    if (real_or(g, "dither", 0) != 0 || real_or(g, "vtln_warp", 1) != 1)
        FAIL(TING_ERR_UNSUPPORTED, "dither and vocal tract warping are not built");
    TRY(read_window(g, config));
    double rate = real_or(g, "sample_frequency", 16000);
    config->rate = (int)rate;
    /* in.pcm is divided by 32768 below, so that samples are in [-1, 1] */
    config->scale = real_or(g, "scale", 1) * 32768;
    config->window = (int)(rate * real_or(g, "frame_length", 25) * 0.001);
    config->shift = (int)(rate * real_or(g, "frame_shift", 10) * 0.001);
    config->fft = config->window;
    if (bool_or(g, "round_to_power_of_two", true))
        for (config->fft = 1; config->fft < config->window;)
            config->fft *= 2;
    config->blackman = real_or(g, "blackman_coeff", 0.42);
    config->edges = bool_or(g, "snip_edges", true) ? TING_EDGES_SNIP : TING_EDGES_MIRROR;
    config->remove_dc = bool_or(g, "remove_dc_offset", true);
    config->preemphasis = real_or(g, "preemphasis_coefficient", 0.97);
    config->power = bool_or(g, "use_power", true) ? 2 : 1;
    config->bins = (int)real_or(g, "num_mel_bins", 23);
    config->low = real_or(g, "low_freq", 20);
    config->high = real_or(g, "high_freq", 0);
    config->log = bool_or(g, "use_log_fbank", true);
    config->raw_energy = bool_or(g, "raw_energy", true);
    config->energy_floor = real_or(g, "energy_floor", 1);
    if (bool_or(g, "use_energy", false))
        config->energy = bool_or(g, "htk_compat", false) ? TING_ENERGY_LAST : TING_ENERGY_FIRST;
    config->cmvn = bool_or(g, "subtract_mean", false) ? TING_CMVN_MEAN : TING_CMVN_NONE;
out:
    return err;
}

static ting_err compare_one(ting_golden *g, const ting_feature_config *config, const char *in,
                            const char *out)
{
    ting_err err = TING_OK;
    size_t count = 0, frames = 0;
    float *got = NULL;
    const ting_real *pcm = ting_golden_reals(g, in, &count);
    float *samples = ting_alloc(count, sizeof *samples);
    ting_real *values = NULL;
    if (samples == NULL)
        return TING_ERR_MEMORY;
    for (size_t i = 0; i < count; i++)
        samples[i] = (float)(pcm[i] / 32768);
    TRY(ting_feature_compute(config, NULL, samples, count, &got, &frames));
    if ((long)frames != ting_golden_dim(g, out, 0) ||
        ting_feature_dim(config) != ting_golden_dim(g, out, 1))
        FAIL(TING_ERR_MODEL, "%s: %zu frames of %d, expected %d of %d", out, frames,
             ting_feature_dim(config), ting_golden_dim(g, out, 0), ting_golden_dim(g, out, 1));
    count = frames * (size_t)ting_feature_dim(config);
    values = ting_alloc(count, sizeof *values);
    if (values == NULL) {
        err = TING_ERR_MEMORY;
        goto out;
    }
    for (size_t i = 0; i < count; i++)
        values[i] = (ting_real)got[i];
    ting_golden_compare(g, out, 0, values, count);
out:
    ting_free(samples);
    ting_free(got);
    ting_free(values);
    return err;
}

ting_err ting_golden_fbank_kaldi(ting_golden *g)
{
    ting_err err = TING_OK;
    ting_feature_config config;
    TRY(read_config(g, &config));
    if (ting_golden_has(g, "in.pcm"))
        TRY(compare_one(g, &config, "in.pcm", "out.fbank"));
    for (int j = 0;; j++) {
        char in[32], out[32];
        snprintf(in, sizeof in, "in.pcm%d", j);
        snprintf(out, sizeof out, "out.fbank%d", j);
        if (!ting_golden_has(g, in))
            break;
        TRY(compare_one(g, &config, in, out));
    }
out:
    return err;
}
