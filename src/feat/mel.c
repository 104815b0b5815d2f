/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mel.c - see mel.h. HTK scale: 1127 ln(1 + f / 700). Slaney scale (Auditory Toolbox, 1998): 200 / 3 Hz a mel up to
 * 1 kHz, above that 27 mel for a factor of 6.4.
 */
#include "feat/mel.h"

#include "feat/fft.h"

#include "base/mem.h"

#include <math.h>

static const double SLANEY_HZ = 200.0 / 3.0, SLANEY_BREAK = 1000.0, SLANEY_STEPS = 27.0,
                    SLANEY_RATIO = 6.4;

double ting_mel_from_hz(ting_mel_scale scale, double hz)
{
    if (scale == TING_MEL_HTK)
        return 1127.0 * log(1.0 + hz / 700.0);
    if (hz < SLANEY_BREAK)
        return hz / SLANEY_HZ;
    return SLANEY_BREAK / SLANEY_HZ + log(hz / SLANEY_BREAK) * SLANEY_STEPS / log(SLANEY_RATIO);
}

double ting_mel_to_hz(ting_mel_scale scale, double mel)
{
    if (scale == TING_MEL_HTK)
        return 700.0 * (exp(mel / 1127.0) - 1.0);
    if (mel < SLANEY_BREAK / SLANEY_HZ)
        return mel * SLANEY_HZ;
    return SLANEY_BREAK * exp((mel - SLANEY_BREAK / SLANEY_HZ) * log(SLANEY_RATIO) / SLANEY_STEPS);
}

/* Height at x of the triangle over left, centre, right. */
static double triangle(double x, double left, double centre, double right)
{
    double up = (x - left) / (centre - left), down = (right - x) / (right - centre);
    double height = up < down ? up : down;
    return height > 0 ? height : 0;
}

static double weight(const ting_feature_config *config, int bin, int k, double low, double step)
{
    ting_mel_scale scale = (ting_mel_scale)config->mel_scale;
    double left = low + bin * step, centre = low + (bin + 1) * step, right = low + (bin + 2) * step;
    double hz = (double)k * config->rate / config->fft, height;
    double left_hz = ting_mel_to_hz(scale, left), right_hz = ting_mel_to_hz(scale, right);
    if (config->mel_linear_in)
        height = triangle(hz, left_hz, ting_mel_to_hz(scale, centre), right_hz);
    else if (k == config->fft / 2)
        height = 0; /* Kaldi uses fft / 2 bins */
    else
        height = triangle(ting_mel_from_hz(scale, hz), left, centre, right);
    return config->mel_norm == TING_MEL_AREA ? height * 2 / (right_hz - left_hz) : height;
}

ting_err ting_mel_bank_init(const ting_feature_config *config, ting_mel_bank *bank)
{
    int bins = config->bins, spectrum = config->fft / 2 + 1, used = 0;
    double top = config->high > 0 ? config->high : config->high + config->rate / 2.0;
    double low = ting_mel_from_hz((ting_mel_scale)config->mel_scale, config->low);
    double step = (ting_mel_from_hz((ting_mel_scale)config->mel_scale, top) - low) / (bins + 1);
    *bank = (ting_mel_bank){.bins = bins, .spectrum = spectrum};
    bank->start = ting_alloc((size_t)bins, sizeof *bank->start);
    bank->count = ting_alloc((size_t)bins, sizeof *bank->count);
    bank->offset = ting_alloc((size_t)bins, sizeof *bank->offset);
    bank->weights = ting_alloc(2 * (size_t)spectrum + 2,
                               sizeof *bank->weights); /* an FFT bin is in two triangles at most */
    if (bank->start == NULL || bank->count == NULL || bank->offset == NULL ||
        bank->weights == NULL) {
        ting_mel_bank_free(bank);
        return TING_ERR_MEMORY;
    }
    for (int b = 0; b < bins; b++) {
        bank->offset[b] = used;
        for (int k = 0; k < spectrum && used < 2 * spectrum + 2; k++) {
            double w = weight(config, b, k, low, step);
            if (w > 0 && bank->count[b] == 0)
                bank->start[b] = k;
            if (w > 0) {
                bank->weights[used++] = w;
                bank->count[b]++;
            }
        }
    }
    return TING_OK;
}

void ting_mel_bank_free(ting_mel_bank *bank)
{
    ting_free(bank->start);
    ting_free(bank->count);
    ting_free(bank->offset);
    ting_free(bank->weights);
    *bank = (ting_mel_bank){0};
}

void ting_mel_bank_apply(const ting_mel_bank *bank, const double *spectrum, double *out)
{
    for (int b = 0; b < bank->bins; b++) {
        const double *w = bank->weights + bank->offset[b], *x = spectrum + bank->start[b];
        double even = 0, odd = 0;
        int i = 0, n = bank->count[b];
        for (; i + 1 < n; i += 2) {
            even += w[i] * x[i];
            odd += w[i + 1] * x[i + 1];
        }
        if (i < n)
            even += w[i] * x[i];
        out[b] = even + odd;
    }
}

ting_err ting_spectrum_init(int size, int power, ting_spectrum *spectrum)
{
    size_t bins = (size_t)size / 2 + 1;
    *spectrum = (ting_spectrum){.size = size, .power = power};
    ting_err err = ting_fft_new(size, &spectrum->fft);
    spectrum->frame = ting_alloc((size_t)size, sizeof *spectrum->frame);
    spectrum->re = ting_alloc(bins, sizeof *spectrum->re);
    spectrum->im = ting_alloc(bins, sizeof *spectrum->im);
    spectrum->value = ting_alloc(bins, sizeof *spectrum->value);
    if (spectrum->frame == NULL || spectrum->re == NULL || spectrum->im == NULL ||
        spectrum->value == NULL)
        err = TING_ERR_MEMORY;
    if (err != TING_OK)
        ting_spectrum_free(spectrum);
    return err;
}

void ting_spectrum_run(ting_spectrum *spectrum)
{
    size_t bins = (size_t)spectrum->size / 2 + 1;
    const double *re = spectrum->re, *im = spectrum->im;
    ting_fft_run(spectrum->fft, spectrum->frame, spectrum->re, spectrum->im);
    for (size_t k = 0; k < bins; k++)
        spectrum->value[k] = re[k] * re[k] + im[k] * im[k];
    if (spectrum->power == 1)
        for (size_t k = 0; k < bins; k++)
            spectrum->value[k] = sqrt(spectrum->value[k]);
}

void ting_spectrum_free(ting_spectrum *spectrum)
{
    ting_fft_free(spectrum->fft);
    ting_free(spectrum->frame);
    ting_free(spectrum->re);
    ting_free(spectrum->im);
    ting_free(spectrum->value);
    *spectrum = (ting_spectrum){0};
}
