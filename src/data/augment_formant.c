/* SPDX-License-Identifier: Apache-2.0 */
/*
 * augment_formant.c - a longer or shorter vocal tract with the same voice pitch.
 *
 *     frame (32 ms, root of Hann) -> X -> log |X| -> cepstrum, kept below 3 ms -> E, the envelope
 *     X'[k] = X[k] exp(E(k / factor) - E(k)) -> frame, windowed again -> overlap-add (16 ms apart)
 *
 * Smoothing by the cepstrum is that of Oppenheim (1969). The pitch of a voice of f Hz stands at 1 / f in it: what is
 * kept fades out from 1.5 to 3 ms, so that a voice up to 400 Hz keeps its harmonics and a resonance is still seen
 * sharply.
 */
#include "data/augment_parts.h"

#include "base/mem.h"

#include <math.h>
#include <string.h>

enum { SIZE = 512, LOG_SIZE = 9, HOP = SIZE / 2, BINS = SIZE / 2 + 1, KEPT = 48 };

typedef struct workplace {
    const ting_fft *fft;
    double factor;
    double window[SIZE], x[SIZE], y[SIZE];
    double re[BINS], im[BINS]; /* the frame's spectrum */
    double envelope[BINS], none[BINS];
    double *scratch; /* owned */
} workplace;

/* envelope = log |X| without its fast ripples over frequency; KEPT cepstral values, the last half fading out. */
static void find_envelope(workplace *w)
{
    static const double floor = 1e-14; /* of a squared magnitude: far below a 16-bit step */
    for (int k = 0; k < BINS; k++)
        w->y[k] = w->y[(SIZE - k) % SIZE] = 0.5 * log(w->re[k] * w->re[k] + w->im[k] * w->im[k] + floor);
    ting_fft_run_in(w->fft, w->scratch, w->y, w->envelope, w->none);
    memset(w->y, 0, sizeof w->y);
    for (int q = 0; q < KEPT; q++) {
        const double fade = q < KEPT / 2 ? 1 : 0.5 + 0.5 * cos(3.14159265358979323846 * (2 * q - KEPT) / KEPT);
        w->y[q] = w->y[(SIZE - q) % SIZE] = w->envelope[q] * fade / SIZE;
    }
    ting_fft_run_in(w->fft, w->scratch, w->y, w->envelope, w->none);
}

static void move_envelope(workplace *w)
{
    static const double most = 2.3; /* 20 dB: an envelope is not known better where there is nothing */
    for (int k = 0; k < BINS; k++) {
        const double from = fmin(k / w->factor, BINS - 1);
        const int below = (int)from < BINS - 1 ? (int)from : BINS - 2;
        const double there = w->envelope[below] + (from - below) * (w->envelope[below + 1] - w->envelope[below]);
        const double gain = exp(fmax(-most, fmin(most, there - w->envelope[k])));
        w->re[k] *= gain;
        w->im[k] *= gain;
    }
}

/* One frame from x at `at` (which may lie outside) to y. */
static void shift_frame(workplace *w, const float *x, float *y, ptrdiff_t at, ptrdiff_t count)
{
    for (int i = 0; i < SIZE; i++)
        w->x[i] = at + i >= 0 && at + i < count ? w->window[i] * (double)x[at + i] : 0;
    ting_fft_run_in(w->fft, w->scratch, w->x, w->re, w->im);
    find_envelope(w);
    move_envelope(w);
    ting_filter_inverse(w->fft, SIZE, w->scratch, w->re, w->im, w->x);
    for (int i = 0; i < SIZE; i++)
        if (at + i >= 0 && at + i < count)
            y[at + i] += (float)(w->window[i] * w->x[i]);
}

ting_err ting_formant_shift(const ting_filters *filters, double factor, float *x, size_t count)
{
    ting_err err = TING_ERR_MEMORY;
    float *y = ting_alloc(count, sizeof *y);
    workplace *w = ting_alloc(1, sizeof *w);
    if (w == NULL || y == NULL)
        goto out;
    w->fft = filters->fft[LOG_SIZE];
    w->factor = factor;
    w->scratch = ting_alloc(ting_fft_scratch(w->fft), sizeof *w->scratch);
    if (w->scratch == NULL)
        goto out;
    for (int i = 0; i < SIZE; i++)
        w->window[i] = sin(3.14159265358979323846 * i / SIZE);
    for (ptrdiff_t at = -HOP; at < (ptrdiff_t)count; at += HOP)
        shift_frame(w, x, y, at, (ptrdiff_t)count);
    if (count > 0)
        memcpy(x, y, count * sizeof *x);
    err = TING_OK;
out:
    if (w != NULL)
        ting_free(w->scratch);
    ting_free(w);
    ting_free(y);
    return err;
}
