/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_audio.c - a whole sound from memory: recognised, decoded, checked, mixed, resampled; then the same as raw sound. */
#include "fuzz/fuzz.h"

#include "audio/audio.h"

static void read_all(const uint8_t *data, size_t size, const char *raw)
{
    ting_audio *audio = NULL;
    float samples[1024];
    size_t count = 1, total = 0;
    if (ting_audio_open_memory("input", data, size, &(ting_audio_options){.raw = raw}, &audio) !=
        TING_OK)
        return;
    /* A few bytes can stand for hours of silence: a minute is enough. */
    while (count > 0 && total < 60 * 16000 &&
           ting_audio_read(audio, samples, 1024, &count) == TING_OK)
        total += count;
    ting_audio_close(audio);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const raws[] = {"s24le:44100:2", "f32le:8000:1", "f64le:16000:3",
                                       "alaw:96000:1"};
    read_all(data, size, NULL);
    if (size > 0)
        read_all(data, size, raws[data[0] % 4]);
    return 0;
}

/* The smallest container of libsndfile's: Sun AU, mu-law, 8 kHz, 1 channel. Those of the codecs are files, in
 * tests/fuzz/corpus/audio. */
void ting_fuzz_seeds(ting_fuzz_take *take, void *self)
{
    static const unsigned char au[24 + 16] = {'.', 's', 'n', 'd', 0, 0, 0, 24,   0,    0, 0,
                                              16,  0,   0,   0,   1, 0, 0, 0x1F, 0x40, 0, 0,
                                              0,   1,   1,   2,   3, 4, 5, 6,    7,    8};
    take(self, au, sizeof au);
}
