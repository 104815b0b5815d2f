/* SPDX-License-Identifier: Apache-2.0 */
/* tool_sound.c - see tool_sound.h. */
#include "engine/tool_sound.h"

#include "audio/audio.h"
#include "audio/pcm.h"
#include "base/file.h"

#include <math.h>
#include <stdint.h>

enum { RATE = 16000, BLOCK = 4096, HEADER = 44 };

static void put32(unsigned char *at, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        at[i] = (unsigned char)(value >> (8 * i));
}

/* RIFF, WAVE, "fmt " (PCM, one channel, 16 bits), "data" */
static void make_header(unsigned char out[HEADER], uint32_t data_bytes)
{
    static const unsigned char form[HEADER] = {
        'R', 'I', 'F', 'F', 0, 0, 0, 0, 'W', 'A', 'V', 'E', 'f', 'm', 't', ' ', 16, 0, 0, 0, 1, 0,
        1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 16, 0, 'd', 'a', 't', 'a', 0, 0, 0, 0};
    for (int i = 0; i < HEADER; i++)
        out[i] = form[i];
    put32(out + 4, data_bytes + HEADER - 8);
    put32(out + 24, RATE);
    put32(out + 28, RATE * 2);
    put32(out + 40, data_bytes);
}

static ting_err append(const char *path, FILE *stream, uint64_t *samples)
{
    ting_err err = TING_OK;
    ting_audio *audio = NULL;
    float block[BLOCK];
    unsigned char bytes[BLOCK * 2];
    TRY(ting_audio_open(path, NULL, &audio));
    for (size_t count = 1; count > 0;) {
        TRY(ting_audio_read(audio, block, BLOCK, &count));
        for (size_t i = 0; i < count; i++) {
            long value = lrintf(fmaxf(-32768, fminf(32767, block[i] * 32768)));
            bytes[2 * i] = (unsigned char)(value & 255);
            bytes[2 * i + 1] = (unsigned char)(value >> 8 & 255);
        }
        fwrite(bytes, 2, count, stream); /* commit looks at ferror */
        *samples += count;
    }
out:
    ting_audio_close(audio);
    return err;
}

ting_err ting_tool_join(const char *const *paths, int count, const char *out, double *seconds)
{
    ting_err err = TING_OK;
    ting_file_writer writer = {0};
    unsigned char header[HEADER] = {0};
    uint64_t samples = 0;
    TRY(ting_file_create(out, &writer));
    fwrite(header, 1, HEADER, writer.stream);
    for (int i = 0; i < count; i++)
        TRY(append(paths[i], writer.stream, &samples));
    if (samples > (UINT32_MAX - HEADER) / 2)
        FAIL(TING_ERR_ARGUMENT, "%s: %.1f hours do not fit into a WAV file", out, (double)samples / RATE / 3600);
    make_header(header, (uint32_t)samples * 2);
    if (fseek(writer.stream, 0, SEEK_SET) != 0)
        FAIL(TING_ERR_IO, "%s: its header cannot be written", out);
    fwrite(header, 1, HEADER, writer.stream);
    TRY(ting_file_commit(&writer));
    *seconds = (double)samples / RATE;
out:
    ting_file_abandon(&writer);
    return err;
}

ting_err ting_tool_check_raw(const char *raw)
{
    ting_pcm_layout layout;
    return ting_pcm_parse(raw, &layout);
}
