/* SPDX-License-Identifier: Apache-2.0 */
/* recognize.c - whole recordings: a stream that is fed in large blocks, and its sentences collected. */
#include "audio/audio.h"
#include "base/mem.h"
#include "engine/model.h"
#include "engine/options.h"
#include "engine/result.h"

#include <stdbool.h>
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

/* Adds what is finished to the result. */
static ting_err collect(ting_stream *stream, ting_result *result)
{
    ting_err err = TING_OK;
    for (const ting_sentence *sentence; (sentence = ting_stream_poll(stream)) != NULL;)
        TRY(ting_result_add(result, sentence));
out:
    return err;
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

static ting_err listen(const source *s, ting_stream *stream, float *block, ting_result *result)
{
    ting_err err = TING_OK;
    bool stopped = false;
    for (size_t count = 1; count > 0 && !stopped;) {
        err = report_source(s);
        if (err == TING_OK)
            err = ting_audio_read(s->audio, block, BLOCK, &count);
        else
            count = 0;
        stopped = err == TING_ERR_CANCELLED && s->options->keep_partial; /* the samples that came are good */
        if (!stopped)
            TRY(err);
        TRY(ting_stream_feed(stream, block, count));
        TRY(collect(stream, result));
    }
    TRY(ting_stream_finish(stream));
    TRY(collect(stream, result));
    ting_result_set_duration(result, (double)ting_audio_describe(s->audio)->delivered / s->rate);
    if (stopped)
        ting_result_set_partial(result);
out:
    return err;
}

ting_err ting_recognize_file(const ting_model *model, const char *path, const ting_options *options,
                             ting_result **out)
{
    ting_err err = TING_OK;
    ting_options own;
    source sound = {.options = &own};
    ting_stream *stream = NULL;
    ting_result *result = NULL;
    float *block = NULL;
    remark kept = {""};
    const ting_log log = {keep_remark, &kept};
    int rate = model->hearing.am.features.rate; /* what the model hears: no second resampling */
    *out = NULL;
    TRY(ting_options_take(options, &own));
    sound.rate = rate;
    TRY(ting_audio_open(path,
                        &(ting_audio_options){.channel = own.channel,
                                              .rate = rate,
                                              .raw = own.raw,
                                              .log = &log,
                                              .stop = stop_waiting,
                                              .stop_self = &sound},
                        &sound.audio));
    TRY(ting_stream_new(model, &own, rate, &stream));
    block = ting_alloc(BLOCK, sizeof *block);
    result = ting_result_new();
    if (block == NULL || result == NULL)
        FAIL(TING_ERR_MEMORY, "out of memory for a recording");
    TRY(listen(&sound, stream, block, result));
    if (kept.sentence[0] != '\0')
        ting_log_write(&model->log, TING_LOG_WARNING, "%s", kept.sentence);
    *out = result;
    result = NULL;
out:
    ting_free(block);
    ting_result_free(result);
    ting_stream_free(stream);
    ting_audio_close(sound.audio);
    return err;
}

ting_err ting_recognize_samples(const ting_model *model, const float *samples, size_t count, int rate,
                                const ting_options *options, ting_result **out)
{
    ting_err err = TING_OK;
    ting_options own;
    ting_stream *stream = NULL;
    ting_result *result = NULL;
    *out = NULL;
    TRY(ting_options_take(options, &own));
    TRY(ting_stream_new(model, &own, rate, &stream));
    result = ting_result_new();
    if (result == NULL)
        FAIL(TING_ERR_MEMORY, "out of memory for a recording");
    for (size_t at = 0; at < count;) {
        size_t part = count - at < BLOCK ? count - at : BLOCK;
        TRY(report(&own, (double)at / rate, (double)count / rate));
        TRY(ting_stream_feed(stream, samples + at, part));
        TRY(collect(stream, result));
        at += part;
    }
    TRY(ting_stream_finish(stream));
    TRY(collect(stream, result));
    ting_result_set_duration(result, (double)count / rate);
    *out = result;
    result = NULL;
out:
    ting_result_free(result);
    ting_stream_free(stream);
    return err;
}
