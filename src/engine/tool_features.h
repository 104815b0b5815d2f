/* SPDX-License-Identifier: Apache-2.0 */
/* tool_features.h - the job of `tingxie features`: one sound's features as numbers or as a picture. */
#ifndef TING_ENGINE_TOOL_FEATURES_H
#define TING_ENGINE_TOOL_FEATURES_H

#include "base/err.h"
#include "base/log.h"

#include <stdbool.h>
#include <stdio.h>

typedef enum ting_features_format {
    TING_FEATURES_TSV, /* a line a frame, values with tabs between, nine digits: float32 reads back exactly */
    TING_FEATURES_JSON, /* {"settings", "seconds_per_frame", "dim", "frames": [[...], ...]} */
    TING_FEATURES_NPY,  /* NumPy format 1.0, little-endian float32 [T, dim] */
    TING_FEATURES_SVG,
    TING_FEATURES_PNG,
} ting_features_format;

typedef struct ting_features_options {
    const char *settings; /* feat/feature.h: "icefall bins=40"; NULL with a model: the model's own */
    const char *model;    /* a model file whose acoustic network's settings are taken; NULL none */
    const char
        *cmvn; /* file of statistics (feat/cmvn.h); NULL none; given, it switches cmvn=global on */
    const char *raw; /* as in audio/audio.h, or NULL */
    int channel;     /* 0: mean of all */
    ting_features_format format;
    const ting_log *log; /* warnings; may be NULL */
    bool (*go_on)(
        void *self,
        double
            done); /* called as the work proceeds, done in [0, 1] or -1; false stops. NULL: none */
    void *self;
} ting_features_options;

/* Whether settings and `raw` are well-formed and go together. Errors: argument (one of these words), those of the model file. */
ting_err ting_tool_features_check(const ting_features_options *options);

/* Reads path ("-": standard input) and writes to `out`, which is not closed. Sound is read and written as it comes,
 * except where the settings need the whole recording. Errors: those of the sound, of settings and statistics, io,
 * cancelled. */
ting_err ting_tool_features(const ting_features_options *options, const char *path, FILE *out);

#endif
