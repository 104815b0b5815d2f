/* SPDX-License-Identifier: Apache-2.0 */
/* mel.h - a bank of triangular filters over an FFT's bins, and the spectrum they are applied to. */
#ifndef TING_FEAT_MEL_H
#define TING_FEAT_MEL_H

#include "feat/feature.h"

typedef struct ting_mel_bank {
    int bins;     /* triangles */
    int spectrum; /* fft / 2 + 1 */
    int *start;   /* [bins] first FFT bin of each */
    int *count;   /* [bins] how many FFT bins; 0 for a triangle between two of them */
    int *offset;  /* [bins] where its weights begin */
    double *weights;
} ting_mel_bank;

/* Kaldi's triangles (straight over mel, the bin at half the rate left out) or librosa's (straight over frequency), as
 * mel_linear_in, mel_scale and mel_norm say. Free with ting_mel_bank_free. Error: memory. */
ting_err ting_mel_bank_init(const ting_feature_config *config, ting_mel_bank *bank);
void ting_mel_bank_free(ting_mel_bank *bank);

/* out[b] = sum of weights times spectrum; spectrum has bank->spectrum values. */
void ting_mel_bank_apply(const ting_mel_bank *bank, const double *spectrum, double *out);

double ting_mel_from_hz(ting_mel_scale scale, double hz);
double ting_mel_to_hz(ting_mel_scale scale, double mel);

/* The spectrum of real frames. One thread at a time. */
typedef struct ting_spectrum {
    int size;  /* of the FFT */
    int power; /* 2 or 1 */
    struct ting_fft *fft;
    double *frame;   /* [size] fill in before ting_spectrum_run */
    double *re, *im; /* [size / 2 + 1] */
    double *value;   /* [size / 2 + 1] power or magnitude */
} ting_spectrum;

/* Error: memory. Free with ting_spectrum_free. */
ting_err ting_spectrum_init(int size, int power, ting_spectrum *spectrum);
void ting_spectrum_run(ting_spectrum *spectrum);
void ting_spectrum_free(ting_spectrum *spectrum);

#endif
