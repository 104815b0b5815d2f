/* SPDX-License-Identifier: Apache-2.0 */
/* source_pcm.c - uncompressed samples from any input, pipes included; see source.h. */
#include "audio/source.h"

#include "base/mem.h"

#include <stdio.h>

typedef struct pcm_source {
    ting_input *input;
    ting_pcm_layout layout;
    size_t frame;               /* bytes of one sample of each channel */
    int64_t left;               /* bytes still to come, or -1 */
    unsigned char bytes[16384]; /* at least one frame: 1024 channels of 8 bytes */
} pcm_source;

static ting_err read_frames(void *self, float *interleaved, size_t max, size_t *count)
{
    ting_err err = TING_OK;
    pcm_source *source = self;
    *count = 0;
    while (*count < max && source->left != 0) {
        size_t wanted = sizeof source->bytes / source->frame, got = 0;
        if (wanted > max - *count)
            wanted = max - *count;
        if (source->left > 0 && (int64_t)wanted > source->left / (int64_t)source->frame)
            wanted = (size_t)(source->left / (int64_t)source->frame);
        TRY(ting_input_read(source->input, source->bytes, wanted * source->frame, &got));
        size_t frames = got / source->frame;
        size_t channels = (size_t)source->layout.channels;
        ting_pcm_decode(source->layout.format, source->bytes, frames * channels,
                        interleaved + *count * channels);
        *count += frames;
        if (source->left > 0)
            source->left -= (int64_t)(frames * source->frame);
        if (frames < wanted)
            source->left = 0;
        if (source->left > 0 && source->left < (int64_t)source->frame)
            source->left = 0; /* a piece of a frame at the end of the data chunk */
    }
out:
    return err;
}

static void close_source(void *self)
{
    ting_free(self);
}

ting_err ting_source_pcm_open(ting_input *input, const ting_pcm_layout *layout,
                              const char *container, ting_audio_source *out)
{
    pcm_source *source = ting_alloc(1, sizeof *source);
    if (source == NULL)
        return TING_ERR_MEMORY;
    source->input = input;
    source->layout = *layout;
    source->frame = (size_t)ting_pcm_width(layout->format) * (size_t)layout->channels;
    source->left = layout->size;
    int64_t size = layout->size;
    if (input->seekable && size < 0)
        size = input->size - layout->data;
    *out = (ting_audio_source){.self = source, .read = read_frames, .close = close_source};
    out->rate = layout->rate;
    out->channels = layout->channels;
    out->frames = size < 0 ? -1 : size / (int64_t)source->frame;
    snprintf(out->format, sizeof out->format, "%s %s", container, ting_pcm_name(layout->format));
    return TING_OK;
}
