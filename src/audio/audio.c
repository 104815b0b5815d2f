/* SPDX-License-Identifier: Apache-2.0 */
/*
 * audio.c - picks the reader of a sound, checks, mixes and resamples its blocks; see audio.h.
 *
 * The source is always read in blocks of the same number of frames and the resampler always has
 * the same room, so that nothing depends on the sizes a caller asks for.
 */
#include "audio/audio.h"

#include "audio/resample.h"
#include "audio/source.h"

#include "base/mem.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { BLOCK = 1024, READY = 4096 }; /* source frames read at a time; room for resampled ones */

static const float LOUDEST = 1e6f; /* above this a float sample is damage, not sound */

struct memory_bytes {
    const unsigned char *data;
    size_t size, position;
};

struct ting_audio {
    char *name;
    struct memory_bytes memory; /* used by ting_audio_open_memory */
    ting_input input;
    ting_audio_source source;
    ting_resampler *resampler; /* NULL: rates agree */
    ting_audio_options options;
    ting_audio_info info;
    float *block; /* [BLOCK, channels] as the source gives it */
    float *mono;  /* [BLOCK] */
    size_t mono_start, mono_count;
    float *ready; /* [READY] resampled samples not yet given away */
    size_t ready_start, ready_count;
    int64_t frames;   /* read from the source so far */
    double heard, mixed; /* sums of squares: over all channels by their number, and of their mean */
    bool ended;       /* the source has nothing more */
    ting_err failure; /* sticky */
};

/* ---- opening ---- */

/* Formats that only FFmpeg reads, known by their first bytes, so that the sentence can name them. */
static const char *foreign_format(const ting_input *input)
{
    static const struct {
        size_t at;
        const char *magic, *name;
    } known[] = {
        {4, "ftyp", "an MP4, M4A or MOV file"},
        {0, "\x1A\x45\xDF\xA3", "a WebM or Matroska file"},
        {0, "#!AMR", "an AMR file"},
        {0, "\x30\x26\xB2\x75\x8E\x66", "a WMA or WMV file"},
        {0, "\xFF\xF1", "an AAC file"},
        {0, "\xFF\xF9", "an AAC file"},
        {0, "FLV", "a Flash video"},
        {8, "AVI ", "an AVI video"},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        size_t length = strlen(known[i].magic);
        if (input->peeked >= known[i].at + length &&
            memcmp(input->peek + known[i].at, known[i].magic, length) == 0)
            return known[i].name;
    }
    return NULL;
}

static ting_err open_foreign(ting_audio *audio)
{
    const char *foreign = foreign_format(&audio->input);
    ting_err err = TING_OK;
    if (foreign == NULL) {
        err = ting_source_sndfile_open(&audio->input, &audio->source);
        if (err != TING_ERR_FORMAT)
            return err;
    }
    /* What libsndfile refuses FFmpeg may still know; without FFmpeg, the first sentence is the better one. */
    char sentence[1024];
    snprintf(sentence, sizeof sentence, "%s", ting_error_message());
    ting_err second = ting_source_ffmpeg_open(&audio->input, &audio->source);
    if (second == TING_ERR_UNSUPPORTED && foreign != NULL)
        return ting_fail(
            second,
            "%s: is %s, which this build cannot read; build it with WITH_FFMPEG=1, or convert "
            "the file to WAV or FLAC",
            audio->name, foreign);
    if (second != TING_OK && foreign == NULL)
        return ting_fail(err, "%s", sentence);
    return second;
}

/* A pipe may never end: it is copied only if it begins like something that can be read. */
static ting_err check_known(const ting_audio *audio)
{
    const ting_input *input = &audio->input;
    if (input->seekable || foreign_format(input) != NULL || ting_source_sndfile_knows(input) || ting_source_ffmpeg_knows(input))
        return TING_OK;
    return ting_fail(TING_ERR_FORMAT,
                     "%s: no sound file that this program can read: its first %zu bytes begin no known format; headerless sound "
                     "needs its type, rate and channels",
                     audio->name, input->peeked);
}

