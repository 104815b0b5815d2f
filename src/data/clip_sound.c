/* SPDX-License-Identifier: Apache-2.0 */
/* clip_sound.c - see clip_sound.h. */
#include "data/clip_sound.h"

#include "audio/audio.h"
#include "base/file.h"
#include "data/sound.h"

#include <math.h>
#include <stdio.h>

enum { BLOCK = 4096 };

static const float full_scale = 0.998f; /* 32702 of 32768: what a limiter or a full converter leaves */

typedef struct reader { /* one file, read from its beginning, again where a clip lies before the place reached */
    const char *path;
    ting_audio *audio;
    int64_t position; /* samples read */
    float samples[BLOCK];
    size_t at, count; /* samples[at .. count - 1] wait */
    bool (*stop)(void *self);
    void *self;
} reader;

static ting_err start(reader *r)
{
    ting_audio_close(r->audio);
    r->audio = NULL;
    r->position = 0;
    r->at = r->count = 0;
    return ting_audio_open(r->path, NULL, &r->audio);
}

/* The samples that come next, at most `most`; none at the end. */
static ting_err next_samples(reader *r, int64_t most, const float **samples, size_t *count)
{
    ting_err err = TING_OK;
    if (r->at == r->count) {
        r->at = r->count = 0;
        if (r->stop != NULL && r->stop(r->self))
            return ting_fail(TING_ERR_CANCELLED, "cancelled");
        TRY(ting_audio_read(r->audio, r->samples, BLOCK, &r->count));
    }
    *samples = r->samples + r->at;
    *count = r->count - r->at;
    if (most < (int64_t)*count)
        *count = (size_t)most;
    r->at += *count;
    r->position += (int64_t)*count;
out:
    return err;
}

static ting_err go_to(reader *r, int64_t position)
{
    ting_err err = TING_OK;
    const float *samples;
    size_t count = 1;
    if (position < r->position)
        TRY(start(r));
    while (r->position < position && count > 0)
        TRY(next_samples(r, position - r->position, &samples, &count));
out:
    return err;
}

static ting_err decode_clip(reader *r, const ting_clip *clip, ting_clip_sound *out)
{
    ting_err err = TING_OK;
    const float *samples;
    size_t count = 1;
    double sum = 0, squares = 0;
    bool whole = clip->start < 0;
    int64_t from = whole ? 0 : llround(clip->start * TING_SOUND_RATE);
    int64_t left = whole || clip->seconds < 0 ? INT64_MAX : llround((clip->start + clip->seconds) * TING_SOUND_RATE) - from;
    TRY(go_to(r, from));
    for (; left > 0 && count > 0; left -= (int64_t)count) {
        TRY(next_samples(r, left, &samples, &count));
        for (size_t i = 0; i < count; i++) {
            out->full += fabsf(samples[i]) >= full_scale;
            sum += samples[i];
            squares += (double)samples[i] * samples[i];
        }
        out->samples += count;
    }
    out->decoded = true;
    out->seconds = (double)out->samples / TING_SOUND_RATE;
    if (out->samples > 0) {
        double mean = sum / (double)out->samples;
        out->deviation = sqrt(fmax(0, squares / (double)out->samples - mean * mean));
    }
out:
    return err;
}

/* From what the header says. */
static void describe(const reader *r, const ting_clip *clip, ting_clip_sound *out)
{
    const ting_audio_info *info = ting_audio_describe(r->audio);
    out->rate = info->source_rate;
    out->truncated = info->truncated;
    out->file_seconds = info->expected < 0 ? -1 : (double)info->expected / TING_SOUND_RATE;
    out->seconds = out->file_seconds;
    if (clip->start >= 0 && clip->seconds >= 0)
        out->seconds = clip->seconds;
    else if (clip->start >= 0 && out->file_seconds >= 0)
        out->seconds = fmax(0, out->file_seconds - clip->start);
}

void ting_clip_sound_examine(const ting_clip *clips, size_t count, bool decode, bool (*stop)(void *self), void *self,
                             ting_clip_sound *out)
{
    reader r = {.path = clips[0].path, .stop = stop, .self = self};
    bool there = ting_file_exists(r.path);
    ting_err err = there ? start(&r) : ting_fail(TING_ERR_IO, "%s: there is no such file", r.path);
    for (size_t i = 0; i < count; i++) {
        out[i] = (ting_clip_sound){.seconds = -1, .file_seconds = -1, .missing = !there};
        if (err == TING_OK)
            describe(&r, &clips[i], &out[i]);
        if (err == TING_OK && (decode || out[i].file_seconds < 0))
            err = decode_clip(&r, &clips[i], &out[i]);
        if (err == TING_OK && out[i].decoded)
            out[i].truncated = ting_audio_describe(r.audio)->truncated;
        out[i].err = err;
        if (err != TING_OK) /* of one clip is of all that follow, too: the file is damaged */
            snprintf(out[i].sentence, sizeof out[i].sentence, "%s", ting_error_message());
    }
    ting_audio_close(r.audio);
}
