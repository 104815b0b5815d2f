/* SPDX-License-Identifier: Apache-2.0 */
/* build.h - what this build holds: the one place that asks the build flags. */
#ifndef TING_BASE_BUILD_H
#define TING_BASE_BUILD_H

#include <stdbool.h>

typedef enum ting_part {
    TING_PART_FFMPEG, /* m4a, mp4, webm: WITH_FFMPEG=1 */
    TING_PART_PULL    /* downloads: libcurl and libarchive */
} ting_part;

bool ting_build_has(ting_part part);

#endif