static ting_err open_source(ting_audio *audio)
{
    ting_err err = TING_OK;
    ting_riff_verdict verdict = TING_RIFF_NOT;
    ting_pcm_layout layout = {0};
    if (audio->input.peeked == 0)
        FAIL(TING_ERR_FORMAT, "%s: is empty (0 bytes), expected sound", audio->name);
    if (audio->options.raw != NULL) {
        TRY(ting_pcm_parse(audio->options.raw, &layout));
        TRY(ting_source_pcm_open(&audio->input, &layout, "raw", &audio->source));
        return TING_OK;
    }
    TRY(ting_riff_read(&audio->input, &verdict, &layout));
    if (verdict == TING_RIFF_PCM) {
        TRY(ting_source_pcm_open(&audio->input, &layout, "WAV", &audio->source));
        return TING_OK;
    }
    TRY(check_known(audio));
    TRY(ting_input_spool(&audio->input));
    TRY(open_foreign(audio));
out:
    return err;
}

static ting_err fill(ting_audio *audio);

/* From an open input to the first samples. */
static ting_err start(ting_audio *audio)
{
    ting_err err = TING_OK;
    TRY(open_source(audio));
    const ting_audio_source *source = &audio->source;
    if (audio->options.channel > source->channels)
        FAIL(TING_ERR_ARGUMENT, "%s: channel %d was asked for, but it has %d", audio->name,
             audio->options.channel, source->channels);
    audio->info.source_rate = source->rate;
    audio->info.channels = source->channels;
    audio->info.truncated = source->truncated;
    memcpy(audio->info.format, source->format, sizeof audio->info.format);
    int64_t frames = source->frames >= 0    ? source->frames
                     : source->estimate > 0 ? source->estimate
                                            : -1;
    audio->info.expected = frames < 0 || frames > INT64_MAX / TING_MAX_RATE
                               ? -1
                               : ting_resampled_length(frames, source->rate, audio->options.rate);
    if (source->rate != audio->options.rate)
        TRY(ting_resampler_new(source->rate, audio->options.rate, &audio->resampler));
    audio->block = ting_alloc((size_t)BLOCK * (size_t)source->channels, sizeof *audio->block);
    audio->mono = ting_alloc(BLOCK, sizeof *audio->mono);
    audio->ready = ting_alloc(READY, sizeof *audio->ready);
    if (audio->block == NULL || audio->mono == NULL || audio->ready == NULL)
        return TING_ERR_MEMORY;
    TRY(fill(audio));
    if (audio->ready_count == 0)
        FAIL(TING_ERR_FORMAT, "%s: holds no sound (0 samples)", audio->name);
out:
    return err;
}

static ting_err new_audio(const char *name, const ting_audio_options *options, ting_audio **out)
{
    ting_err err = TING_OK;
    ting_audio *audio = ting_alloc(1, sizeof *audio);
    if (audio == NULL)
        return TING_ERR_MEMORY;
    audio->input.fd = -1;
    audio->name = ting_strdup(name);
    if (options != NULL)
        audio->options = *options;
    if (audio->options.rate == 0)
        audio->options.rate = 16000;
    if (audio->name == NULL)
        err = TING_ERR_MEMORY;
    else if (audio->options.channel < 0)
        err = ting_fail(TING_ERR_ARGUMENT,
                        "channel %d was asked for; the first is 1, and 0 means all",
                        audio->options.channel);
    else if (audio->options.rate < TING_MIN_RATE || audio->options.rate > TING_MAX_RATE)
        err = ting_fail(TING_ERR_ARGUMENT, "%d samples a second were asked for, expected %d to %d",
                        audio->options.rate, TING_MIN_RATE, TING_MAX_RATE);
    if (err != TING_OK) {
        ting_audio_close(audio);
        return err;
    }
    *out = audio;
    return TING_OK;
}

ting_err ting_audio_open(const char *path, const ting_audio_options *options, ting_audio **out)
{
    ting_err err = TING_OK;
    ting_audio *audio = NULL;
    *out = NULL;
    TRY(new_audio(strcmp(path, "-") == 0 ? "standard input" : path, options, &audio));
    TRY(ting_input_open(&audio->input, path, &audio->options));
    audio->input.name = audio->name;
    TRY(start(audio));
    *out = audio;
out:
    if (err != TING_OK)
        ting_audio_close(audio);
    return err;
}

