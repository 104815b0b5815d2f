/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fbank.c - see fbank.h.
 *
 * Frame t begins at sample t shift - before, where `before` is 0 for snipped edges and (window - shift) / 2 for
 * mirrored ones. `held` keeps the samples from `base` on:
 *
 *     0 ........... base ................................ total
 *                   [ held: a window behind the end | what the next frames need ]
 *
 * The window behind the end is kept because the last frames mirror it. Everything but samples and results is in double.
 */
#include "feat/fbank.h"

#include "feat/mel.h"

#include "base/mem.h"

#include <float.h>
#include <math.h>
#include <string.h>

struct ting_fbank {
    ting_feature_config config;
    ting_mel_bank bank;
    ting_spectrum spectrum;
    double *window; /* [window] */
    double *frame;  /* [window] */
    double *mel;    /* [bins] */
    float *held;    /* samples base .. total - 1 */
    size_t room;
    size_t base, total;
    size_t next; /* frame */
    bool finished;
};

ting_err ting_fbank_new(const ting_feature_config *config, ting_fbank **out)
{
    ting_err err = TING_OK;
    ting_fbank *fbank = NULL;
    *out = NULL;
    TRY(ting_feature_check(config));
    if (config->kind != TING_FEATURE_FBANK)
        FAIL(TING_ERR_ARGUMENT, "feature settings are of kind logmel, expected fbank");
    fbank = ting_alloc(1, sizeof *fbank);
    if (fbank == NULL)
        return TING_ERR_MEMORY;
    fbank->config = *config;
    TRY(ting_mel_bank_init(config, &fbank->bank));
    TRY(ting_spectrum_init(config->fft, config->power, &fbank->spectrum));
    fbank->window = ting_alloc((size_t)config->window, sizeof *fbank->window);
    fbank->frame = ting_alloc((size_t)config->window, sizeof *fbank->frame);
    fbank->mel = ting_alloc((size_t)config->bins, sizeof *fbank->mel);
    if (fbank->window == NULL || fbank->frame == NULL || fbank->mel == NULL) {
        err = TING_ERR_MEMORY;
        goto out;
    }
    ting_feature_window_fill(config, fbank->window);
    *out = fbank;
out:
    if (err != TING_OK)
        ting_fbank_free(fbank);
    return err;
}

void ting_fbank_free(ting_fbank *fbank)
{
    if (fbank == NULL)
        return;
    ting_mel_bank_free(&fbank->bank);
    ting_spectrum_free(&fbank->spectrum);
    ting_free(fbank->window);
    ting_free(fbank->frame);
    ting_free(fbank->mel);
    ting_free(fbank->held);
    ting_free(fbank);
}

void ting_fbank_reset(ting_fbank *fbank)
{
    fbank->base = fbank->total = fbank->next = 0;
    fbank->finished = false;
}

/* Sample at which a frame begins; negative at the mirrored start. */
static ptrdiff_t frame_start(const ting_feature_config *config, size_t frame)
{
    ptrdiff_t start = (ptrdiff_t)frame * config->shift;
    return config->edges == TING_EDGES_SNIP ? start
                                            : start + config->shift / 2 - config->window / 2;
}

/* Drops the samples that no frame will ask for any more. */
static void drop_used(ting_fbank *fbank)
{
    ptrdiff_t keep = frame_start(&fbank->config, fbank->next);
    ptrdiff_t tail = (ptrdiff_t)fbank->total - fbank->config.window;
    if (keep > tail)
        keep = tail;
    if (keep <= (ptrdiff_t)fbank->base)
        return;
    memmove(fbank->held, fbank->held + ((size_t)keep - fbank->base),
            (fbank->total - (size_t)keep) * sizeof *fbank->held);
    fbank->base = (size_t)keep;
}

ting_err ting_fbank_accept(ting_fbank *fbank, const float *samples, size_t count)
{
    ting_err err = TING_OK;
    if (fbank->finished)
        FAIL(TING_ERR_ARGUMENT, "samples were given to a filterbank that was finished");
    drop_used(fbank);
    size_t held = fbank->total - fbank->base;
    if (count > fbank->room - held) {
        size_t room = fbank->room + fbank->room / 2;
        if (room < held + count)
            room = held + count;
        float *grown = ting_grow(fbank->held, fbank->room, room, sizeof *grown);
        if (grown == NULL)
            return TING_ERR_MEMORY;
        fbank->held = grown;
        fbank->room = room;
    }
    if (count > 0)
        memcpy(fbank->held + held, samples, count * sizeof *samples);
    fbank->total += count;
out:
    return err;
}

void ting_fbank_finish(ting_fbank *fbank)
{
    fbank->finished = true;
}

