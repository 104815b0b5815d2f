/* SPDX-License-Identifier: Apache-2.0 */
/* ffmpeg_absent.c - stands in for ffmpeg.c in builds without WITH_FFMPEG=1; see source.h. */
#include "audio/source.h"

bool ting_source_ffmpeg_knows(const ting_input *input)
{
    (void)input;
    return false;
}

ting_err ting_source_ffmpeg_open(ting_input *input, ting_audio_source *source)
{
    *source = (ting_audio_source){0};
    return ting_fail(TING_ERR_UNSUPPORTED,
                     "%s: this build reads no such files; build it with WITH_FFMPEG=1",
                     input->name);
}