ting_err ting_audio_open_bytes(const char *name, const ting_audio_bytes *bytes,
                               const ting_audio_options *options, ting_audio **out)
{
    ting_err err = TING_OK;
    ting_audio *audio = NULL;
    *out = NULL;
    TRY(new_audio(name, options, &audio));
    TRY(ting_input_open_bytes(&audio->input, audio->name, bytes));
    TRY(start(audio));
    *out = audio;
out:
    if (err != TING_OK)
        ting_audio_close(audio);
    return err;
}

static ptrdiff_t memory_read(void *self, void *bytes, size_t max)
{
    struct memory_bytes *memory = self;
    size_t count = memory->size - memory->position;
    if (count > max)
        count = max;
    if (count > 0)
        memcpy(bytes, memory->data + memory->position, count);
    memory->position += count;
    return (ptrdiff_t)count;
}

static int memory_seek(void *self, int64_t position)
{
    struct memory_bytes *memory = self;
    if (position < 0)
        return -1;
    memory->position = (uint64_t)position < memory->size ? (size_t)position : memory->size;
    return 0;
}

ting_err ting_audio_open_memory(const char *name, const void *data, size_t size,
                                const ting_audio_options *options, ting_audio **out)
{
    ting_err err = TING_OK;
    ting_audio *audio = NULL;
    *out = NULL;
    TRY(new_audio(name, options, &audio));
    audio->memory = (struct memory_bytes){.data = data, .size = size};
    ting_audio_bytes bytes = {&audio->memory, memory_read, memory_seek, (int64_t)size};
    TRY(ting_input_open_bytes(&audio->input, audio->name, &bytes));
    TRY(start(audio));
    *out = audio;
out:
    if (err != TING_OK)
        ting_audio_close(audio);
    return err;
}

/* ---- reading ---- */

static ting_err check_samples(const ting_audio *audio, size_t frames)
{
    size_t channels = (size_t)audio->source.channels;
    for (size_t i = 0; i < frames * channels; i++) {
        float x = audio->block[i];
        if (fabsf(x) <= LOUDEST)
            continue;
        long long frame = (long long)audio->frames + (long long)(i / channels);
        return ting_fail(
            TING_ERR_NUMERIC,
            "%s: sample %lld (%.4f s) of channel %zu is %s, expected a number within [-1, 1]",
            audio->name, frame, (double)frame / audio->source.rate, i % channels + 1,
            isnan(x)   ? "not a number"
            : isinf(x) ? "infinite"
                       : "larger than a million");
    }
    return TING_OK;
}

static void mix(ting_audio *audio, size_t frames)
{
    size_t channels = (size_t)audio->source.channels;
    const float *block = audio->block; /* [frames, channels] */
    if (audio->options.channel > 0 || channels == 1) {
        size_t chosen = audio->options.channel > 0 ? (size_t)audio->options.channel - 1 : 0;
        for (size_t i = 0; i < frames; i++)
            audio->mono[i] = block[i * channels + chosen];
        return;
    }
    for (size_t i = 0; i < frames; i++) {
        double sum = 0, squares = 0;
        for (size_t c = 0; c < channels; c++) {
            const double x = (double)block[i * channels + c];
            sum += x;
            squares += x * x;
        }
        const double mean = sum / (double)channels;
        audio->mono[i] = (float)mean;
        audio->heard += squares / (double)channels;
        audio->mixed += mean * mean;
    }
}

/* Microphones wired the wrong way round: what one says the other takes back. */
static void say_cancelled(const ting_audio *audio)
{
    const double quiet = 1e-8; /* 80 dB below full scale: silence */
    if (audio->heard > quiet * (double)audio->frames && audio->mixed < 0.01 * audio->heard)
        ting_log_write(audio->options.log, TING_LOG_WARNING,
                       "%s: its channels cancel each other when they are mixed; --channel 1 hears the first alone", audio->name);
}

static void end_of_source(ting_audio *audio)
{
    audio->ended = true;
    say_cancelled(audio);
    if (audio->source.frames > audio->frames || (audio->source.cut != NULL && *audio->source.cut))
        audio->info.truncated = true;
    double seconds = (double)audio->frames / audio->source.rate;
    if (audio->source.chained)
        ting_log_write(audio->options.log, TING_LOG_WARNING,
                       "%s: holds several sounds one after the other (chained Ogg): only the first, %.2f s, is used; decode the "
                       "file to WAV or FLAC to hear all",
                       audio->name, seconds);
    if (!audio->info.truncated)
        return;
    if (audio->source.frames > audio->frames)
        ting_log_write(
            audio->options.log, TING_LOG_WARNING,
            "%s: its header promises %.2f s, but it ends after %.2f s; what is there is used",
            audio->name, (double)audio->source.frames / audio->source.rate, seconds);
    else
        ting_log_write(audio->options.log, TING_LOG_WARNING,
                       "%s: is cut off after %.2f s; what is there is used", audio->name, seconds);
}

