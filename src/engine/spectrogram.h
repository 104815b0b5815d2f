/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spectrogram.h - features as a picture: time to the right, mel bins upwards, both with axes, and a colour scale.
 *
 *     frames [T, dim] -> at most 4096 columns -> PNG, or SVG that holds the coloured cells as a PNG
 *
 * Frames are added as they come. When the columns are full, neighbours are averaged and every column stands for twice as
 * many frames: memory stays the same for ten hours.
 */
#ifndef TING_ENGINE_SPECTROGRAM_H
#define TING_ENGINE_SPECTROGRAM_H

#include "base/str.h"
#include "feat/feature.h"

typedef struct ting_spectrogram ting_spectrogram;

/* Returns owned in *out, free with ting_spectrogram_free; config is copied. Error: memory. */
ting_err ting_spectrogram_new(const ting_feature_config *config, ting_spectrogram **out);
void ting_spectrogram_free(ting_spectrogram *spectrogram);

/* frames [count, ting_feature_dim(config)] */
void ting_spectrogram_add(ting_spectrogram *spectrogram, const float *frames, size_t count);

/* Append a complete file. `title` (UTF-8) stands above the SVG; the PNG has none. Errors: argument (no frames), memory. */
ting_err ting_spectrogram_png(const ting_spectrogram *spectrogram, ting_str *out);
ting_err ting_spectrogram_svg(const ting_spectrogram *spectrogram, const char *title,
                              ting_str *out);

/* Where a frequency stands among the mel bins of features: 0 at the lower edge of the lowest, 1 at the upper edge of the highest. */
double ting_spectrogram_height(const ting_feature_config *config, double hz);

#endif