size_t ting_fbank_ready(const ting_fbank *fbank)
{
    const ting_feature_config *config = &fbank->config;
    size_t frames = ting_feature_frames(config, fbank->total);
    if (!fbank->finished && config->edges == TING_EDGES_MIRROR) {
        /* Those that lie before the end: start + window <= total. A start before 0 mirrors less than a window. */
        ptrdiff_t last = (ptrdiff_t)fbank->total - config->window - frame_start(config, 0);
        size_t inside = last < 0 ? 0 : 1 + (size_t)last / (size_t)config->shift;
        if (inside < frames)
            frames = inside;
    }
    return frames - fbank->next;
}

/* Copies a frame's samples, scaled. Outside 0 .. total - 1 the signal is mirrored, the edge sample repeated, and
 * again if it is shorter than what is asked for. */
static void gather(const ting_fbank *fbank, size_t frame, double *out)
{
    ptrdiff_t start = frame_start(&fbank->config, frame), total = (ptrdiff_t)fbank->total;
    double scale = fbank->config.scale;
    int n = fbank->config.window;
    if (start >= 0 && start + n <= total) {
        const float *from = fbank->held + ((size_t)start - fbank->base);
        for (int i = 0; i < n; i++)
            out[i] = (double)from[i] * scale;
        return;
    }
    for (int i = 0; i < n; i++) {
        ptrdiff_t at = start + i;
        while (at < 0 || at >= total)
            at = at < 0 ? -1 - at : 2 * total - 1 - at;
        out[i] = (double)fbank->held[(size_t)at - fbank->base] * scale;
    }
}

static double log_energy(const ting_feature_config *config, const double *frame)
{
    double sum = 0, floor = (double)FLT_EPSILON;
    for (int i = 0; i < config->window; i++)
        sum += frame[i] * frame[i];
    if (config->energy_floor > floor)
        floor = config->energy_floor;
    return log(sum > floor ? sum : floor);
}

static void subtract_mean(double *frame, int n)
{
    double parts[4] = {0};
    int i = 0;
    for (; i + 4 <= n; i += 4) /* four chains of additions, so that none waits for the other */
        for (int k = 0; k < 4; k++)
            parts[k] += frame[i + k];
    for (; i < n; i++)
        parts[0] += frame[i];
    double mean = ((parts[0] + parts[1]) + (parts[2] + parts[3])) / n;
    for (i = 0; i < n; i++)
        frame[i] -= mean;
}

/* Pre-emphasis and window into the FFT's input, whose tail beyond the window stays zero. */
static void shape(ting_fbank *fbank)
{
    const double *x = fbank->frame, *w = fbank->window;
    double a = fbank->config.preemphasis;
    double *to = fbank->spectrum.frame;
    to[0] = (x[0] - a * x[0]) * w[0];
    for (int i = 1; i < fbank->config.window; i++)
        to[i] = (x[i] - a * x[i - 1]) * w[i];
}

static void compute_frame(ting_fbank *fbank, size_t frame, float *out)
{
    const ting_feature_config *config = &fbank->config;
    double energy = 0;
    gather(fbank, frame, fbank->frame);
    if (config->remove_dc)
        subtract_mean(fbank->frame, config->window);
    if (config->energy != TING_ENERGY_NONE && config->raw_energy)
        energy = log_energy(config, fbank->frame);
    shape(fbank);
    if (config->energy != TING_ENERGY_NONE && !config->raw_energy)
        energy = log_energy(config, fbank->spectrum.frame);
    ting_spectrum_run(&fbank->spectrum);
    ting_mel_bank_apply(&fbank->bank, fbank->spectrum.value, fbank->mel);
    if (config->energy == TING_ENERGY_FIRST)
        *out++ = (float)energy;
    for (int b = 0; b < config->bins; b++) {
        double value = fbank->mel[b];
        if (config->log)
            value = log(value > config->log_floor ? value : config->log_floor);
        out[b] = (float)value;
    }
    if (config->energy == TING_ENERGY_LAST)
        out[config->bins] = (float)energy;
}

size_t ting_fbank_read(ting_fbank *fbank, float *out, size_t max)
{
    size_t count = ting_fbank_ready(fbank), dim = (size_t)ting_feature_dim(&fbank->config);
    if (count > max)
        count = max;
    for (size_t i = 0; i < count; i++)
        compute_frame(fbank, fbank->next + i, out + i * dim);
    fbank->next += count;
    return count;
}

ting_err ting_fbank_compute(const ting_feature_config *config, const float *samples, size_t count,
                            float **out, size_t *frames)
{
    ting_err err = TING_OK;
    ting_fbank *fbank = NULL;
    *out = NULL;
    *frames = 0;
    TRY(ting_fbank_new(config, &fbank));
    size_t expected = ting_feature_frames(config, count);
    *out = ting_alloc(expected * (size_t)ting_feature_dim(config), sizeof **out);
    if (*out == NULL) {
        err = TING_ERR_MEMORY;
        goto out;
    }
    TRY(ting_fbank_accept(fbank, samples, count));
    ting_fbank_finish(fbank);
    *frames = ting_fbank_read(fbank, *out, expected);
out:
    ting_fbank_free(fbank);
    if (err != TING_OK) {
        ting_free(*out);
        *out = NULL;
    }
    return err;
}
