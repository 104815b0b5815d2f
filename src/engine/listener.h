/* SPDX-License-Identifier: Apache-2.0 */
/*
 * listener.h - sound as it comes -> rows of the acoustic encoder, a chunk or more at a time.
 *
 *     samples at any rate -> 16 kHz -> fbank [T, bins] 100 Hz -> encoder in chunks -> rows [n, dim]
 *
 * Chunks are cut at fixed places, so the rows are bitwise the same however the samples were cut. As many whole
 * chunks as there are, up to a limit, go through the network in one call: a file is faster than a
 * microphone, with the same result. Memory is bounded; in steady state nothing is allocated.
 *
 * At the end silence is appended (ting_listener_finish), so that the look-ahead of the last sounds is
 * filled; what then does not fill a chunk is silence and is dropped.
 */
#ifndef TING_ENGINE_LISTENER_H
#define TING_ENGINE_LISTENER_H

#include "feat/feature.h"
#include "model/encoder.h"

typedef struct ting_listener ting_listener;

/* Gets `rows` [n, dim]; the first of them is row number `first` since the start. The context's arena may be
 * used and is rewound afterwards. */
typedef struct ting_row_sink {
    ting_err (*take)(void *self, ting_ctx *ctx, ting_tensor rows, long first);
    void *self;
} ting_row_sink;

/* Returns owned in *out, free with ting_listener_free. The encoder, the pool (may be NULL: one thread) and the sink's
 * target are borrowed. Errors: unsupported (an encoder that is not causal), model (features that do not fit
 * it), argument (rate), memory. */
ting_err ting_listener_new(const ting_encoder *encoder, const ting_feature_config *features, int rate,
                           ting_pool *pool, ting_row_sink sink, ting_listener **out);
void ting_listener_free(ting_listener *listener);

/* Back to the beginning. Errors: memory. */
ting_err ting_listener_reset(ting_listener *listener);

/* Errors: numeric (the time of the sample that is not finite), argument (after finish), memory, those of the sink. */
ting_err ting_listener_feed(ting_listener *listener, const float *samples, size_t count);
ting_err ting_listener_finish(ting_listener *listener);

/* Seconds of sound fed, and seconds that the encoder's rows cover. */
double ting_listener_fed(const ting_listener *listener);
double ting_listener_heard(const ting_listener *listener);

/* Seconds from one row to the next. */
double ting_listener_row_seconds(const ting_listener *listener);

#endif
