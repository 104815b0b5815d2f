/* SPDX-License-Identifier: Apache-2.0 */
/* sound_feed.c - see sound_feed.h. */
#include "engine/sound_feed.h"

#include "audio/audio.h"
#include "base/mem.h"

#include <stdio.h>

enum { BLOCK = 48000 }; /* samples: large blocks let several chunks share a call of the network */

/* Remarks on a sound wait until it is known that there is no error: a failure is one sentence. */
typedef struct remark {
    char sentence[512]; /* the last one */
} remark;

static void keep_remark(void *self, ting_log_level level, const char *sentence)
{
    (void)level;
    snprintf(((remark *)self)->sentence, sizeof((remark *)self)->sentence, "%s", sentence);
}

static ting_err report(const ting_options *options, double done, double total)
{
    ting_err err = TING_OK;
    if (options->progress != NULL && options->progress(options->progress_self, done, total) != 0)
        FAIL(TING_ERR_CANCELLED, "stopped after %.1f s of sound", done);
out:
    return err;
}

typedef struct source { /* a sound and how far it is */
    const ting_options *options;
    ting_audio *audio; /* NULL: being opened */
    int rate;
} source;

static ting_err report_source(const source *s)
{
    if (s->audio == NULL)
        return report(s->options, 0, 0);
    const ting_audio_info *info = ting_audio_describe(s->audio);
    return report(s->options, (double)info->delivered / s->rate, info->expected > 0 ? (double)info->expected / s->rate : 0);
}

static bool stop_waiting(void *self)
{
    return report_source(self) != TING_OK;
}

static ting_err read_all(const source *s, float *block, ting_sound_sink sink, bool *stopped)
{
    ting_err err = TING_OK;
    bool heard = false;
    for (size_t count = 1; count > 0 && !*stopped;) {
        err = report_source(s);
        if (err == TING_OK)
            err = ting_audio_read(s->audio, block, BLOCK, &count);
        else
            count = 0;
        *stopped = err == TING_ERR_CANCELLED && s->options->keep_partial && (heard || count > 0); /* the samples that came are good */
        if (!*stopped)
            TRY(err);
        if (count > 0)
            TRY(sink.take(sink.self, block, count));
        heard = heard || count > 0;
    }
    TRY(sink.take(sink.self, NULL, 0));
out:
    return err;
}

ting_err ting_sound_feed_file(const ting_model *model, const char *path, const ting_options *options, ting_sound_sink sink,
                              double *seconds, bool *stopped)
{
    ting_err err = TING_OK;
    float *block = NULL;
    remark kept = {""};
    const ting_log log = {keep_remark, &kept};
    source sound = {.options = options, .rate = model->hearing.am.features.rate}; /* what the model hears: no second resampling */
    *stopped = false;
    if (path == NULL)
        FAIL(TING_ERR_ARGUMENT, "no path of a sound");
    TRY(ting_audio_open(path,
                        &(ting_audio_options){.channel = options->channel,
                                              .rate = sound.rate,
                                              .raw = options->raw,
                                              .log = &log,
                                              .stop = stop_waiting,
                                              .stop_self = &sound},
                        &sound.audio));
    block = ting_alloc(BLOCK, sizeof *block);
    if (block == NULL)
        FAIL(TING_ERR_MEMORY, "out of memory for a recording");
    TRY(read_all(&sound, block, sink, stopped));
    *seconds = (double)ting_audio_describe(sound.audio)->delivered / sound.rate;
    if (kept.sentence[0] != '\0')
        ting_log_write(&model->log, TING_LOG_WARNING, "%s", kept.sentence);
out:
    ting_free(block);
    ting_audio_close(sound.audio);
    return err;
}

ting_err ting_sound_feed_samples(const float *samples, size_t count, int rate, const ting_options *options, ting_sound_sink sink)
{
    ting_err err = TING_OK;
    for (size_t at = 0; at < count;) {
        const size_t part = count - at < BLOCK ? count - at : BLOCK;
        TRY(report(options, (double)at / rate, (double)count / rate));
        TRY(sink.take(sink.self, samples + at, part));
        at += part;
    }
    TRY(sink.take(sink.self, NULL, 0));
out:
    return err;
}
