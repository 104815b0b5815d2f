/* SPDX-License-Identifier: Apache-2.0 */
/*
 * riff.c - the header of a WAV file, read once from front to back so that it works on a pipe.
 *
 *     "RIFF" size "WAVE"  { id[4] size[4] body[size] pad to even } ...      all little-endian
 *     fmt   tag[2] channels[2] rate[4] bytes/s[4] block[2] bits[2] [extra[2] valid[2] mask[4] GUID[16]]
 *     ds64  riff[8] data[8] ...      in RF64 and BW64, for sizes that do not fit 32 bits
 *     data  samples; reading stops where they begin
 *
 * Compressed codecs (ADPCM, GSM, MP3 in WAV), RIFX and Wave64 are left to libsndfile.
 */
#include "audio/pcm.h"

#include <string.h>

enum { TAG_PCM = 1, TAG_FLOAT = 3, TAG_ALAW = 6, TAG_MULAW = 7, TAG_EXTENSIBLE = 0xFFFE };

/* Writers on a pipe leave 0, 0xFFFFFFFF, or the largest even or block-rounded number below 2^31 or 2^32. */
#define HUGE_SIZE   UINT32_C(0x7FFF0000)
#define MAX_CHUNKS  1024
#define MAX_SKIPPED (INT64_C(256) << 20)

typedef struct reader {
    ting_input *input;
    uint32_t riff_size;
    bool wide; /* RF64 or BW64 */
    uint64_t wide_data;
    bool has_format;
    unsigned tag, channels, block, bits;
    uint32_t rate;
} reader;

static unsigned half(const unsigned char *b)
{
    return (unsigned)b[0] | (unsigned)b[1] << 8;
}

static uint32_t word(const unsigned char *b)
{
    return (uint32_t)half(b) | (uint32_t)half(b + 2) << 16;
}

static ting_err read_exactly(reader *r, void *bytes, size_t size)
{
    ting_err err = TING_OK;
    size_t count = 0;
    TRY(ting_input_read(r->input, bytes, size, &count));
    if (count < size)
        FAIL(TING_ERR_FORMAT, "%s: the WAV header stops at byte %lld: the file is truncated",
             r->input->name, (long long)r->input->position);
out:
    return err;
}

static ting_err skip(reader *r, int64_t size)
{
    ting_err err = TING_OK;
    unsigned char block[512];
    if (size > MAX_SKIPPED)
        FAIL(TING_ERR_FORMAT, "%s: the WAV header has a chunk of %lld bytes before the sound",
             r->input->name, (long long)size);
    if (r->input->seekable && size > (int64_t)sizeof block) {
        if (size > r->input->size - r->input->position)
            FAIL(TING_ERR_FORMAT,
                 "%s: the WAV header goes on to byte %lld, but the file has %lld: it is truncated",
                 r->input->name, (long long)(r->input->position + size), (long long)r->input->size);
        TRY(ting_input_seek(r->input, r->input->position + size));
        return TING_OK;
    }
    for (; size > 0; size -= (int64_t)sizeof block)
        TRY(read_exactly(r, block, size < (int64_t)sizeof block ? (size_t)size : sizeof block));
out:
    return err;
}

static ting_err read_format(reader *r, int64_t size)
{
    ting_err err = TING_OK;
    unsigned char body[40] = {0};
    size_t wanted = size < (int64_t)sizeof body ? (size_t)size : sizeof body;
    if (size < 16)
        FAIL(TING_ERR_FORMAT, "%s: the WAV format chunk has %lld bytes, expected at least 16",
             r->input->name, (long long)size);
    TRY(read_exactly(r, body, wanted));
    TRY(skip(r, size + (size & 1) - (int64_t)wanted));
    r->tag = half(body);
    r->channels = half(body + 2);
    r->rate = word(body + 4);
    r->block = half(body + 12);
    r->bits = half(body + 14);
    if (r->tag == TAG_EXTENSIBLE && size >= 40)
        r->tag = half(body + 24); /* the GUID begins with the plain tag */
    r->has_format = true;
out:
    return err;
}

