/* SPDX-License-Identifier: Apache-2.0 */
/* build.c - see build.h and ting_build_describe in tingxie.h. */
#include "base/build.h"

#include "base/cpu.h"
#include "base/real.h"
#include "tingxie.h"

#include <stdio.h>
#include <string.h>

const char *ting_version(void)
{
    return TING_VERSION;
}

bool ting_build_has(ting_build_part part)
{
    switch (part) {
    case TING_BUILD_FFMPEG:
#ifdef TING_WITH_FFMPEG
        return true;
#else
        return false;
#endif
    case TING_BUILD_PULL:
#ifdef TING_WITH_PULL
        return true;
#else
        return false;
#endif
    case TING_BUILD_MPI:
#ifdef TING_WITH_MPI
        return true;
#else
        return false;
#endif
    }
    return false;
}

/* What this build lacks, for a list behind `absent:`. */
static const char *absent(ting_build_part part)
{
    static const char *const names[] = {[TING_BUILD_FFMPEG] = "FFmpeg (m4a, mp4, webm: build with WITH_FFMPEG=1); ",
                                        [TING_BUILD_PULL] = "pull (downloads: libcurl and libarchive were not found); ",
                                        [TING_BUILD_MPI] =
                                            "mpirun (training by several processes: Open MPI was not found); "};
    return ting_build_has(part) ? "" : names[part];
}

size_t ting_build_describe(char *out, size_t room)
{
    const char *kernels =
#ifdef TING_SCALAR_ONLY
        "plain C only";
#else
        "by processor";
#endif
    const char *compiler =
#ifdef __VERSION__
        __VERSION__;
#else
        "unknown";
#endif
    char lacks[256];
    snprintf(lacks, sizeof lacks, "%s%s%s", absent(TING_BUILD_FFMPEG), absent(TING_BUILD_PULL), absent(TING_BUILD_MPI));
    const size_t end = strlen(lacks);
    lacks[end > 2 ? end - 2 : 0] = '\0'; /* the last "; " */
    int length =
        snprintf(out, room,
                 "tingxie %s\n"
                 "compiler: %s\n"
                 "numbers: %s, kernels: %s\n"
                 "sound files: libsndfile%s\n"
                 "processor: %s%s, %d threads\n"
                 "absent: %s\n",
                 TING_VERSION, compiler, sizeof(ting_real) == 4 ? "single" : "double", kernels,
                 ting_build_has(TING_BUILD_FFMPEG) ? ", FFmpeg (m4a, mp4, webm)" : "", ting_cpu_name(ting_cpu_detect()),
                 ting_cpu_unknown() != NULL ? " (TING_CPU names no level and is ignored)" : "", ting_cpu_count(),
                 lacks[0] != '\0' ? lacks : "nothing");
    return length > 0 ? (size_t)length : 0;
}
