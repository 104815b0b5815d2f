/* SPDX-License-Identifier: Apache-2.0 */
/*
 * align_sound.c - a recording and what is said in it -> when each character is said; see ting_align_file.
 *
 *     sound -> listener.h: rows [T, dim], all kept     text -> align_text.h: places
 *           \-> decode/forced_align.h: hits of each place -> sentence.h, which is told the characters -> ting_result
 *                                                     \-> pronounce.h, if it is asked for
 */
#include "base/mem.h"
#include "base/pool.h"
#include "decode/forced_align.h"
#include "engine/align_text.h"
#include "engine/listener.h"
#include "engine/model.h"
#include "engine/options.h"
#include "engine/pronounce.h"
#include "engine/result.h"
#include "engine/sentence.h"
#include "engine/sound_feed.h"

#include "audio/pcm.h"

#include <math.h>
#include <string.h>

static const double most_seconds = 7200; /* of a sound: its rows are kept, some 100 MB an hour */
static const double usual_beam = 300;    /* nats: some 70 characters to and fro of where the sound is (docs/ALIGN.md) */
static const size_t most_cells = (size_t)1 << 24; /* rows x places of an exact search: seven minutes of sound in one */

typedef struct aligner {
    const ting_model *model;
    ting_options options;
    ting_align_text text;
    ting_pool *pool;
    ting_listener *listener;
    ting_real *rows; /* [row_count, dim] */
    int row_count, dim;
    size_t room;
    double row_seconds, seconds;
    ting_hit *hits; /* [alignment.count] */
    ting_forced_alignment alignment;
    bool ctc; /* it is the CTC head's */
    const ting_pronunciation **pronunciations; /* [text.count]; NULL: not asked for */
    ting_arena *scores;                        /* where they lie */
    ting_arena *arena; /* of sentences */
} aligner;

static ting_err take_rows(void *self, ting_ctx *ctx, ting_tensor rows, long first)
{
    (void)ctx, (void)first;
    ting_err err = TING_OK;
    aligner *a = self;
    const size_t dim = (size_t)rows.cols, count = (size_t)a->row_count * dim;
    if ((a->row_count + rows.rows) * a->row_seconds > most_seconds)
        FAIL(TING_ERR_UNSUPPORTED, "the sound is too long to be aligned at once: expected at most %g s: cut it", most_seconds);
    TRY(ting_reserve(&a->rows, count, (size_t)rows.rows * dim, &a->room, sizeof *a->rows));
    for (int t = 0; t < rows.rows; t++)
        memcpy(a->rows + count + (size_t)t * dim, ting_row(rows, t), dim * sizeof *a->rows);
    a->row_count += rows.rows;
    a->dim = rows.cols;
out:
    return err;
}

static ting_err hear(void *self, const float *samples, size_t count)
{
    aligner *a = self;
    return count > 0 ? ting_listener_feed(a->listener, samples, count) : ting_listener_finish(a->listener);
}

static ting_err begin(const ting_model *model, const ting_options *options, const char *text, int rate, aligner *a)
{
    ting_err err = TING_OK;
    const ting_am *am = &model->hearing.am;
    *a = (aligner){.model = model};
    TRY(ting_options_take(options, &a->options));
    a->options.keep_partial = 0; /* half a sound does not say the whole text */
    if (text == NULL)
        FAIL(TING_ERR_ARGUMENT, "no text to align");
    if (rate < TING_MIN_RATE || rate > TING_MAX_RATE)
        FAIL(TING_ERR_ARGUMENT, "a rate of %d Hz is out of range: %d to %d", rate, TING_MIN_RATE, TING_MAX_RATE);
    TRY(ting_align_text_read(am, text, &a->text));
    const int threads = a->options.threads > 0 ? a->options.threads : ting_cpu_count();
    if (threads > 1) {
        a->pool = ting_pool_new(threads);
        if (a->pool == NULL)
            FAIL(TING_ERR_MEMORY, "%d threads could not be started", threads);
    }
    TRY(ting_listener_new(am, &(ting_listener_options){.rate = rate, .pause = a->options.pause, .longest = a->options.longest,
                                                       .pool = a->pool, .whole = a->options.whole},
                          (ting_row_sink){.take = take_rows, .self = a}, &a->listener));
    a->row_seconds = ting_listener_row_seconds(a->listener);
out:
    return err;
}

/* Whether the caller wants to go on: asked while all of the sound is heard and is searched. */
static ting_err report(void *self)
{
    ting_err err = TING_OK;
    const aligner *a = self;
    if (a->options.progress != NULL && a->options.progress(a->options.progress_self, a->seconds, a->seconds) != 0)
        FAIL(TING_ERR_CANCELLED, "stopped while the text was looked for in %.1f s of sound", a->seconds);
out:
    return err;
}

