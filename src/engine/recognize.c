/* SPDX-License-Identifier: Apache-2.0 */
/* recognize.c - whole recordings: a stream that is fed in large blocks, and its sentences collected. */
#include "engine/model.h"
#include "engine/options.h"
#include "engine/result.h"
#include "engine/sound_feed.h"

#include <stdbool.h>

typedef struct listening {
    ting_stream *stream;
    ting_result *result;
} listening;

/* Feeds the stream and adds what is finished to the result. */
static ting_err hear(void *self, const float *samples, size_t count)
{
    ting_err err = TING_OK;
    listening *l = self;
    TRY(count > 0 ? ting_stream_feed(l->stream, samples, count) : ting_stream_finish(l->stream));
    for (const ting_sentence *sentence; (sentence = ting_stream_poll(l->stream)) != NULL;)
        TRY(ting_result_add(l->result, sentence));
out:
    return err;
}

static ting_err begin(const ting_model *model, const ting_options *options, int rate, listening *l)
{
    ting_err err = TING_OK;
    TRY(ting_stream_new(model, options, rate, &l->stream));
    l->result = ting_result_new();
    if (l->result == NULL)
        FAIL(TING_ERR_MEMORY, "out of memory for a recording");
out:
    return err;
}

/* Ends the listening; *out gets the result unless something failed. */
static ting_err end(listening *l, ting_err err, ting_result **out)
{
    ting_stream_free(l->stream);
    if (err == TING_OK)
        *out = l->result;
    else
        ting_result_free(l->result);
    return err;
}

ting_err ting_recognize_file(const ting_model *model, const char *path, const ting_options *options,
                             ting_result **out)
{
    ting_err err = TING_OK;
    ting_options own;
    listening l = {NULL, NULL};
    double seconds;
    bool stopped;
    *out = NULL;
    TRY(ting_options_take(options, &own));
    TRY(begin(model, &own, model->hearing.am.features.rate, &l));
    TRY(ting_sound_feed_file(model, path, &own, (ting_sound_sink){hear, &l}, &seconds, &stopped));
    ting_result_set_duration(l.result, seconds);
    if (stopped)
        ting_result_set_partial(l.result);
out:
    return end(&l, err, out);
}

ting_err ting_recognize_samples(const ting_model *model, const float *samples, size_t count, int rate,
                                const ting_options *options, ting_result **out)
{
    ting_err err = TING_OK;
    ting_options own;
    listening l = {NULL, NULL};
    *out = NULL;
    TRY(ting_options_take(options, &own));
    TRY(begin(model, &own, rate, &l));
    TRY(ting_sound_feed_samples(samples, count, rate, &own, (ting_sound_sink){hear, &l}));
    ting_result_set_duration(l.result, (double)count / rate);
out:
    return end(&l, err, out);
}
