/* SPDX-License-Identifier: Apache-2.0 */
/* explain_hear.c - a part of a sound -> recognised, with everything that explain.h shows kept on the way. */
#include "engine/explain.h"

#include "base/mem.h"
#include "engine/options.h"
#include "engine/sound_feed.h"

#include <math.h>
#include <string.h>

static const double most_seconds = 30;
enum { OTHER_LINES = 5 }; /* hypotheses that the page shows, if the search has several */

/* ---- the witness ---- */

static void take_call(void *self, long first)
{
    ting_attention_maps_call(&((ting_explained *)self)->attention, first);
}

static ting_err take_rows(void *self, ting_tensor rows, long first)
{
    (void)first;
    ting_err err = TING_OK;
    ting_explained *e = self;
    const size_t dim = (size_t)rows.cols, count = (size_t)e->row_count * dim;
    TRY(ting_reserve(&e->rows, count, (size_t)rows.rows * dim, &e->row_room, sizeof *e->rows));
    for (int t = 0; t < rows.rows; t++)
        memcpy(e->rows + count + (size_t)t * dim, ting_row(rows, t), dim * sizeof *e->rows);
    e->row_count += rows.rows;
    e->dim = rows.cols;
    err = e->attention.err;
out:
    return err;
}

static ting_err take_sentence(void *self, const ting_testimony *t)
{
    ting_err err = TING_OK;
    ting_explained *e = self;
    const ting_heard *heard = &t->heard[0];
    ting_hit *hits = ting_arena_take(e->arena, (size_t)heard->count * sizeof *hits);
    if (hits == NULL)
        FAIL(TING_ERR_MEMORY, "out of memory for a sentence of %d tokens", heard->count);
    memcpy(hits, heard->hits, (size_t)heard->count * sizeof *hits);
    TRY(ting_reserve(&e->sentences, (size_t)e->sentence_count, 1, &e->sentence_room, sizeof *e->sentences));
    ting_explained_sentence *s = &e->sentences[e->sentence_count++];
    *s = (ting_explained_sentence){.sentence = t->sentence, .hits = hits, .hit_count = heard->count, .use = t->use};
    if (t->seen != NULL)
        s->seen = *t->seen;
out:
    return err;
}

/* ---- the sound ---- */

/* Samples of the file, one block after the other; those of the part go on. */
static ting_err hear(void *self, const float *samples, size_t count)
{
    ting_err err = TING_OK;
    ting_explained *e = self;
    if (count == 0)
        return ting_stream_finish(e->stream);
    const long long from = llround(e->how.begin * e->rate), to = llround(e->end * e->rate);
    const long long at = e->skipped + (long long)e->count, left = from - at;
    size_t skip = left <= 0 ? 0 : left < (long long)count ? (size_t)left : count;
    e->skipped += (long long)skip;
    samples += skip;
    count -= skip;
    const long long room = to - e->skipped - (long long)e->count;
    count = room < (long long)count ? (size_t)(room > 0 ? room : 0) : count;
    if (count == 0)
        goto out;
    TRY(ting_reserve(&e->samples, e->count, count, &e->sample_room, sizeof *e->samples));
    memcpy(e->samples + e->count, samples, count * sizeof *samples);
    e->count += count;
    TRY(ting_stream_feed(e->stream, samples, count));
out:
    return err;
}

/* The caller's progress; what lies behind the part is not read. */
static int progress(void *self, double done, double total)
{
    ting_explained *e = self;
    e->total = total;
    if (e->options.progress != NULL && e->options.progress(e->options.progress_self, done, fmin(total, e->end)) != 0)
        e->cancelled = true;
    return e->cancelled || done >= e->end;
}

static ting_err begin(const ting_model *model, const ting_options *options, const ting_explain_options *how, ting_explained *e)
{
    ting_err err = TING_OK;
    *e = (ting_explained){.model = model, .rate = model->hearing.am.features.rate};
    TRY(ting_options_take(options, &e->options));
    TRY(ting_explain_options_take(how, &e->how));
    e->row_seconds = (double)ting_encoder_step(&model->hearing.am.net->config.encoder) * model->hearing.am.features.shift / e->rate;
    e->begin = e->how.begin;
    e->end = e->how.end > 0 ? e->how.end : e->begin + most_seconds;
    if (!(e->end > e->begin) || e->end - e->begin > most_seconds + 1e-6)
        FAIL(TING_ERR_ARGUMENT,
             "from %.2f to %.2f s is no part that can be explained: expected an end at most %g s behind the beginning", e->begin,
             e->end, most_seconds);
    if (e->options.keywords != NULL)
        FAIL(TING_ERR_ARGUMENT, "keywords are not for an explanation: expected recognition of all that is said");
    if (e->options.decoding != TING_DECODING_GREEDY && e->options.nbest < OTHER_LINES && e->options.beam >= OTHER_LINES)
        e->options.nbest = OTHER_LINES;
    e->arena = ting_arena_new(1 << 16);
    if (e->arena == NULL)
        FAIL(TING_ERR_MEMORY, "out of memory for an explanation");
    e->tap = ting_attention_maps_tap(&e->attention);
    e->witness = (ting_witness){.tap = &e->tap, .call = take_call, .rows = take_rows, .sentence = take_sentence, .self = e};
    TRY(ting_stream_new_watched(model, &e->options, e->rate, &e->witness, &e->stream));
out:
    return err;
}

ting_err ting_explain_hear(const ting_model *model, const char *path, const ting_options *options, const ting_explain_options *how,
                           ting_explained *e)
{
    ting_err err = TING_OK;
    bool stopped;
    double seconds;
    TRY(begin(model, options, how, e));
    ting_options own = e->options;
    own.progress = progress;
    own.progress_self = e;
    own.keep_partial = 1; /* what progress stops at the end of the part is whole */
    TRY(ting_sound_feed_file(model, path, &own, (ting_sound_sink){hear, e}, &seconds, &stopped));
    if (e->cancelled)
        FAIL(TING_ERR_CANCELLED, "stopped after %.1f s of sound", seconds);
    if (!stopped)
        e->total = seconds;
    if (e->count == 0)
        FAIL(TING_ERR_ARGUMENT, "%s: nothing to explain from %.2f s on: the sound has %.2f s", path, e->begin, seconds);
    e->end = e->begin + (double)e->count / e->rate;
    if (e->attention.err != TING_OK)
        FAIL(e->attention.err, "out of memory for attention maps");
out:
    return err;
}

void ting_explained_free(ting_explained *e)
{
    ting_stream_free(e->stream);
    ting_arena_free(e->arena);
    ting_attention_maps_free(&e->attention);
    ting_free(e->samples);
    ting_free(e->rows);
    ting_free(e->sentences);
}