static ting_tensor all_rows(const aligner *a)
{
    return (ting_tensor){.data = a->rows, .rows = a->row_count, .cols = a->dim, .ld = a->dim};
}

static ting_err search_head(aligner *a, ting_ctx *ctx, bool ctc, double beam)
{
    const ting_forced_align_options options = {.ctc = ctc, .beam = beam, .go_on = report, .self = a};
    a->ctc = ctc;
    return ting_forced_align(ctx, a->model->hearing.am.net, &options, all_rows(a), a->text.places, a->text.count, &a->alignment);
}

/* By the head that recognises (decoder.h), within the usual beam; where that finds nothing by the CTC head, which never waits for a
 * context, if there is another; then, of what is not too long, exactly. */
static ting_err search_heads(aligner *a, ting_ctx *ctx)
{
    const ting_am_net *net = a->model->hearing.am.net;
    const bool ctc = net->transducer == NULL, both = !ctc && net->config.ctc.vocab > 0;
    ting_err err = search_head(a, ctx, ctc, usual_beam);
    if (err == TING_ERR_NOT_FOUND && both)
        err = search_head(a, ctx, true, usual_beam);
    if (err == TING_ERR_NOT_FOUND && (size_t)a->row_count * (size_t)a->text.count <= most_cells)
        err = search_head(a, ctx, ctc, INFINITY);
    return err;
}

static ting_err score(aligner *a, ting_ctx *ctx)
{
    ting_err err = TING_OK;
    ting_pronouncer *pronouncer = NULL;
    a->scores = ting_arena_new(1 << 14);
    a->pronunciations = ting_alloc((size_t)a->text.count, sizeof *a->pronunciations);
    if (a->scores == NULL || a->pronunciations == NULL)
        FAIL(TING_ERR_MEMORY, "out of memory for pronunciations");
    TRY(ting_pronouncer_new(&a->model->hearing.am, &pronouncer));
    for (int i = 0; i < a->text.count; i++) {
        TRY(report(a));
        TRY(ting_pronounce(pronouncer, ctx, all_rows(a), &a->alignment, a->ctc, i, a->text.count, a->scores, &a->pronunciations[i]));
    }
out:
    ting_pronouncer_free(pronouncer);
    return err;
}

static ting_err search(aligner *a)
{
    ting_err err = TING_OK;
    ting_arena *arena = ting_arena_new(1 << 20);
    if (arena == NULL)
        FAIL(TING_ERR_MEMORY, "out of memory for an alignment");
    ting_ctx ctx = {.arena = arena, .pool = a->pool, .kern = ting_kern_select(ting_cpu_detect())};
    TRY(search_heads(a, &ctx));
    if (a->options.pronunciation)
        TRY(score(a, &ctx));
    a->hits = ting_alloc((size_t)a->alignment.count, sizeof *a->hits);
    if (a->hits == NULL)
        FAIL(TING_ERR_MEMORY, "out of memory for an alignment");
    for (int i = 0; i < a->alignment.count; i++) {
        const ting_emission *e = &a->alignment.emissions[i];
        a->hits[i] = (ting_hit){e->token, (double)e->row * a->row_seconds, (double)(e->row + 1) * a->row_seconds, e->log_prob};
    }
out:
    ting_arena_free(arena);
    return err;
}

typedef struct given { /* the characters of a sentence [count] */
    char (*characters)[TING_HANZI_TEXT];
    int count;
} given;

/* A ting_hanzi_writer: what is written is known already. */
static ting_err write_given(void *self, const ting_hanzi_input *inputs, int input_count, int nbest, int alternatives, ting_arena *arena,
                            ting_hanzi_page *out)
{
    (void)nbest, (void)alternatives;
    ting_err err = TING_OK;
    const given *g = self;
    ting_hanzi_line *line = ting_arena_take(arena, sizeof *line);
    ting_p2h_origin *origins = ting_arena_take(arena, (size_t)g->count * sizeof *origins);
    const char **characters = ting_arena_take(arena, (size_t)g->count * sizeof *characters);
    if (ting_arena_failed(arena))
        FAIL(TING_ERR_MEMORY, "out of memory for a sentence of %d characters", g->count);
    if (input_count != 1 || inputs[0].count != g->count)
        FAIL(TING_ERR_INTERNAL, "%d characters were aligned as %d syllables", g->count, inputs[0].count);
    for (int i = 0; i < g->count; i++) {
        characters[i] = g->characters[i];
        origins[i] = (ting_p2h_origin){.place = i, .other = -1};
    }
    *line = (ting_hanzi_line){.characters = characters, .origins = origins, .count = g->count, .score = inputs[0].score};
    *out = (ting_hanzi_page){.lines = line, .line_count = 1};
out:
    return err;
}

static int first_hit(const aligner *a, int place)
{
    return place < a->text.count ? a->alignment.firsts[place] : a->alignment.count;
}

