/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fft.h - the discrete Fourier transform of real frames of any length, in double.
 *
 *     X[k] = sum over t of x[t] exp(-2 pi i k t / n),  k = 0 .. n / 2
 *
 * Why not a library: the one at hand (kissfft) is packaged in float only, and a float transform errs by 1e-7 of the
 * loudest bin; where a faint bin stands 17 nepers below it, its logarithm is off by 1.2e-4, more than the 1e-4 that features
 * may differ from their reference.
 */
#ifndef TING_FEAT_FFT_H
#define TING_FEAT_FFT_H

#include "base/err.h"

#include <stddef.h>

typedef struct ting_fft ting_fft;

/* Returns owned in *out, free with ting_fft_free; n from 1 to 2^20. Fast for products of 2, 3, 4, 5; n^2 for a large prime.
 * Errors: argument, memory. */
ting_err ting_fft_new(int n, ting_fft **out);
void ting_fft_free(ting_fft *fft);

/* x has n values; re and im get n / 2 + 1. One thread at a time per ting_fft; allocates nothing. */
void ting_fft_run(ting_fft *fft, const double *x, double *re, double *im);

/* The same in the caller's memory, ting_fft_scratch(fft) values: so many threads may share one ting_fft. */
void ting_fft_run_in(const ting_fft *fft, double *scratch, const double *x, double *re, double *im);
size_t ting_fft_scratch(const ting_fft *fft);

#endif
