/* SPDX-License-Identifier: Apache-2.0 */
/* augment_filter.c - see augment_filter.h. */
#include "data/augment_filter.h"

#include "base/mem.h"

#include <math.h>
#include <string.h>

static const double PI = 3.14159265358979323846;

ting_err ting_filters_make(ting_filters *out)
{
    ting_err err = TING_OK;
    *out = (ting_filters){{NULL}};
    for (int i = TING_FILTER_LEAST; i <= TING_FILTER_MOST; i++)
        TRY(ting_fft_new(1 << i, &out->fft[i]));
out:
    return err;
}

void ting_filters_free(ting_filters *filters)
{
    for (int i = TING_FILTER_LEAST; i <= TING_FILTER_MOST; i++)
        ting_fft_free(filters->fft[i]);
    *filters = (ting_filters){{NULL}};
}

/*
 * There is no inverse transform in feat/fft.h and none is needed: with X the spectrum of x, Hartley's transform
 * H[k] = Re X[k] - Im X[k] = sum of x[t] (cos + sin)(2 pi k t / n) is its own inverse but for n.
 */
void ting_filter_inverse(const ting_fft *fft, int n, double *scratch, double *re, double *im, double *x)
{
    x[0] = re[0];
    x[n / 2] = re[n / 2];
    for (int k = 1; k < n / 2; k++) {
        x[k] = re[k] - im[k];
        x[n - k] = re[k] + im[k];
    }
    ting_fft_run_in(fft, scratch, x, re, im);
    const double scale = 1.0 / n;
    x[0] = re[0] * scale;
    x[n / 2] = re[n / 2] * scale;
    for (int k = 1; k < n / 2; k++) {
        x[k] = (re[k] - im[k]) * scale;
        x[n - k] = (re[k] + im[k]) * scale;
    }
}

typedef struct workplace {
    const ting_fft *fft;
    int n, half;                 /* half: n / 2 + 1 */
    double *block;               /* owned; the others lie in it */
    double *x, *re, *im, *hr, *hi; /* [n], [half] each; hr, hi: spectrum of the response */
    double *scratch;
} workplace;

/* A transform long enough for the response and as much sound as there is, up to three times the response: longer ones
 * save little work and need more memory. */
static ting_err set_up(const ting_filters *filters, size_t taps, size_t count, workplace *w)
{
    const size_t sound = count < 3 * taps ? count : 3 * taps;
    int i = TING_FILTER_LEAST;
    while (i < TING_FILTER_MOST && (size_t)1 << i < taps - 1 + sound)
        i++;
    *w = (workplace){.fft = filters->fft[i], .n = 1 << i, .half = (1 << i) / 2 + 1};
    const size_t n = (size_t)w->n, half = (size_t)w->half;
    w->block = ting_alloc(n + 4 * half + ting_fft_scratch(w->fft), sizeof *w->block);
    if (w->block == NULL)
        return TING_ERR_MEMORY;
    w->x = w->block;
    w->re = w->x + n;
    w->im = w->re + half;
    w->hr = w->im + half;
    w->hi = w->hr + half;
    w->scratch = w->hi + half;
    return TING_OK;
}

static void load(workplace *w, const float *from, size_t count)
{
    for (size_t t = 0; t < count; t++)
        w->x[t] = (double)from[t];
    memset(w->x + count, 0, ((size_t)w->n - count) * sizeof *w->x);
}

static void multiply(workplace *w)
{
    for (int k = 0; k < w->half; k++) {
        const double re = w->re[k] * w->hr[k] - w->im[k] * w->hi[k];
        w->im[k] = w->re[k] * w->hi[k] + w->im[k] * w->hr[k];
        w->re[k] = re;
    }
}

ting_err ting_filter_run(const ting_filters *filters, const float *h, size_t taps, size_t delay, float *x,
                         size_t count)
{
    ting_err err = TING_OK;
    workplace w = {0};
    float *y = NULL;
    if (count == 0)
        return TING_OK;
    TRY(set_up(filters, taps, count, &w));
    y = ting_alloc(count, sizeof *y);
    if (y == NULL) {
        err = TING_ERR_MEMORY;
        goto out;
    }
    load(&w, h, taps);
    ting_fft_run_in(w.fft, w.scratch, w.x, w.hr, w.hi);
    const size_t step = (size_t)w.n - taps + 1;
    for (size_t at = 0; at < count; at += step) {
        const size_t piece = count - at < step ? count - at : step;
        load(&w, x + at, piece);
        ting_fft_run_in(w.fft, w.scratch, w.x, w.re, w.im);
        multiply(&w);
        ting_filter_inverse(w.fft, w.n, w.scratch, w.re, w.im, w.x);
        /* x[i] is for y[at + i - delay] */
        const size_t first = at < delay ? delay - at : 0, made = piece + taps - 1;
        for (size_t i = first; i < made && at + i - delay < count; i++)
            y[at + i - delay] += (float)w.x[i];
    }
    memcpy(x, y, count * sizeof *x);
out:
    ting_free(w.block);
    ting_free(y);
    return err;
}

ting_err ting_fir_make(const ting_filters *filters, const double *gain, float *taps)
{
    enum { N = 2 * TING_FIR_BINS, LOG_N = 10 };
    const ting_fft *fft = filters->fft[LOG_N];
    double *x = ting_alloc(N + 2 * (TING_FIR_BINS + 1) + ting_fft_scratch(fft), sizeof *x);
    if (x == NULL)
        return TING_ERR_MEMORY;
    double *re = x + N, *im = re + TING_FIR_BINS + 1;
    for (int k = 0; k <= TING_FIR_BINS; k++)
        x[k] = x[(N - k) % N] = gain[k];
    /* the transform of an even spectrum is real, and its own inverse but for N */
    ting_fft_run_in(fft, im + TING_FIR_BINS + 1, x, re, im);
    for (int t = 0; t <= TING_FIR_HALF; t++) {
        const double turn = PI * t / (TING_FIR_HALF + 1), window = 0.42 + 0.5 * cos(turn) + 0.08 * cos(2 * turn);
        taps[TING_FIR_HALF - t] = taps[TING_FIR_HALF + t] = (float)(re[t] / N * window);
    }
    ting_free(x);
    return TING_OK;
}
