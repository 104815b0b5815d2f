/* SPDX-License-Identifier: Apache-2.0 */
/*
 * logmel.h - the log-mel of librosa as the tutorial uses it; needs the whole recording, because its first step is
 * its peak.
 *
 *     x / (max|x| + 1e-9) -> x[t] - 0.97 x[t - 1] -> centred STFT -> power -> Slaney mel -> log(x + 1e-20)
 *
 * Normalisation (config.cmvn) is not done here: see cmvn.h. Reference: librosa 0.9.2, core/spectrum.py, filters.py.
 */
#ifndef TING_FEAT_LOGMEL_H
#define TING_FEAT_LOGMEL_H

#include "feat/feature.h"

/* The first two steps; `out` has `count` elements and may be `samples`. */
void ting_logmel_prepare(const ting_feature_config *config, const float *samples, size_t count,
                         float *out);

/* *out returns owned [*frames, bins], free with ting_free. Errors: argument (kind), format, memory. */
ting_err ting_logmel_compute(const ting_feature_config *config, const float *samples, size_t count,
                             float **out, size_t *frames);

#endif
