/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fbank.h - Kaldi's filterbank without dither, whole or as the sound comes in.
 *
 *     ting_fbank *fbank = NULL;
 *     TRY(ting_fbank_new(&config, &fbank));
 *     while (... samples come ...) {
 *         TRY(ting_fbank_accept(fbank, samples, count));
 *         frames = ting_fbank_read(fbank, out, room);     [frames, dim]
 *     }
 *     ting_fbank_finish(fbank);                           then read what is left
 *     ting_fbank_free(fbank);
 *
 * Every frame is computed alone from its own samples, so any cutting into pieces gives bitwise the same
 * frames. A frame is ready as soon as its last sample is in; with mirrored edges the last few wait for
 * finish. Reading as it comes keeps memory at one window and one piece, and takes none once pieces stop growing.
 *
 * Normalisation (config.cmvn) is not done here: see cmvn.h. One thread at a time per ting_fbank.
 *
 * Reference: Kaldi feat/feature-window.cc, feature-fbank.cc, mel-computations.cc; the order within a
 * frame is mean, energy, pre-emphasis, window, energy if not raw, FFT, power, mel, logarithm.
 */
#ifndef TING_FEAT_FBANK_H
#define TING_FEAT_FBANK_H

#include "feat/feature.h"

typedef struct ting_fbank ting_fbank;

/* Returns owned in *out, free with ting_fbank_free. config is copied. Errors: format, memory. */
ting_err ting_fbank_new(const ting_feature_config *config, ting_fbank **out);
void ting_fbank_free(ting_fbank *fbank);

/* Back to the state after ting_fbank_new; keeps the memory. */
void ting_fbank_reset(ting_fbank *fbank);

/* Copies `count` samples in [-1, 1]. Errors: memory; argument after finish. */
ting_err ting_fbank_accept(ting_fbank *fbank, const float *samples, size_t count);

/* No more samples will come: the frames that touch the end become ready. */
void ting_fbank_finish(ting_fbank *fbank);

/* Frames that ting_fbank_read can give now. */
size_t ting_fbank_ready(const ting_fbank *fbank);

/* Stores the next frames, at most `max`, at out [max, dim] and returns how many. */
size_t ting_fbank_read(ting_fbank *fbank, float *out, size_t max);

/* A whole recording: *out returns owned [*frames, dim], free with ting_free. */
ting_err ting_fbank_compute(const ting_feature_config *config, const float *samples, size_t count,
                            float **out, size_t *frames);

#endif
