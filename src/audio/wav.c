/* SPDX-License-Identifier: Apache-2.0 */
/* wav.c - see wav.h. */
#include "audio/wav.h"

#include "base/file.h"
#include "base/mem.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

enum { HEADER = 44 };

static void put(unsigned char *out, uint32_t value, int bytes)
{
    for (int i = 0; i < bytes; i++)
        out[i] = (unsigned char)(value >> 8 * i);
}

ting_err ting_wav_save(const char *path, const float *samples, size_t count, int rate)
{
    if (count > (size_t)1 << 30)
        return ting_fail(TING_ERR_ARGUMENT, "%s: %zu samples for one WAV file", path, count);
    const uint32_t bytes = (uint32_t)(2 * count);
    unsigned char *file = ting_alloc(HEADER + bytes, 1);
    if (file == NULL)
        return TING_ERR_MEMORY;
    memcpy(file, "RIFF....WAVEfmt ", 16);
    put(file + 4, HEADER - 8 + bytes, 4);
    put(file + 16, 16, 4); /* bytes of the format */
    put(file + 20, 1, 2);  /* PCM */
    put(file + 22, 1, 2);  /* channels */
    put(file + 24, (uint32_t)rate, 4);
    put(file + 28, 2 * (uint32_t)rate, 4);
    put(file + 32, 2, 2);
    put(file + 34, 16, 2);
    memcpy(file + 36, "data", 4);
    put(file + 40, bytes, 4);
    for (size_t i = 0; i < count; i++) {
        const float scaled = fminf(32767, fmaxf(-32768, rintf(32768 * samples[i])));
        put(file + HEADER + 2 * i, (uint32_t)(int32_t)scaled, 2);
    }
    ting_err err = ting_file_save(path, (const char *)file, HEADER + bytes);
    ting_free(file);
    return err;
}
