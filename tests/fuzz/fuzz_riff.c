/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_riff.c - sound in WAV containers, whole and to its end. Inputs that are no RIFF, RF64 or RIFX are passed
 * over: those formats are libsndfile's to read.
 */
#include "fuzz/fuzz.h"

#include "audio/audio.h"
#include "base/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_SAMPLES = 1 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 4 || (memcmp(data, "RIF", 3) != 0 && memcmp(data, "RF64", 4) != 0))
        return 0;
    unsigned char *bytes = ting_fuzz_copy(data, size);
    ting_audio *audio = NULL;
    float samples[1024];
    size_t count = 1;
    if (ting_audio_open_memory("fuzz", bytes, size, NULL, &audio) == TING_OK)
        for (long read = 0; count > 0 && read < MOST_SAMPLES; read += (long)count) {
            if (ting_audio_read(audio, samples, 1024, &count) != TING_OK)
                break;
            for (size_t i = 0; i < count; i++)
                if (!isfinite(samples[i]))
                    abort();
        }
    ting_audio_close(audio);
    ting_free(bytes);
    return 0;
}

/* A WAV file of `frames` frames of two bytes a channel. */
static size_t make_wav(unsigned char *out, unsigned rate, unsigned channels, unsigned format, unsigned bits, unsigned frames)
{
    unsigned block = channels * bits / 8, data = frames * block;
    const struct {
        unsigned at, bytes, value;
    } fields[] = {{4, 4, 36 + data}, {16, 4, 16}, {20, 2, format}, {22, 2, channels}, {24, 4, rate},
                  {28, 4, rate * block}, {32, 2, block}, {34, 2, bits}, {40, 4, data}};
    memset(out, 0, 44);
    memcpy(out, "RIFF", 4);
    memcpy(out + 8, "WAVEfmt ", 8);
    memcpy(out + 36, "data", 4);
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
        for (unsigned b = 0; b < fields[i].bytes; b++)
            out[fields[i].at + b] = (unsigned char)(fields[i].value >> 8 * b);
    for (unsigned i = 0; i < data; i++)
        out[44 + i] = (unsigned char)(i * 37);
    return 44 + data;
}

void ting_fuzz_seeds(ting_fuzz_take *take, void *self)
{
    static unsigned char bytes[2048];
    take(self, bytes, make_wav(bytes, 16000, 1, 1, 16, 64));
    take(self, bytes, make_wav(bytes, 8000, 2, 1, 24, 64));
    take(self, bytes, make_wav(bytes, 44100, 1, 3, 32, 64));
    take(self, bytes, make_wav(bytes, 16000, 1, 7, 8, 64));
}
