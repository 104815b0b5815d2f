/* SPDX-License-Identifier: Apache-2.0 */
/*
 * source_sndfile.c - FLAC, Ogg, Opus, MP3, AIFF, AU, CAF, compressed WAV and the rest that libsndfile
 * knows, by content and never by the name of the file; see source.h.
 */
#include "audio/source.h"

#include "base/mem.h"

#include <sndfile.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct sndfile_source {
    ting_input *input;
    SNDFILE *file;
    int channels;
    ting_err failure; /* of the input, seen inside a callback */
} sndfile_source;

static sf_count_t input_size(void *self)
{
    return ((sndfile_source *)self)->input->size;
}

static sf_count_t input_tell(void *self)
{
    return ((sndfile_source *)self)->input->position;
}

static sf_count_t input_seek(sf_count_t offset, int whence, void *self)
{
    sndfile_source *source = self;
    int64_t from = whence == SEEK_CUR   ? source->input->position
                   : whence == SEEK_END ? source->input->size
                                        : 0;
    if ((offset > 0 && from > INT64_MAX - offset) || from + offset < 0)
        return -1;
    if (ting_input_seek(source->input, from + offset) != TING_OK)
        return -1;
    return source->input->position;
}

static sf_count_t input_read(void *bytes, sf_count_t max, void *self)
{
    sndfile_source *source = self;
    size_t count = 0;
    if (max < 0)
        return 0;
    ting_err err = ting_input_read(source->input, bytes, (size_t)max, &count);
    if (err != TING_OK)
        source->failure = err;
    return (sf_count_t)count;
}

static ting_err read_frames(void *self, float *interleaved, size_t max, size_t *count)
{
    ting_err err = TING_OK;
    sndfile_source *source = self;
    *count = 0;
    while (*count < max) {
        sf_count_t got =
            sf_readf_float(source->file, interleaved + *count * (size_t)source->channels,
                           (sf_count_t)(max - *count));
        if (source->failure != TING_OK)
            return source->failure;
        if (got <= 0)
            break;
        *count += (size_t)got;
    }
    return err;
}

static void close_source(void *self)
{
    sndfile_source *source = self;
    if (source->file != NULL)
        sf_close(source->file);
    ting_free(source);
}

/* libsndfile cuts a length that the file cannot hold and says so only in its log, as
 * "SSND : 320008 (should be 20008)"; the chunks that hold samples are named below. Sizes near 2 and 4 GB
 * are what writers on a pipe leave behind. */
static bool log_tells_truncation(SNDFILE *file, int64_t size)
{
    static const char *const chunks[] = {"SSND", "data", "Data Size", "BODY"};
    char text[8192] = "";
    sf_command(file, SFC_GET_LOG_INFO, text, sizeof text);
    text[sizeof text - 1] = '\0';
    for (char *line = text, *next; line != NULL; line = next) {
        next = strchr(line, '\n');
        if (next != NULL)
            *next++ = '\0';
        line += strspn(line, " *");
        const char *colon = strchr(line, ':');
        for (size_t i = 0; colon != NULL && i < sizeof chunks / sizeof *chunks; i++) {
            if (strncmp(line, chunks[i], strlen(chunks[i])) != 0)
                continue;
            long long claimed = strtoll(colon + 1, NULL, 10);
            if (claimed > size && claimed < 0x7FFF0000)
                return true;
        }
    }
    return false;
}

static void describe(SNDFILE *file, const SF_INFO *info, char *text, size_t size)
{
    SF_FORMAT_INFO major = {.format = info->format & SF_FORMAT_TYPEMASK};
    SF_FORMAT_INFO codec = {.format = info->format & SF_FORMAT_SUBMASK};
    sf_command(file, SFC_GET_FORMAT_INFO, &major, sizeof major);
    sf_command(file, SFC_GET_FORMAT_INFO, &codec, sizeof codec);
    snprintf(text, size, "%s, %s", major.name != NULL ? major.name : "sound",
             codec.name != NULL ? codec.name : "unnamed codec");
}

/* The bytes behind those peeked at have not come yet: as if the file ended there. */
static ptrdiff_t read_nothing(void *self, void *bytes, size_t max)
{
    (void)self, (void)bytes, (void)max;
    return 0;
}

static int seek_nowhere(void *self, int64_t position)
{
    (void)self, (void)position;
    return 0;
}

bool ting_source_sndfile_knows(const ting_input *input)
{
    if (input->peeked >= 3 && memcmp(input->peek, "ID3", 3) == 0)
        return true; /* a tag with a picture is longer than what can be peeked at */
    SF_VIRTUAL_IO io = {input_size, input_seek, input_read, NULL, input_tell};
    SF_INFO info = {0};
    ting_input beginning = *input;
    beginning.fd = -1;
    beginning.close_fd = false;
    beginning.bytes = (ting_audio_bytes){NULL, read_nothing, seek_nowhere, (int64_t)input->peeked};
    beginning.seekable = true;
    beginning.size = (int64_t)input->peeked;
    beginning.position = 0;
    sndfile_source source = {.input = &beginning};
    SNDFILE *file = sf_open_virtual(&io, SFM_READ, &info, &source);
    bool known = file != NULL || sf_error(NULL) != SF_ERR_UNRECOGNISED_FORMAT; /* cut off, but known */
    if (file != NULL)
        sf_close(file);
    return known;
}

ting_err ting_source_sndfile_open(ting_input *input, ting_audio_source *out)
{
    ting_err err = TING_OK;
    SF_VIRTUAL_IO io = {input_size, input_seek, input_read, NULL, input_tell};
    SF_INFO info = {0};
    sndfile_source *source = ting_alloc(1, sizeof *source);
    if (source == NULL)
        return TING_ERR_MEMORY;
    bool chained = false, cut = false;
    source->input = input;
    TRY(ting_ogg_survey(input, &chained, &cut));
    TRY(ting_input_seek(input, 0));
    source->file = sf_open_virtual(&io, SFM_READ, &info, source);
    TRY(source->failure);
    if (source->file == NULL)
        FAIL(TING_ERR_FORMAT, "%s: no sound file that this program can read: %s", input->name,
             sf_strerror(NULL));
    TRY(ting_pcm_check(input->name, info.samplerate, info.channels));
    source->channels = info.channels;
    *out = (ting_audio_source){.self = source, .read = read_frames, .close = close_source};
    out->rate = info.samplerate;
    out->channels = info.channels;
    out->frames = info.frames >= 0 && info.frames < SF_COUNT_MAX ? info.frames : -1;
    out->truncated = cut || log_tells_truncation(source->file, input->size);
    out->chained = chained;
    describe(source->file, &info, out->format, sizeof out->format);
out:
    if (err != TING_OK)
        close_source(source);
    return err;
}
