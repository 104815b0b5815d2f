/* SPDX-License-Identifier: Apache-2.0 */
/*
 * audio.h - any sound in, blocks of mono float samples at one rate out.
 *
 *     bytes (file, standard input, callbacks)
 *       -> container and codec   own reader for WAV and raw, libsndfile for the rest, FFmpeg if built in
 *       -> interleaved floats    full scale is [-1, 1]
 *       -> one channel           mean of all, or the one asked for
 *       -> 16 kHz                soxr
 *
 *     ting_audio *audio = NULL;
 *     TRY(ting_audio_open("talk.flac", &(ting_audio_options){0}, &audio));
 *     for (;;) {
 *         TRY(ting_audio_read(audio, samples, 4096, &count));
 *         if (count == 0)
 *             break;
 *         ... use `count` samples ...
 *     }
 *     ting_audio_close(audio);
 *
 * Memory is bounded whatever the length: a few blocks per open sound. A given file gives bitwise the
 * same samples whatever the sizes asked for in ting_audio_read.
 *
 * Length rule: n samples at rate r become floor(n * out_rate / r + 1/2) samples; sample k stands at
 * time k / out_rate (linear phase, the filter's delay is taken out). When the rates agree, samples pass
 * untouched.
 *
 * Sound that ends before its container says so is delivered as far as it goes; a warning goes to the log and
 * info.truncated is set. Of chained Ogg the first sound is read, with a warning.
 *
 * Errors: io (missing, unreadable, a folder), format (empty, no samples, not a sound file, broken header), unsupported
 * (a codec this build lacks), argument (channel that is not there, bad raw description), cancelled (options.stop),
 * numeric (NaN, infinity or beyond 1e6 in a sample; the sentence has its time).
 *
 * One thread at a time per ting_audio; different ones are independent.
 */
#ifndef TING_AUDIO_AUDIO_H
#define TING_AUDIO_AUDIO_H

#include "base/err.h"
#include "base/log.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct ting_audio ting_audio;

typedef struct ting_audio_options {
    int channel; /* 0: mean of all channels; 1 is the first, and so on: that one alone */
    int rate;    /* of the samples delivered, in Hz, 1000 to 768000; 0: 16000 */
    const char
        *raw; /* NULL: the bytes say what they are; else headerless "FORMAT:RATE:CHANNELS", such as
                          * "s16le:16000:1": s8 u8 s16le s24le s32le f32le f64le mulaw alaw */
    const ting_log *log; /* gets warnings; borrows until close; may be NULL */
    bool (*stop)(void *self); /* asked before each read from a pipe and several times a second while it is quiet; true ends
                               * reading with TING_ERR_CANCELLED. NULL: reading waits as long as it takes */
    void *stop_self;
} ting_audio_options;

typedef struct ting_audio_info {
    char format[64]; /* such as "WAV s16le" or "FLAC"; for people */
    int source_rate; /* Hz */
    int channels;    /* in the container */
    int64_t
        expected; /* samples that ting_audio_read will give in all if the container is right; -1 unknown */
    int64_t delivered;
    bool truncated; /* known once the end was reached */
} ting_audio_info;

/* A caller's own bytes. */
typedef struct ting_audio_bytes {
    void *self;
    /* Stores up to `max` bytes; returns how many, 0 at the end, -1 on failure. */
    ptrdiff_t (*read)(void *self, void *bytes, size_t max);
    /* Goes to an absolute byte; returns 0, or -1. NULL when the bytes only come once, in order. */
    int (*seek)(void *self, int64_t position);
    int64_t size; /* bytes in all; used only with seek */
} ting_audio_bytes;

/* Opens a file, or standard input when path is "-". Reads the first block, so that a sound without a
 * sample fails here. WAV and raw sound is read from a pipe as it comes; other formats are copied from
 * a pipe to a nameless temporary file first (in TMPDIR), if its first 4096 bytes begin a known format. Returns
 * owned in *out, close with ting_audio_close; NULL on
 * failure. options may be NULL. */
ting_err ting_audio_open(const char *path, const ting_audio_options *options, ting_audio **out);

/* The same from callbacks, which are borrowed until close; `name` is for sentences and copied. */
ting_err ting_audio_open_bytes(const char *name, const ting_audio_bytes *bytes,
                               const ting_audio_options *options, ting_audio **out);

/* The same from `size` bytes in memory, borrowed until close. */
ting_err ting_audio_open_memory(const char *name, const void *data, size_t size,
                                const ting_audio_options *options, ting_audio **out);

/* Stores up to max >= 1 samples; *count is how many, 0 only at the end. After an error the sound is over; with
 * TING_ERR_CANCELLED the *count samples that had come are good. */
ting_err ting_audio_read(ting_audio *audio, float *samples, size_t max, size_t *count);

/* Borrowed until close. */
const ting_audio_info *ting_audio_describe(const ting_audio *audio);

void ting_audio_close(ting_audio *audio);

/* Reads a whole sound: *samples returns owned (free with ting_free), *count their number. For short
 * files: memory grows with length. info may be NULL. */
ting_err ting_audio_load(const char *path, const ting_audio_options *options, float **samples,
                         size_t *count, ting_audio_info *info);

#endif
