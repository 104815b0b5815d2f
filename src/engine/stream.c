/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stream.c - sound as it comes, sentences as they end.
 *
 *     samples -> listener (rows) -> search (tokens) -> end of sentence? -> sentence -> queue -> poll
 *
 * Whether a sentence ends is asked at each chunk of the encoder (listener.h), never at a call of feed, so it does not
 * depend on how the sound was cut into pieces. A sentence ends after options.pause seconds without a token;
 * when it has grown to two thirds of options.longest, at the next short pause; at options.longest in any case,
 * but not between an initial and its final.
 */
#include "engine/hotword_text.h"
#include "engine/listener.h"
#include "engine/model.h"
#include "engine/options.h"
#include "engine/search.h"
#include "engine/witness.h"

#include "audio/pcm.h"
#include "base/mem.h"
#include "base/str.h"

#include <math.h>

static const double short_pause = 0.24, overtime = 1.0; /* seconds */

/* How lines of hanzi are searched (decode/p2h.h): chosen on sentences that nothing is reported of (docs/JOINT.md). A language
 * model takes away for each character. */
static const struct weights {
    double heard, bonus;
} with_lm = {1.4, 3}, without_lm = {0.33, 0};

struct ting_stream {
    const ting_model *model;
    ting_options options;
    ting_pool *pool;
    ting_listener *listener;
    ting_search *search;
    ting_hanzi_p2h_use use;
    ting_hanzi_writer writer; /* used by the maker when text is hanzi */
    ting_sentence_maker maker;
    int chunk_rows;
    const ting_witness *witness; /* NULL: nobody watches */
    ting_hanzi_seen seen;

    ting_arena *arena;               /* of the sentences in the queue */
    const ting_sentence **queue;     /* [room] */
    int count, next;
    size_t room;

    ting_arena *draft;               /* of the partial sentence */
    ting_str text, pinyin;           /* of the last partial */
    size_t stable;
    int drafted;                     /* tokens it was made of */
    ting_err failed;                 /* after an error only reset and free go on */
    bool finished;
};

static ting_err enqueue(ting_stream *s, const ting_sentence *sentence)
{
    ting_err err = ting_reserve(&s->queue, (size_t)s->count, 1, &s->room, sizeof *s->queue);
    if (err == TING_OK)
        s->queue[s->count++] = sentence;
    return err;
}

static ting_err testify(const ting_stream *s, const ting_sentence *sentence, const ting_heard *heard, int count)
{
    const bool hanzi = s->maker.writer != NULL;
    return s->witness->sentence(s->witness->self, &(ting_testimony){.sentence = sentence, .heard = heard, .heard_count = count,
                                                                    .seen = hanzi ? &s->seen : NULL, .use = hanzi ? &s->use : NULL});
}

/* Makes a sentence of what the search holds, and begins the next. */
static ting_err close_sentence(ting_stream *s)
{
    ting_err err = TING_OK;
    const ting_heard *heard = NULL;
    const ting_sentence *sentence = NULL;
    int count = 0;
    TRY(ting_search_hypotheses(s->search, ting_options_width(&s->options), &heard, &count));
    TRY(ting_sentence_make(&s->maker, heard, count, s->arena, &sentence));
    if (sentence != NULL)
        TRY(enqueue(s, sentence));
    if (sentence != NULL && s->witness != NULL)
        TRY(testify(s, sentence, heard, count));
    ting_search_cut(s->search);
    s->drafted = 0;
    ting_str_clear(&s->text);
    ting_str_clear(&s->pinyin);
    s->stable = 0;
out:
    return err;
}

/* With keywords: each one found is a sentence. */
static ting_err take_keywords(ting_stream *s)
{
    ting_err err = TING_OK;
    const char *name;
    double probability;
    ting_heard heard;
    const ting_sentence *sentence;
    for (;;) {
        TRY(ting_search_spotted(s->search, &name, &probability, &heard));
        if (name == NULL)
            break;
        TRY(ting_sentence_make_keyword(&s->maker, &heard, name, probability, s->arena, &sentence));
        TRY(enqueue(s, sentence));
    }
out:
    return err;
}

static bool sentence_ends(const ting_stream *s, double now)
{
    double first, last;
    int token;
    if (ting_search_best(s->search, &first, &last, &token) == 0)
        return false;
    double length = now - first, silence = now - last;
    if (silence >= s->options.pause)
        return true;
    if (length >= s->options.longest * 2 / 3 && silence >= short_pause)
        return true;
    bool initial = token >= 0 && token < s->maker.token_count &&
                   s->maker.parts[token].kind == TING_PIECE_INITIAL;
    return length >= s->options.longest + (initial ? overtime : 0);
}

