/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pcm.h - uncompressed samples: their formats, the text that describes headerless sound, and the RIFF
 * header of WAV files.
 */
#ifndef TING_AUDIO_PCM_H
#define TING_AUDIO_PCM_H

#include "audio/input.h"

typedef enum ting_pcm_format {
    TING_PCM_S8,
    TING_PCM_U8,
    TING_PCM_S16LE,
    TING_PCM_S24LE,
    TING_PCM_S32LE,
    TING_PCM_F32LE,
    TING_PCM_F64LE,
    TING_PCM_MULAW, /* ITU-T G.711 */
    TING_PCM_ALAW,
    TING_PCM_COUNT
} ting_pcm_format;

enum { TING_MAX_CHANNELS = 1024, TING_MIN_RATE = 1000, TING_MAX_RATE = 768000 };

typedef struct ting_pcm_layout {
    ting_pcm_format format;
    int rate;     /* Hz */
    int channels; /* 1 .. TING_MAX_CHANNELS */
    int64_t data; /* byte at which samples start */
    int64_t size; /* bytes of samples, or -1: up to the end of the input */
} ting_pcm_layout;

const char *ting_pcm_name(ting_pcm_format format); /* "s16le"; static storage */
int ting_pcm_width(ting_pcm_format format);        /* bytes of one sample, 1 to 8 */

/* Decodes count samples; integers become x / 2^(bits - 1). */
void ting_pcm_decode(ting_pcm_format format, const unsigned char *bytes, size_t count, float *out);

/* Reads "s16le:16000:1". Error: argument. */
ting_err ting_pcm_parse(const char *text, ting_pcm_layout *out);

typedef enum ting_riff_verdict {
    TING_RIFF_NOT, /* no WAV, or one whose codec or order of chunks is for libsndfile */
    TING_RIFF_PCM, /* *out is filled in, and the input stands at the first sample */
} ting_riff_verdict;

/* Reads the header of a WAV file (RIFF, RF64, BW64; Microsoft and IBM 1991, EBU Tech 3306) from byte 0 of the
 * input. Sizes that writers on a pipe leave behind (0 or nearly 4 GB) count as unknown. Errors: format
 * for 0 channels, rates and block sizes that make no sense, a header that stops in the middle. With TING_RIFF_NOT
 * the input stands at byte 0 again. */
ting_err ting_riff_read(ting_input *input, ting_riff_verdict *verdict, ting_pcm_layout *out);

/* Refuses channel counts and rates outside the limits above. Error: format. */
ting_err ting_pcm_check(const char *name, int64_t rate, int64_t channels);

#endif