/* The sample format of tag and width, or TING_PCM_COUNT when it is not plain PCM. */
static ting_pcm_format format_of(const reader *r)
{
    unsigned width =
        r->channels > 0 && r->block >= r->channels ? r->block / r->channels : (r->bits + 7) / 8;
    switch (r->tag << 8 | width) {
    case TAG_PCM << 8 | 1: return TING_PCM_U8;
    case TAG_PCM << 8 | 2: return TING_PCM_S16LE;
    case TAG_PCM << 8 | 3: return TING_PCM_S24LE;
    case TAG_PCM << 8 | 4: return TING_PCM_S32LE;
    case TAG_FLOAT << 8 | 4: return TING_PCM_F32LE;
    case TAG_FLOAT << 8 | 8: return TING_PCM_F64LE;
    case TAG_ALAW << 8 | 1: return TING_PCM_ALAW;
    case TAG_MULAW << 8 | 1: return TING_PCM_MULAW;
    default: return TING_PCM_COUNT;
    }
}

/* Size of the samples from the data chunk's own size; -1 when the writer did not know it. */
static int64_t data_size(const reader *r, uint32_t size)
{
    if (r->wide && size == UINT32_MAX)
        return r->wide_data == 0 || r->wide_data > INT64_MAX ? -1 : (int64_t)r->wide_data;
    /* A size of 0 is meant when the RIFF chunk goes on after it, as with an empty recording that has tags. */
    if (size == 0 && r->riff_size < HUGE_SIZE && (int64_t)r->riff_size + 8 > r->input->position)
        return 0;
    if (size == 0)
        return -1;
    if (size < HUGE_SIZE)
        return (int64_t)size;
    /* Between 2 and 4 GB a size may be true: it is when the file is about that long. */
    return r->input->seekable && r->input->size - r->input->position >= (int64_t)size
               ? (int64_t)size
               : -1;
}

static ting_err read_chunks(reader *r, ting_riff_verdict *verdict, ting_pcm_layout *out)
{
    ting_err err = TING_OK;
    unsigned char head[8], sizes[16];
    for (int chunk = 0; chunk < MAX_CHUNKS; chunk++) {
        TRY(read_exactly(r, head, sizeof head));
        int64_t size = word(head + 4);
        if (memcmp(head, "ds64", 4) == 0 && size >= 16) {
            TRY(read_exactly(r, sizes, sizeof sizes));
            r->wide_data = (uint64_t)word(sizes + 8) | (uint64_t)word(sizes + 12) << 32;
            TRY(skip(r, size + (size & 1) - (int64_t)sizeof sizes));
        } else if (memcmp(head, "fmt ", 4) == 0) {
            TRY(read_format(r, size));
            if (r->tag == TAG_PCM || r->tag == TAG_FLOAT || r->tag == TAG_ALAW ||
                r->tag == TAG_MULAW)
                TRY(ting_pcm_check(r->input->name, r->rate, r->channels));
            if (format_of(r) == TING_PCM_COUNT)
                return TING_OK;
        } else if (memcmp(head, "data", 4) == 0) {
            if (!r->has_format)
                return TING_OK;
            *out = (ting_pcm_layout){
                .format = format_of(r), .rate = (int)r->rate, .channels = (int)r->channels};
            out->data = r->input->position;
            out->size = data_size(r, (uint32_t)size);
            *verdict = TING_RIFF_PCM;
            return TING_OK;
        } else {
            TRY(skip(r, size + (size & 1)));
        }
    }
    FAIL(TING_ERR_FORMAT, "%s: the WAV header has %d chunks and no sound", r->input->name,
         MAX_CHUNKS);
out:
    return err;
}

ting_err ting_riff_read(ting_input *input, ting_riff_verdict *verdict, ting_pcm_layout *out)
{
    ting_err err = TING_OK;
    reader r = {.input = input};
    unsigned char head[12];
    *verdict = TING_RIFF_NOT;
    if (input->peeked < sizeof head || memcmp(input->peek + 8, "WAVE", 4) != 0)
        return TING_OK;
    r.wide = memcmp(input->peek, "RF64", 4) == 0 || memcmp(input->peek, "BW64", 4) == 0;
    if (!r.wide && memcmp(input->peek, "RIFF", 4) != 0)
        return TING_OK;
    TRY(read_exactly(&r, head, sizeof head));
    r.riff_size = word(head + 4);
    TRY(read_chunks(&r, verdict, out));
    if (*verdict == TING_RIFF_NOT)
        TRY(ting_input_seek(input, 0));
out:
    return err;
}