static ting_err take_rows(void *self, ting_ctx *ctx, ting_tensor rows, long first)
{
    ting_err err = TING_OK;
    ting_stream *s = self;
    if (s->witness != NULL)
        TRY(s->witness->rows(s->witness->self, rows, first));
    for (int r = 0; r < rows.rows; r += s->chunk_rows) {
        int count = rows.rows - r < s->chunk_rows ? rows.rows - r : s->chunk_rows;
        TRY(ting_search_take(s->search, ctx, ting_rows(rows, r, count)));
        if (sentence_ends(s, (double)(first + r + count) * s->maker.row_seconds))
            TRY(close_sentence(s));
        TRY(take_keywords(s));
    }
out:
    return err;
}

/* A model that hears segments gets the rest of the pause only with the next one. */
static ting_err take_pause(void *self)
{
    ting_stream *s = self;
    double first, last;
    int token;
    return ting_search_best(s->search, &first, &last, &token) > 0 ? close_sentence(s) : TING_OK;
}

static void take_call(void *self, long first)
{
    const ting_stream *s = self;
    if (s->witness != NULL)
        s->witness->call(s->witness->self, first);
}

/* Whether a pinyin-to-hanzi network has a say in what is written. */
static bool is_written(const ting_stream *s)
{
    const bool wanted = s->options.hanzi == 2 ? s->model->writing.path != NULL : s->options.hanzi == 1;
    return wanted && !s->model->hearing.am.writes && s->options.keywords == NULL;
}

static ting_err make_parts(ting_stream *s, int rate)
{
    ting_err err = TING_OK;
    const ting_am *am = &s->model->hearing.am;
    int threads = s->options.threads > 0 ? s->options.threads : ting_cpu_count();
    s->arena = ting_arena_new(1 << 14);
    s->draft = ting_arena_new(1 << 14);
    if (s->arena == NULL || s->draft == NULL)
        FAIL(TING_ERR_MEMORY, "out of memory for a stream");
    if (threads > 1) {
        s->pool = ting_pool_new(threads);
        if (s->pool == NULL)
            FAIL(TING_ERR_MEMORY, "%d threads could not be started", threads);
    }
    TRY(ting_listener_new(am, &(ting_listener_options){.rate = rate, .pause = s->options.pause, .longest = s->options.longest,
                                                       .pool = s->pool, .whole = s->options.whole,
                                                       .tap = s->witness != NULL ? s->witness->tap : NULL},
                          (ting_row_sink){take_rows, take_pause, s, take_call}, &s->listener));
    s->chunk_rows = ting_listener_chunk_rows(s->listener);
    s->maker = (ting_sentence_maker){
        .tokens = am->tokens.items, .parts = am->pieces, .token_count = (int)am->tokens.count,
        .row_seconds = ting_listener_row_seconds(s->listener),
        .nbest = s->options.nbest, .alternatives = s->options.alternatives};
    if (!is_written(s) && s->options.beam < s->options.nbest) /* the acoustic hypotheses are all that there is to list */
        s->options.beam = s->options.nbest;
    TRY(ting_search_new(am, &s->options, s->maker.row_seconds, &s->search));
    const struct weights *weights = s->model->weighing.lm != NULL ? &with_lm : &without_lm;
    if (is_written(s)) {
        if (s->model->writing.path == NULL)
            FAIL(TING_ERR_MODEL, "the model was opened without a pinyin-to-hanzi network: its text can be pinyin only");
        s->use = (ting_hanzi_p2h_use){.p2h = s->model->writing.p2h, .kern = ting_kern_select(ting_cpu_detect()), .pool = s->pool,
                                      .limit = s->options.constrained ? TING_P2H_EXACT : TING_P2H_FREE, .aligned = true,
                                      .lm = s->model->weighing.lm, .rescorer = s->model->ranking.rescorer,
                                      .heard_weight = weights->heard, .bonus = weights->bonus, .hotwords = s->options.hotwords,
                                      .spell = s->options.hanzi == 2,
                                      .seen = s->witness != NULL ? &s->seen : NULL};
        if (s->use.hotwords != NULL && s->use.hotwords->p2h != s->use.p2h)
            FAIL(TING_ERR_ARGUMENT, "the hotwords were read for another model");
        s->writer = ting_hanzi_p2h_writer(&s->use);
        s->maker.writer = &s->writer;
        s->maker.spell = s->use.spell;
    }
out:
    return err;
}

ting_err ting_stream_new(const ting_model *model, const ting_options *options, int rate, ting_stream **out)
{
    return ting_stream_new_watched(model, options, rate, NULL, out);
}

ting_err ting_stream_new_watched(const ting_model *model, const ting_options *options, int rate, const ting_witness *witness,
                                 ting_stream **out)
{
    ting_err err = TING_OK;
    *out = NULL;
    ting_stream *s = ting_alloc(1, sizeof *s);
    if (s == NULL)
        return TING_ERR_MEMORY;
    s->model = model;
    s->witness = witness;
    TRY(ting_options_take(options, &s->options));
    if (rate < TING_MIN_RATE || rate > TING_MAX_RATE)
        FAIL(TING_ERR_ARGUMENT, "a rate of %d Hz is out of range: %d to %d", rate, TING_MIN_RATE, TING_MAX_RATE);
    TRY(make_parts(s, rate));
    *out = s;
    s = NULL;
out:
    ting_stream_free(s);
    return err;
}