/* The sentence with the pronunciations of its characters, each of which stands for a place from `first` on. In the arena. */
static ting_err with_scores(const aligner *a, int first, const ting_sentence **sentence)
{
    ting_err err = TING_OK;
    const ting_sentence *from = *sentence;
    ting_sentence *scored = ting_arena_take(a->arena, sizeof *scored);
    struct ting_sentence_parts *parts = ting_arena_take(a->arena, sizeof *parts);
    ting_char *chars = ting_arena_take(a->arena, (size_t)from->char_count * sizeof *chars);
    if (ting_arena_failed(a->arena))
        FAIL(TING_ERR_MEMORY, "out of memory for a sentence of %d characters", from->char_count);
    *scored = *from;
    *parts = *from->parts;
    for (int i = 0; i < from->char_count; i++) {
        chars[i] = parts->chars[i];
        chars[i].pronunciation = a->pronunciations[first + i];
    }
    parts->chars = chars;
    scored->parts = parts;
    *sentence = scored;
out:
    return err;
}

/* Places first .. end - 1 as a sentence. */
static ting_err add_sentence(aligner *a, int first, int end, ting_result *result)
{
    ting_err err = TING_OK;
    const ting_am *am = &a->model->hearing.am;
    given characters = {a->text.characters + first, end - first};
    const double limit = end < a->text.count ? a->hits[first_hit(a, end)].start : a->seconds; /* the next one may follow at once */
    const ting_hanzi_writer writer = {write_given, &characters};
    const ting_sentence_maker maker = {.tokens = am->tokens.items, .parts = am->pieces, .token_count = (int)am->tokens.count,
                                       .writer = &writer, .row_seconds = a->row_seconds, .limit = limit, .nbest = 1};
    ting_heard heard = {.hits = a->hits + first_hit(a, first), .count = first_hit(a, end) - first_hit(a, first)};
    const ting_sentence *sentence = NULL;
    for (int i = 0; i < heard.count; i++)
        heard.score += heard.hits[i].log_prob;
    ting_arena_reset(a->arena);
    TRY(ting_sentence_make(&maker, &heard, 1, a->arena, &sentence));
    if (a->pronunciations != NULL)
        TRY(with_scores(a, first, &sentence));
    TRY(ting_result_add(result, sentence));
out:
    return err;
}

static ting_err finish(aligner *a, ting_result **out)
{
    ting_err err = TING_OK;
    ting_result *result = ting_result_new();
    a->arena = ting_arena_new(1 << 14);
    if (result == NULL || a->arena == NULL)
        FAIL(TING_ERR_MEMORY, "out of memory for a result");
    if (a->seconds <= 0)
        FAIL(TING_ERR_ARGUMENT, "no sound to align the text with");
    if (ceil(a->seconds / a->row_seconds) < a->text.count) /* what the listener has appended says nothing */
        FAIL(TING_ERR_ARGUMENT, "the text is too long for the sound: %d characters in %.3f s", a->text.count, a->seconds);
    TRY(search(a));
    for (int place = 0, first = 0; place < a->text.count; place++) {
        const int last = first_hit(a, place + 1) - 1;
        const bool pause = place + 1 < a->text.count && a->hits[last + 1].start - a->hits[last].end >= a->options.pause;
        if (!a->text.ends[place] && !pause)
            continue;
        TRY(add_sentence(a, first, place + 1, result));
        first = place + 1;
    }
    ting_result_set_duration(result, a->seconds);
    *out = result;
    result = NULL;
out:
    ting_result_free(result);
    return err;
}

static void end(aligner *a)
{
    ting_listener_free(a->listener);
    ting_pool_free(a->pool);
    ting_align_text_free(&a->text);
    ting_forced_alignment_free(&a->alignment);
    ting_arena_free(a->arena);
    ting_arena_free(a->scores);
    ting_free(a->pronunciations);
    ting_free(a->rows);
    ting_free(a->hits);
}

ting_err ting_align_file(const ting_model *model, const char *path, const char *text, const ting_options *options, ting_result **out)
{
    ting_err err = TING_OK;
    aligner a;
    bool stopped;
    *out = NULL;
    TRY(begin(model, options, text, model->hearing.am.features.rate, &a));
    TRY(ting_sound_feed_file(model, path, &a.options, (ting_sound_sink){hear, &a}, &a.seconds, &stopped));
    TRY(finish(&a, out));
out:
    end(&a);
    return err;
}

ting_err ting_align_samples(const ting_model *model, const float *samples, size_t count, int rate, const char *text,
                            const ting_options *options, ting_result **out)
{
    ting_err err = TING_OK;
    aligner a;
    *out = NULL;
    TRY(begin(model, options, text, rate, &a));
    a.seconds = (double)count / rate;
    TRY(ting_sound_feed_samples(samples, count, rate, &a.options, (ting_sound_sink){hear, &a}));
    TRY(finish(&a, out));
out:
    end(&a);
    return err;
}
