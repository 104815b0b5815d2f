/* SPDX-License-Identifier: Apache-2.0 */
/* build.h - what this build holds: the one place that asks the build flags. */
#ifndef TING_BASE_BUILD_H
#define TING_BASE_BUILD_H

#include <stdbool.h>

typedef enum ting_build_part {
    TING_BUILD_FFMPEG, /* m4a, mp4, webm: WITH_FFMPEG=1 */
    TING_BUILD_PULL,   /* downloads: libcurl and libarchive */
    TING_BUILD_MPI     /* training under mpirun: Open MPI */
} ting_build_part;

bool ting_build_has(ting_build_part part);

#endif
