/* SPDX-License-Identifier: Apache-2.0 */
/* logmel.c - see logmel.h. A window shorter than the FFT stands in its middle, as librosa puts it. */
#include "feat/logmel.h"

#include "feat/mel.h"

#include "base/mem.h"

#include <math.h>

static const double PEAK_ADD = 1e-9;

typedef struct signal {
    const float *samples;
    size_t count;
} signal;

void ting_logmel_prepare(const ting_feature_config *config, const float *samples, size_t count,
                         float *out)
{
    double peak = 0, factor = 1, before = 0;
    for (size_t i = 0; i < count; i++)
        if (fabs((double)samples[i]) > peak)
            peak = fabs((double)samples[i]);
    if (config->peak)
        factor = 1 / (peak + PEAK_ADD);
    for (size_t i = 0; i < count; i++) {
        double now = (double)samples[i] * factor;
        out[i] = (float)(i == 0 ? now : now - config->preemphasis * before);
        before = now;
    }
}

/* The sample at a place that may lie outside. */
static float sample_at(const signal *s, ptrdiff_t at, ting_feature_edges edges)
{
    ptrdiff_t count = (ptrdiff_t)s->count;
    if (at >= 0 && at < count)
        return s->samples[at];
    switch (edges) {
    case TING_EDGES_REPEAT: return s->samples[at < 0 ? 0 : count - 1];
    case TING_EDGES_REFLECT:
        while (count > 1 && (at < 0 || at >= count))
            at = at < 0 ? -at : 2 * (count - 1) - at;
        return s->samples[count > 1 ? at : 0];
    case TING_EDGES_SNIP:
    case TING_EDGES_MIRROR:
    case TING_EDGES_ZERO: break;
    }
    return 0;
}

static void compute_frames(const ting_feature_config *config, const signal *s,
                           const ting_mel_bank *bank, ting_spectrum *spectrum, const double *window,
                           double *mel, float *out, size_t frames)
{
    int pad = (config->fft - config->window) / 2;
    ptrdiff_t before = config->edges == TING_EDGES_SNIP ? 0 : config->fft / 2;
    for (size_t t = 0; t < frames; t++, out += config->bins) {
        ptrdiff_t start = (ptrdiff_t)(t * (size_t)config->shift) - before + pad;
        for (int i = 0; i < config->window; i++)
            spectrum->frame[pad + i] =
                (double)sample_at(s, start + i, (ting_feature_edges)config->edges) * window[i];
        ting_spectrum_run(spectrum);
        ting_mel_bank_apply(bank, spectrum->value, mel);
        for (int b = 0; b < config->bins; b++)
            out[b] = (float)(config->log ? log(mel[b] + config->log_add) : mel[b]);
    }
}

ting_err ting_logmel_compute(const ting_feature_config *config, const float *samples, size_t count,
                             float **out, size_t *frames)
{
    ting_err err = TING_OK;
    ting_mel_bank bank = {0};
    ting_spectrum spectrum = {0};
    float *prepared = NULL;
    double *window = NULL, *mel = NULL;
    *out = NULL;
    *frames = 0;
    TRY(ting_feature_check(config));
    if (config->kind != TING_FEATURE_LOGMEL)
        FAIL(TING_ERR_ARGUMENT, "feature settings are of kind fbank, expected logmel");
    TRY(ting_mel_bank_init(config, &bank));
    TRY(ting_spectrum_init(config->fft, config->power, &spectrum));
    size_t expected = ting_feature_frames(config, count);
    prepared = ting_alloc(count, sizeof *prepared);
    window = ting_alloc((size_t)config->window, sizeof *window);
    mel = ting_alloc((size_t)config->bins, sizeof *mel);
    *out = ting_alloc(expected * (size_t)config->bins, sizeof **out);
    if (prepared == NULL || window == NULL || mel == NULL || *out == NULL) {
        err = TING_ERR_MEMORY;
        goto out;
    }
    ting_feature_window_fill(config, window);
    ting_logmel_prepare(config, samples, count, prepared);
    compute_frames(config, &(signal){prepared, count}, &bank, &spectrum, window, mel, *out,
                   expected);
    *frames = expected;
out:
    ting_mel_bank_free(&bank);
    ting_spectrum_free(&spectrum);
    ting_free(prepared);
    ting_free(window);
    ting_free(mel);
    if (err != TING_OK) {
        ting_free(*out);
        *out = NULL;
    }
    return err;
}
