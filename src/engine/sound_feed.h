/* SPDX-License-Identifier: Apache-2.0 */
/* sound_feed.h - whole recordings in blocks to whoever hears them, with the caller's progress. */
#ifndef TING_ENGINE_SOUND_FEED_H
#define TING_ENGINE_SOUND_FEED_H

#include "engine/model.h"

#include <stdbool.h>

typedef struct ting_sound_sink {
    ting_err (*take)(void *self, const float *samples, size_t count); /* count 0: the sound is over */
    void *self;
} ting_sound_sink;

/* A file ("-": standard input) at the model's rate; *seconds: its length. *stopped: progress stopped it, and options->keep_partial. Errors:
 * as ting_recognize_file, and those of the sink. */
ting_err ting_sound_feed_file(const ting_model *model, const char *path, const ting_options *options, ting_sound_sink sink,
                              double *seconds, bool *stopped);

/* Samples at any rate, as they are. Errors: cancelled, those of the sink. */
ting_err ting_sound_feed_samples(const float *samples, size_t count, int rate, const ting_options *options, ting_sound_sink sink);

#endif
