/* SPDX-License-Identifier: Apache-2.0 */
/*
 * source.h - what audio.c asks of a container and codec: interleaved floats in order.
 *
 * Each opener fills in *source on success and leaves it zeroed otherwise; the input is borrowed until close.
 */
#ifndef TING_AUDIO_SOURCE_H
#define TING_AUDIO_SOURCE_H

#include "audio/pcm.h"

typedef struct ting_audio_source {
    void *self;
    /* Stores up to max frames (a frame is one sample of each channel); *count is fewer only at the end. */
    ting_err (*read)(void *self, float *interleaved, size_t max, size_t *count);
    void (*close)(void *self);
    int rate;
    int channels;
    int64_t frames; /* that the container promises, -1 unknown; fewer in the end mean truncation */
    int64_t estimate; /* when frames is -1: about how many, for progress; 0 unknown */
    bool truncated;   /* known at opening: the container is longer than the file */
    const bool *cut;  /* NULL, or becomes true while reading: sound followed that could not be had. Borrows until close */
    bool chained;     /* known at opening: more streams follow the one that is read */
    char format[64];
} ting_audio_source;

/* Uncompressed samples at layout->data; the input stands there. */
ting_err ting_source_pcm_open(ting_input *input, const ting_pcm_layout *layout,
                              const char *container, ting_audio_source *source);

/* Whatever libsndfile recognises; the input is seekable. Error format when it does not. */
ting_err ting_source_sndfile_open(ting_input *input, ting_audio_source *source);

/* Whether the bytes peeked at begin a file that it may know: what a pipe brings is copied only then. */
bool ting_source_sndfile_knows(const ting_input *input);
bool ting_source_ffmpeg_knows(const ting_input *input);

/* Whether an Ogg file holds several streams one after the other, or ends in the middle of one; both false for other files.
 * The input is seekable, and stands anywhere afterwards. Errors: io. */
ting_err ting_ogg_survey(ting_input *input, bool *chained, bool *cut);

/* Whatever FFmpeg recognises (ffmpeg.c), or an honest refusal (ffmpeg_absent.c): the Makefile picks one. */
ting_err ting_source_ffmpeg_open(ting_input *input, ting_audio_source *source);

#endif
