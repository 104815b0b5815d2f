/* SPDX-License-Identifier: Apache-2.0 */
/* pcm.c - decoding uncompressed samples; see pcm.h. */
#include "audio/pcm.h"

#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name;
    int width;
} formats[TING_PCM_COUNT] = {
    [TING_PCM_S8] = {"s8", 1},       [TING_PCM_U8] = {"u8", 1},
    [TING_PCM_S16LE] = {"s16le", 2}, [TING_PCM_S24LE] = {"s24le", 3},
    [TING_PCM_S32LE] = {"s32le", 4}, [TING_PCM_F32LE] = {"f32le", 4},
    [TING_PCM_F64LE] = {"f64le", 8}, [TING_PCM_MULAW] = {"mulaw", 1},
    [TING_PCM_ALAW] = {"alaw", 1},
};

const char *ting_pcm_name(ting_pcm_format format)
{
    return formats[format].name;
}

int ting_pcm_width(ting_pcm_format format)
{
    return formats[format].width;
}

static uint32_t word(const unsigned char *b)
{
    return (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
}

static float signed_word(uint32_t bits)
{
    return (float)((bits < UINT32_C(0x80000000) ? (double)bits : (double)bits - 4294967296.0) /
                   2147483648.0);
}

static float real_word(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static float real_double(const unsigned char *b)
{
    uint64_t bits = (uint64_t)word(b) | (uint64_t)word(b + 4) << 32;
    double value;
    memcpy(&value, &bits, sizeof value);
    return (float)value;
}

/* G.711: sign, three bits of exponent, four of mantissa; 14-bit range, given here on 16 bits. */
static float mulaw(unsigned char code)
{
    unsigned bits = ~(unsigned)code & 0xFF;
    int value = (int)(((bits & 15) * 8 + 132) << (bits >> 4 & 7)) - 132;
    return (float)(bits & 0x80 ? -value : value) / 32768.0f;
}

static float alaw(unsigned char code)
{
    unsigned bits = (unsigned)code ^ 0x55, exponent = bits >> 4 & 7;
    int value = (int)((bits & 15) * 16 + 8);
    if (exponent > 0)
        value = (value + 256) << (exponent - 1);
    return (float)(bits & 0x80 ? value : -value) / 32768.0f;
}

void ting_pcm_decode(ting_pcm_format format, const unsigned char *bytes, size_t count, float *out)
{
    const unsigned char *b = bytes;
    switch (format) {
    case TING_PCM_S8:
        for (size_t i = 0; i < count; i++)
            out[i] = (float)(b[i] < 128 ? b[i] : b[i] - 256) / 128.0f;
        break;
    case TING_PCM_U8:
        for (size_t i = 0; i < count; i++)
            out[i] = (float)(b[i] - 128) / 128.0f;
        break;
    case TING_PCM_S16LE:
        for (size_t i = 0; i < count; i++)
            out[i] = (float)(int16_t)(uint16_t)(b[2 * i] | b[2 * i + 1] << 8) / 32768.0f;
        break;
    case TING_PCM_S24LE:
        for (size_t i = 0; i < count; i++, b += 3)
            out[i] = signed_word((uint32_t)b[0] << 8 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 24);
        break;
    case TING_PCM_S32LE:
        for (size_t i = 0; i < count; i++)
            out[i] = signed_word(word(b + 4 * i));
        break;
    case TING_PCM_F32LE:
        for (size_t i = 0; i < count; i++)
            out[i] = real_word(word(b + 4 * i));
        break;
    case TING_PCM_F64LE:
        for (size_t i = 0; i < count; i++)
            out[i] = real_double(b + 8 * i);
        break;
    case TING_PCM_MULAW:
        for (size_t i = 0; i < count; i++)
            out[i] = mulaw(b[i]);
        break;
    case TING_PCM_ALAW:
        for (size_t i = 0; i < count; i++)
            out[i] = alaw(b[i]);
        break;
    case TING_PCM_COUNT: break;
    }
}

/* A decimal number of at most 7 digits that ends at `stop`; -1 when it is anything else. */
static long number_until(const char **text, char stop)
{
    long value = 0;
    int digits = 0;
    for (; **text >= '0' && **text <= '9' && digits < 7; (*text)++, digits++)
        value = value * 10 + (**text - '0');
    if (digits == 0 || **text != stop)
        return -1;
    if (stop != '\0')
        (*text)++;
    return value;
}

ting_err ting_pcm_parse(const char *text, ting_pcm_layout *out)
{
    ting_err err = TING_OK;
    int format = 0;
    const char *rest = text;
    *out = (ting_pcm_layout){.size = -1};
    for (; format < TING_PCM_COUNT; format++) {
        size_t length = strlen(formats[format].name);
        if (strncmp(text, formats[format].name, length) == 0 && text[length] == ':') {
            rest = text + length + 1;
            break;
        }
    }
    long rate = format < TING_PCM_COUNT ? number_until(&rest, ':') : -1;
    long channels = rate >= 0 ? number_until(&rest, '\0') : -1;
    if (channels < 1 || channels > TING_MAX_CHANNELS || rate < TING_MIN_RATE ||
        rate > TING_MAX_RATE)
        FAIL(TING_ERR_ARGUMENT,
             "raw sound \"%s\": expected FORMAT:RATE:CHANNELS such as s16le:16000:1, with FORMAT "
             "one of s8 u8 s16le "
             "s24le s32le f32le f64le mulaw alaw, RATE %d to %d Hz, CHANNELS 1 to %d",
             text, TING_MIN_RATE, TING_MAX_RATE, TING_MAX_CHANNELS);
    out->format = (ting_pcm_format)format;
    out->rate = (int)rate;
    out->channels = (int)channels;
out:
    return err;
}

ting_err ting_pcm_check(const char *name, int64_t rate, int64_t channels)
{
    ting_err err = TING_OK;
    if (channels < 1 || channels > TING_MAX_CHANNELS)
        FAIL(TING_ERR_FORMAT, "%s: its header promises %lld channels, expected 1 to %d", name,
             (long long)channels, TING_MAX_CHANNELS);
    if (rate < TING_MIN_RATE || rate > TING_MAX_RATE)
        FAIL(TING_ERR_FORMAT, "%s: its header promises %lld samples a second, expected %d to %d",
             name, (long long)rate, TING_MIN_RATE, TING_MAX_RATE);
out:
    return err;
}