static ting_err read_block(ting_audio *audio)
{
    ting_err err = TING_OK;
    size_t frames = 0;
    TRY(audio->source.read(audio->source.self, audio->block, BLOCK, &frames));
    TRY(check_samples(audio, frames));
    mix(audio, frames);
    audio->frames += (int64_t)frames;
    audio->mono_start = 0;
    audio->mono_count = frames;
    if (frames < BLOCK)
        end_of_source(audio);
out:
    return err;
}

/* One step of the resampler, or of a plain copy where the rates agree; sets ready_*. */
static ting_err pass_on(ting_audio *audio)
{
    ting_err err = TING_OK;
    size_t used = audio->mono_count;
    if (audio->resampler == NULL) {
        memcpy(audio->ready, audio->mono, used * sizeof *audio->mono);
        audio->ready_count = used;
    } else if (audio->mono_count > 0) {
        TRY(ting_resampler_run(audio->resampler, audio->mono + audio->mono_start, audio->mono_count,
                               &used, audio->ready, READY, &audio->ready_count));
    } else {
        TRY(ting_resampler_finish(audio->resampler, audio->ready, READY, &audio->ready_count));
    }
    audio->mono_start += used;
    audio->mono_count -= used;
    audio->ready_start = 0;
out:
    return err;
}

/* Makes some samples ready; none are at the end. */
static ting_err fill(ting_audio *audio)
{
    ting_err err = TING_OK;
    while (audio->ready_count == 0) {
        if (audio->mono_count == 0 && !audio->ended)
            TRY(read_block(audio));
        bool last = audio->mono_count == 0 && audio->ended;
        TRY(pass_on(audio));
        if (last)
            break;
    }
out:
    return err;
}

ting_err ting_audio_read(ting_audio *audio, float *samples, size_t max, size_t *count)
{
    ting_err err = TING_OK;
    *count = 0;
    if (audio->failure != TING_OK)
        FAIL(audio->failure, "%s: reading goes on after it failed", audio->name);
    while (*count < max) {
        TRY(fill(audio));
        size_t piece = audio->ready_count < max - *count ? audio->ready_count : max - *count;
        if (piece == 0)
            break;
        memcpy(samples + *count, audio->ready + audio->ready_start, piece * sizeof *samples);
        audio->ready_start += piece;
        audio->ready_count -= piece;
        audio->info.delivered += (int64_t)piece;
        *count += piece;
    }
out:
    audio->failure = err;
    return err;
}

const ting_audio_info *ting_audio_describe(const ting_audio *audio)
{
    return &audio->info;
}

void ting_audio_close(ting_audio *audio)
{
    if (audio == NULL)
        return;
    if (audio->source.close != NULL)
        audio->source.close(audio->source.self);
    ting_resampler_free(audio->resampler);
    ting_input_close(&audio->input);
    ting_free(audio->block);
    ting_free(audio->mono);
    ting_free(audio->ready);
    ting_free(audio->name);
    ting_free(audio);
}

ting_err ting_audio_load(const char *path, const ting_audio_options *options, float **samples,
                         size_t *count, ting_audio_info *info)
{
    ting_err err = TING_OK;
    ting_audio *audio = NULL;
    enum { AHEAD = 1 << 16 }; /* samples: a first guess at the length */
    size_t room = 0, got = 0;
    *samples = NULL;
    *count = 0;
    TRY(ting_audio_open(path, options, &audio));
    do {
        if (*count == room)
            TRY(ting_reserve(samples, *count, AHEAD, &room, sizeof **samples));
        TRY(ting_audio_read(audio, *samples + *count, room - *count, &got));
        *count += got;
    } while (got > 0);
    if (info != NULL)
        *info = audio->info;
out:
    ting_audio_close(audio);
    if (err != TING_OK) {
        ting_free(*samples);
        *samples = NULL;
        *count = 0;
    }
    return err;
}
