/* SPDX-License-Identifier: Apache-2.0 */
/* wav.h - samples to a WAV file: one channel, 16 bits, no dither. */
#ifndef TING_AUDIO_WAV_H
#define TING_AUDIO_WAV_H

#include "base/err.h"

#include <stddef.h>

/* Replaces `path` atomically; samples [count] beyond [-1, 1] are cut off. Errors: io, memory; argument (over 2^30 samples). */
ting_err ting_wav_save(const char *path, const float *samples, size_t count, int rate);

#endif
