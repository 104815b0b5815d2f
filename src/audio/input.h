/* SPDX-License-Identifier: Apache-2.0 */
/*
 * input.h - bytes of a sound, from a descriptor, callbacks or memory, with a look at the first ones.
 *
 * The first TING_INPUT_PEEK bytes can be looked at without being consumed, so that the format can be
 * recognised on a pipe. A pipe becomes seekable by ting_input_spool.
 */
#ifndef TING_AUDIO_INPUT_H
#define TING_AUDIO_INPUT_H

#include "audio/audio.h"

enum { TING_INPUT_PEEK = 4096 };

typedef struct ting_input {
    const char *name; /* borrowed from the owner */
    int fd;           /* -1: bytes come from `bytes` */
    bool close_fd;
    bool seekable;
    bool (*stop)(void *self); /* see ting_audio_options */
    void *stop_self;
    int reason;       /* errno of a failed read, or 0 */
    int64_t size;     /* when seekable */
    int64_t position; /* of the next byte that read gives */
    ting_audio_bytes bytes;
    unsigned char peek[TING_INPUT_PEEK];
    size_t peeked; /* bytes in peek; they are bytes 0 .. peeked - 1 of the input */
} ting_input;

/* Opens a path, "-" for standard input; of the options it takes `stop`. Errors: io, with a sentence for folders and missing
 * files; cancelled. */
ting_err ting_input_open(ting_input *input, const char *path, const ting_audio_options *options);
ting_err ting_input_open_bytes(ting_input *input, const char *name, const ting_audio_bytes *bytes);
void ting_input_close(ting_input *input);

/* Up to max bytes; fewer only at the end, and when stopped (cancelled). A failure is an error whose sentence has the name. */
ting_err ting_input_read(ting_input *input, void *bytes, size_t max, size_t *count);

/* Goes to an absolute byte; only on a seekable input, or within the bytes peeked at. */
ting_err ting_input_seek(ting_input *input, int64_t position);

/* Copies a pipe to a nameless temporary file and goes to byte 0. Does nothing to a seekable input. */
ting_err ting_input_spool(ting_input *input);

#endif
