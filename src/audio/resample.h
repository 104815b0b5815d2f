/* SPDX-License-Identifier: Apache-2.0 */
/*
 * resample.h - one channel from one rate to another by soxr (high quality: 20 bits, linear phase).
 *
 * n samples in become exactly floor(n * to / from + 1/2) out; sample k out stands at time k / to. The
 * stream of outputs does not depend on how the input was cut. One thread at a time.
 */
#ifndef TING_AUDIO_RESAMPLE_H
#define TING_AUDIO_RESAMPLE_H

#include "base/err.h"

#include <stddef.h>

typedef struct ting_resampler ting_resampler;

/* Returns owned in *out, free with ting_resampler_free. Rates in Hz, 1000 to 768000. */
ting_err ting_resampler_new(int from, int to, ting_resampler **out);
void ting_resampler_free(ting_resampler *resampler);

/* Takes up to `count` input samples (*used of them) and stores up to `room` outputs (*made). Call again with
 * the rest until all are used; after that nothing is held back but the filter's own delay. */
ting_err ting_resampler_run(ting_resampler *resampler, const float *in, size_t count, size_t *used,
                            float *out, size_t room, size_t *made);

/* Call after the last input until *made is 0: gives the tail. No run may follow. */
ting_err ting_resampler_finish(ting_resampler *resampler, float *out, size_t room, size_t *made);

/* The length rule. */
long long ting_resampled_length(long long count, int from, int to);

#endif
