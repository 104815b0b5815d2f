/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kind_logmel_librosa.c - librosa log-mel: in.pcm / 32768 -> out.preemphasis, out.logmel, out.normalized; out.mel_basis
 * from the settings alone. Settings under librosa's names.
 */
#include "golden/golden.h"

#include "base/mem.h"
#include "feat/cmvn.h"
#include "feat/feature.h"
#include "feat/logmel.h"
#include "feat/mel.h"

#include <string.h>

static double real_or(ting_golden *g, const char *name, double otherwise)
{
    return ting_golden_has_setting(g, name) ? ting_golden_real(g, name) : otherwise;
}

static const char *string_or(ting_golden *g, const char *name, const char *otherwise)
{
    return ting_golden_has_setting(g, name) ? ting_golden_string(g, name) : otherwise;
}

static ting_err read_names(ting_golden *g, ting_feature_config *config)
{
    ting_err err = TING_OK;
    const char *window = string_or(g, "window", "hann periodic"),
               *mel = string_or(g, "mel", "slaney scale, slaney norm");
    const char *pad = string_or(g, "pad_mode", "constant"), *norm = string_or(g, "norm", "global");
    bool periodic = strstr(window, "symmetric") == NULL;
    if (strncmp(window, "hann", 4) == 0)
        config->window_type = periodic ? TING_WINDOW_HANN_PERIODIC : TING_WINDOW_HANN;
    else if (strncmp(window, "hamming", 7) == 0)
        config->window_type = periodic ? TING_WINDOW_HAMMING_PERIODIC : TING_WINDOW_HAMMING;
    else if (strncmp(window, "rect", 4) == 0 || strncmp(window, "ones", 4) == 0 ||
             strncmp(window, "boxcar", 6) == 0)
        config->window_type = TING_WINDOW_RECTANGULAR;
    else
        FAIL(TING_ERR_UNSUPPORTED, "window \"%s\" is unknown", window);
    config->mel_scale = strstr(mel, "htk") != NULL ? TING_MEL_HTK : TING_MEL_SLANEY;
    config->mel_norm = strstr(mel, "slaney norm") != NULL ? TING_MEL_AREA : TING_MEL_PEAK;
    if (strcmp(pad, "constant") == 0)
        config->edges = TING_EDGES_ZERO;
    else if (strcmp(pad, "reflect") == 0)
        config->edges = TING_EDGES_REFLECT;
    else if (strcmp(pad, "edge") == 0)
        config->edges = TING_EDGES_REPEAT;
    else
        FAIL(TING_ERR_UNSUPPORTED, "pad_mode \"%s\" is unknown", pad);
    if (ting_golden_has_setting(g, "center") && !ting_golden_bool(g, "center"))
        config->edges = TING_EDGES_SNIP;
    if (strncmp(norm, "global", 6) == 0)
        config->cmvn = TING_CMVN_WHOLE;
    else if (strncmp(norm, "per-", 4) == 0)
        config->cmvn = TING_CMVN_MEAN_VARIANCE;
    else if (strcmp(norm, "none") == 0)
        config->cmvn = TING_CMVN_NONE;
    else
        FAIL(TING_ERR_UNSUPPORTED, "norm \"%s\" is unknown", norm);
out:
    return err;
}

static ting_err read_config(ting_golden *g, ting_feature_config *config)
{
    ting_err err = TING_OK;
    TRY(ting_feature_preset("tutorial", config));
    config->rate = (int)real_or(g, "sample_rate", 16000);
    config->fft = (int)real_or(g, "n_fft", 400);
    config->window = (int)real_or(g, "win_length", config->fft);
    config->shift = (int)real_or(g, "hop_length", 160);
    config->bins = (int)real_or(g, "n_mels", 80);
    config->low = real_or(g, "fmin", 0);
    config->high = real_or(g, "fmax", config->rate / 2.0);
    config->preemphasis = real_or(g, "preemphasis", 0.97);
    config->power = (int)real_or(g, "power", 2);
    config->log_add = real_or(g, "log_eps", 1e-20);
    TRY(read_names(g, config));
out:
    return err;
}

static ting_err compare_floats(ting_golden *g, const char *name, const float *got, size_t count)
{
    ting_real *values = ting_alloc(count, sizeof *values);
    if (values == NULL)
        return TING_ERR_MEMORY;
    for (size_t i = 0; i < count; i++)
        values[i] = (ting_real)got[i];
    ting_golden_compare(g, name, 0, values, count);
    ting_free(values);
    return TING_OK;
}

static ting_err compare_basis(ting_golden *g, const ting_feature_config *config)
{
    ting_err err = TING_OK;
    ting_mel_bank bank = {0};
    float *basis = NULL;
    TRY(ting_mel_bank_init(config, &bank));
    basis = ting_alloc((size_t)bank.bins * (size_t)bank.spectrum, sizeof *basis);
    if (basis == NULL) {
        err = TING_ERR_MEMORY;
        goto out;
    }
    for (int b = 0; b < bank.bins; b++)
        for (int i = 0; i < bank.count[b]; i++)
            basis[b * bank.spectrum + bank.start[b] + i] = (float)bank.weights[bank.offset[b] + i];
    TRY(compare_floats(g, "out.mel_basis", basis, (size_t)bank.bins * (size_t)bank.spectrum));
out:
    ting_mel_bank_free(&bank);
    ting_free(basis);
    return err;
}

ting_err ting_golden_logmel_librosa(ting_golden *g)
{
    ting_err err = TING_OK;
    ting_feature_config config;
    size_t count = 0, frames = 0;
    float *got = NULL, *samples = NULL, *prepared = NULL;
    TRY(read_config(g, &config));
    const ting_real *pcm = ting_golden_reals(g, "in.pcm", &count);
    samples = ting_alloc(count, sizeof *samples);
    prepared = ting_alloc(count, sizeof *prepared);
    if (samples == NULL || prepared == NULL) {
        err = TING_ERR_MEMORY;
        goto out;
    }
    for (size_t i = 0; i < count; i++)
        samples[i] = (float)(pcm[i] / 32768);
    if (ting_golden_has(g, "out.preemphasis")) {
        ting_logmel_prepare(&config, samples, count, prepared);
        TRY(compare_floats(g, "out.preemphasis", prepared, count));
    }
    if (ting_golden_has(g, "out.mel_basis"))
        TRY(compare_basis(g, &config));
    TRY(ting_logmel_compute(&config, samples, count, &got, &frames));
    if ((long)frames != ting_golden_dim(g, "out.logmel", 0))
        FAIL(TING_ERR_MODEL, "out.logmel: %zu frames, expected %d", frames,
             ting_golden_dim(g, "out.logmel", 0));
    TRY(compare_floats(g, "out.logmel", got, frames * (size_t)config.bins));
    if (ting_golden_has(g, "out.normalized")) {
        TRY(ting_cmvn_normalise(&config, NULL, got, frames));
        TRY(compare_floats(g, "out.normalized", got, frames * (size_t)config.bins));
    }
out:
    ting_free(samples);
    ting_free(prepared);
    ting_free(got);
    return err;
}
