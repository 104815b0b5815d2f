/* SPDX-License-Identifier: Apache-2.0 */
/* manifest_parts.h - what the readers of manifest.h's forms have in common. */
#ifndef TING_DATA_MANIFEST_PARTS_H
#define TING_DATA_MANIFEST_PARTS_H

#include "base/tsv.h"
#include "data/manifest.h"

/* What is known of a clip, and the names of it in a header line or as a key: the first name that is there counts. */
typedef enum ting_clip_field {
    TING_CLIP_ID,
    TING_CLIP_PATH,
    TING_CLIP_TEXT,
    TING_CLIP_PINYIN,
    TING_CLIP_SPEAKER,
    TING_CLIP_SECONDS,
    TING_CLIP_START,
    TING_CLIP_END,
    TING_CLIP_FIELDS
} ting_clip_field;

enum { TING_CLIP_NAMES = 4 };
extern const char *const ting_clip_names[TING_CLIP_FIELDS][TING_CLIP_NAMES]; /* ends with NULL, or is full */

typedef struct ting_clip_views {        /* one clip before it is copied */
    ting_view fields[TING_CLIP_FIELDS]; /* as written; empty: not known */
} ting_clip_views;

enum { TING_MOST_CHOICES = 4 };

typedef struct ting_manifest_reader {
    const char *name; /* of the file, for messages; `line` goes with it */
    long line;
    const char *base;  /* NULL: the working directory */
    char *chosen;      /* a copy of `only`, cut into columns and values; owned by ting_manifest_read */
    const char *column[TING_MOST_CHOICES], *value[TING_MOST_CHOICES];
    int choices; /* 0: all clips */
    const ting_log *bad;
    ting_manifest *manifest;
} ting_manifest_reader;

/* An empty list. Returns owned, free with ting_manifest_free; NULL when out of memory. */
ting_manifest *ting_manifest_new(void);

/* Copies the clip into the list. Errors: format (with name and line), memory. */
ting_err ting_manifest_add(ting_manifest_reader *reader, const ting_clip_views *views);

/* What a line came to: passes on everything but a bad line (format) where these are only reported. */
ting_err ting_manifest_settle(ting_manifest_reader *reader, ting_err err);

/* The forms: the file reader->name, and a folder, whose files take turns as reader->name. */
ting_err ting_manifest_read_lines(ting_manifest_reader *reader);
ting_err ting_manifest_read_kaldi(ting_manifest_reader *reader, const char *folder);

#endif
