/* SPDX-License-Identifier: Apache-2.0 */
/*
 * listener.h - sound as it comes -> rows of the acoustic encoder, some at a time.
 *
 *     samples at any rate -> the model's rate -> no digital silence (audio/dither.h) -> features [T, dim] -> encoder -> rows [n, dim]
 *
 * A model that can stream hears chunks (0.3 to 0.6 s) as they come; any other one segments between pauses, whole (ears.h), and
 * so says nothing before a pause. Cuts are at places that depend on the sound alone, so the rows are bitwise the same however
 * the samples were cut. Memory is bounded; in steady state a streaming model allocates nothing.
 */
#ifndef TING_ENGINE_LISTENER_H
#define TING_ENGINE_LISTENER_H

#include "engine/am.h"
#include "nn/ctx.h"

typedef struct ting_listener ting_listener;

typedef struct ting_row_sink {
    /* Gets `rows` [n, dim]; the first of them is row number `first` since the start. The context's arena may be used and is
     * rewound afterwards. */
    ting_err (*take)(void *self, ting_ctx *ctx, ting_tensor rows, long first);
    /* There was a pause as long as ends a sentence; of models that hear segments only. NULL: not wanted. */
    ting_err (*pause)(void *self);
    void *self;
    /* A call of the network follows, whose first row is number `first`; those that it was given as context alone lie before the rows that
     * `take` gets. NULL: not wanted. */
    void (*begin)(void *self, long first);
} ting_row_sink;

typedef struct ting_listener_options {
    int rate;              /* of the samples */
    double pause, longest; /* seconds: of a pause that ends a sentence, and of a sentence (tingxie.h); segments */
    bool whole;            /* segments also of a model that can stream */
    ting_pool *pool;       /* NULL: one thread */
    const ting_tap *tap;   /* sees inside the encoder; borrowed. NULL: none */
} ting_listener_options;

/* Returns owned in *out, free with ting_listener_free. The model, the pool and the sink's target are borrowed. Errors:
 * unsupported (segments of a file that can only stream), argument (rate), memory. */
ting_err ting_listener_new(const ting_am *am, const ting_listener_options *options, ting_row_sink sink, ting_listener **out);
void ting_listener_free(ting_listener *listener);

/* Back to the beginning. Errors: memory. */
ting_err ting_listener_reset(ting_listener *listener);

/* Errors: numeric (the time of the sample that is not finite), argument (after finish), memory, those of the sink. */
ting_err ting_listener_feed(ting_listener *listener, const float *samples, size_t count);
ting_err ting_listener_finish(ting_listener *listener);

/* Seconds of sound fed, and seconds that the encoder's rows cover. */
double ting_listener_fed(const ting_listener *listener);
double ting_listener_heard(const ting_listener *listener);

/* Seconds from one row to the next, and after how many rows one asks whether a sentence is over: a chunk's, or 0.32 s. */
double ting_listener_row_seconds(const ting_listener *listener);
int ting_listener_chunk_rows(const ting_listener *listener);

#endif
