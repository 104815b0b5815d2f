/* SPDX-License-Identifier: Apache-2.0 */
/* clip_sound.h - what is in the sound of clips, by header or sample by sample. */
#ifndef TING_DATA_CLIP_SOUND_H
#define TING_DATA_CLIP_SOUND_H

#include "data/manifest.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct ting_clip_sound {
    ting_err err;        /* of opening or reading; the fields below hold then what was seen before */
    bool missing;        /* there is no such file */
    char sentence[256];  /* of err */
    int rate;            /* Hz, of the file */
    double seconds;      /* of the clip; the file's own word if it was not decoded; < 0: not known */
    double file_seconds; /* of the whole file by its header; < 0: not known */
    bool truncated;
    bool decoded;     /* the rest is known: */
    size_t samples;   /* at 16 kHz */
    size_t full;      /* samples at full scale */
    double deviation; /* standard deviation of the samples, full scale is 1 */
} ting_clip_sound;

/* Examines `count` >= 1 clips that have one path, at clips[0], clips[1], ...; pieces in ascending order are decoded in
 * one pass through the file. decode: all samples are looked at; else only where the header does not say how many there
 * are. `stop` (may be NULL) is asked between blocks; what comes out after it answered true is worth nothing. Any
 * thread. */
void ting_clip_sound_examine(const ting_clip *clips, size_t count, bool decode, bool (*stop)(void *self), void *self,
                             ting_clip_sound *out);

#endif