void ting_stream_free(ting_stream *s)
{
    if (s == NULL)
        return;
    ting_listener_free(s->listener);
    ting_search_free(s->search);
    ting_pool_free(s->pool);
    ting_arena_free(s->arena);
    ting_arena_free(s->draft);
    ting_free(s->queue);
    ting_str_free(&s->text);
    ting_str_free(&s->pinyin);
    ting_free(s);
}

ting_err ting_stream_feed(ting_stream *s, const float *samples, size_t count)
{
    ting_err err = TING_OK;
    if (s->failed != TING_OK)
        FAIL(TING_ERR_ARGUMENT, "the stream has failed before: reset it");
    if (s->finished)
        FAIL(TING_ERR_ARGUMENT, "sound was fed after the end of the stream: reset it first");
    err = s->failed = ting_listener_feed(s->listener, samples, count);
out:
    return err;
}

ting_err ting_stream_finish(ting_stream *s)
{
    ting_err err = TING_OK;
    double first, last;
    int token;
    if (s->failed != TING_OK)
        FAIL(TING_ERR_ARGUMENT, "the stream has failed before: reset it");
    if (s->finished)
        goto out;
    s->finished = true;
    s->failed = TING_ERR_INTERNAL; /* until all of this has gone well */
    s->maker.limit = ting_listener_fed(s->listener);
    TRY(ting_listener_finish(s->listener));
    TRY(ting_search_finish(s->search));
    TRY(take_keywords(s));
    if (ting_search_best(s->search, &first, &last, &token) > 0)
        TRY(close_sentence(s));
    s->failed = TING_OK;
out:
    return err;
}

ting_err ting_stream_reset(ting_stream *s)
{
    ting_arena_reset(s->arena);
    ting_arena_reset(s->draft);
    ting_search_reset(s->search);
    ting_str_clear(&s->text);
    ting_str_clear(&s->pinyin);
    s->count = s->next = s->drafted = 0;
    s->stable = 0;
    s->maker.limit = 0;
    s->finished = false;
    s->failed = ting_listener_reset(s->listener);
    return s->failed;
}

const ting_sentence *ting_stream_poll(ting_stream *s)
{
    if (s->next < s->count)
        return s->queue[s->next++];
    ting_arena_reset(s->arena); /* all were handed out, and the last one's loan ends with this call */
    s->next = s->count = 0;
    return NULL;
}

/* Bytes at which two texts begin alike, cut at a character's border. */
static size_t common(const char *a, const char *b)
{
    size_t n = 0;
    while (a[n] != '\0' && a[n] == b[n])
        n++;
    while (n > 0 && ((unsigned char)b[n] & 0xC0) == 0x80)
        n--;
    return n;
}

static ting_err draft(ting_stream *s)
{
    ting_err err = TING_OK;
    const ting_heard *heard = NULL;
    const ting_sentence *sentence = NULL;
    int count = 0;
    ting_arena_reset(s->draft);
    TRY(ting_search_hypotheses(s->search, 1, &heard, &count));
    ting_sentence_maker quick = s->maker;
    quick.nbest = 1;
    quick.alternatives = 0;
    TRY(ting_sentence_make(&quick, heard, 1, s->draft, &sentence));
    const char *text = sentence != NULL ? sentence->text : "";
    s->stable = s->text.text != NULL ? common(s->text.text, text) : 0;
    ting_str_clear(&s->text);
    ting_str_clear(&s->pinyin);
    ting_str_add(&s->text, text);
    ting_str_add(&s->pinyin, sentence != NULL ? sentence->pinyin : "");
    s->drafted = heard[0].count;
    if (!ting_str_ok(&s->text) || !ting_str_ok(&s->pinyin))
        err = TING_ERR_MEMORY;
out:
    return err;
}

ting_err ting_stream_partial(ting_stream *s, ting_partial *out)
{
    ting_err err = TING_OK;
    double first, last;
    int token, count;
    *out = (ting_partial){"", 0, ""};
    if (s->failed != TING_OK)
        FAIL(TING_ERR_ARGUMENT, "the stream has failed before: reset it");
    count = ting_search_best(s->search, &first, &last, &token);
    if (count > 0 && (count != s->drafted || s->options.decoding != TING_DECODING_GREEDY))
        TRY(draft(s));
    else if (count > 0)
        s->stable = s->text.length; /* nothing new: the second partial in a row */
    if (count > 0)
        *out = (ting_partial){s->text.text, s->stable, s->pinyin.text};
out:
    return err;
}

double ting_stream_fed(const ting_stream *s)
{
    return ting_listener_fed(s->listener);
}

double ting_stream_heard(const ting_stream *s)
{
    return fmin(ting_listener_heard(s->listener), ting_stream_fed(s)); /* and not the silence behind the end */
}
