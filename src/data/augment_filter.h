/* SPDX-License-Identifier: Apache-2.0 */
/*
 * augment_filter.h - long and short impulse responses over whole sounds by Fourier transform (overlap-add), and short
 * ones made from a wanted gain per frequency.
 */
#ifndef TING_DATA_AUGMENT_FILTER_H
#define TING_DATA_AUGMENT_FILTER_H

#include "feat/fft.h"

enum {
    TING_FILTER_LEAST = 9, TING_FILTER_MOST = 17, /* transforms of 2^9 to 2^17 values */
    TING_FILTER_TAPS = 1 << 16,                   /* longest response */
    TING_FIR_BINS = 512,                          /* a wanted gain is given at k 8000 / TING_FIR_BINS Hz, k from 0 */
    TING_FIR_HALF = 255,
    TING_FIR_TAPS = 2 * TING_FIR_HALF + 1
};

typedef struct ting_filters { /* shared by threads once made */
    ting_fft *fft[TING_FILTER_MOST + 1]; /* of 2^i values */
} ting_filters;

/* Free with ting_filters_free, also after an error (memory). */
ting_err ting_filters_make(ting_filters *out);
void ting_filters_free(ting_filters *filters);

/*
 * y[t] = sum over k of h[k] x[t + delay - k], 0 <= t < count, zeros outside of x; in place. 1 <= taps <=
 * TING_FILTER_TAPS, delay < taps. Errors: memory; x is then as it was.
 */
ting_err ting_filter_run(const ting_filters *filters, const float *h, size_t taps, size_t delay, float *x,
                         size_t count);

/*
 * taps[TING_FIR_TAPS] with linear phase and delay TING_FIR_HALF, from gain[TING_FIR_BINS + 1] >= 0. A step of the gain
 * becomes a slope of about 180 Hz, what lies below it is damped by 70 dB (Blackman window). Error: memory.
 */
ting_err ting_fir_make(const ting_filters *filters, const double *gain, float *taps);

/* From the spectrum of n = 2^i real values back to them; re and im are those of ting_fft_run, x has n values. */
void ting_filter_inverse(const ting_fft *fft, int n, double *scratch, double *re, double *im, double *x);

#endif
