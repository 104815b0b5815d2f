/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tiny.h - a model small enough for tests that need no file from outside: a streaming Zipformer transducer with random
 * weights (two stacks of 16 columns, 40 mel bins, 9 tokens), and a pinyin-to-hanzi Transformer of one layer for the
 * syllables that these tokens make. What they write means nothing, but they write something for every sound that is
 * not silent.
 */
#ifndef TING_TESTS_TINY_H
#define TING_TESTS_TINY_H

#include "model/am_file.h"

#include <stddef.h>

/* Which networks a file gets. */
typedef enum ting_tiny_networks { TING_TINY_AM = 1, TING_TINY_P2H = 2, TING_TINY_BOTH = 3 } ting_tiny_networks;

/* Saves it as a GGUF file. */
ting_err ting_tiny_model_save(const char *path, unsigned seed, ting_tiny_networks networks);

/* An acoustic network of any kind with random weights, the same for the same seed; owned, free with ting_am_net_free. */
ting_err ting_tiny_net(const ting_am_config *config, unsigned seed, ting_am_net **out);

/* One as a file; `about` says what the file says. */
ting_err ting_tiny_net_save(const char *path, unsigned seed, const ting_am_config *config, const ting_am_about *about);

/* A sound for it: tones that change, with silences in between; `count` samples at 16 kHz. */
void ting_tiny_sound(float *samples, size_t count);

/* Writes samples as a WAV file, one channel, 16 bits. */
ting_err ting_tiny_wav_save(const char *path, const float *samples, size_t count, int rate);

#endif
