/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lm_reader.c - ting_lm_reader of tingxie.h: probabilities of texts by language models.
 *
 *     texts -> words (model/vocabulary.h) -> places: each word of a sentence and its end -> log p of each by each model -> sums
 *
 * A network gets as many sentences at once as BUDGET places hold. A sentence that is longer than its context is read through windows that
 * overlap by half; each place is asked in the window where it has most before it.
 */
#include "engine/lm.h"

#include "base/mem.h"

#include <math.h>
#include <string.h>

enum { BUDGET = 4096, MOST_PARTS = 16, HALF_LIFE = 500 };

typedef struct sentence {
    size_t first; /* its places in places.log_p; its tokens, one more, begin at first + its number */
    size_t places;
} sentence;

struct ting_lm_reader {
    ting_lm_weighted parts[MOST_PARTS];
    int count;
    ting_lm_reader_options options;
    ting_arena *arena;
    ting_pool *pool;
    const ting_kern *kern;
    ting_cut cut;
    /* of the texts at hand */
    uint32_t *ids; /* <s> w1 .. wn </s> of each sentence */
    size_t id_count, id_room;
    sentence *sentences;
    size_t sentence_count, sentence_room;
    double *log_p[MOST_PARTS]; /* [places] by each part */
    size_t places, log_p_room[MOST_PARTS];
    double *seen, seen_all, seen_unit; /* cache: [words] counts, their sum, what a word counts now */
};

/* ---- words ---- */

static ting_err add_text(ting_lm_reader *r, const char *text, size_t length, ting_lm_score *out)
{
    ting_err err = TING_OK;
    TRY(ting_vocabulary_cut(r->parts[0].lm->vocabulary, text, length, &r->cut));
    TRY(ting_reserve(&r->ids, r->id_count, r->cut.count + 2, &r->id_room, sizeof *r->ids));
    TRY(ting_reserve(&r->sentences, r->sentence_count, 1, &r->sentence_room, sizeof *r->sentences));
    r->ids[r->id_count++] = TING_NGRAM_BEGIN;
    if (r->cut.count > 0)
        memcpy(r->ids + r->id_count, r->cut.ids, r->cut.count * sizeof *r->ids);
    r->id_count += r->cut.count;
    r->ids[r->id_count++] = TING_NGRAM_END;
    r->sentences[r->sentence_count++] = (sentence){r->places, r->cut.count + 1};
    r->places += r->cut.count + 1;
    *out = (ting_lm_score){.characters = r->cut.characters, .words = r->cut.count, .unknown = r->cut.unknown};
out:
    return err;
}

static const uint32_t *tokens_of(const ting_lm_reader *r, size_t s)
{
    return r->ids + r->sentences[s].first + s;
}

/* ---- an n-gram model ---- */

static void by_ngrams(const ting_lm_reader *r, const ting_ngram *ngram, double *log_p)
{
    for (size_t s = 0; s < r->sentence_count; s++) {
        const uint32_t *tokens = tokens_of(r, s);
        ting_ngram_state state = ting_ngram_begin(ngram);
        for (size_t i = 0; i < r->sentences[s].places; i++)
            log_p[r->sentences[s].first + i] = ting_ngram_score(ngram, &state, tokens[i + 1], &state);
    }
}

/* ---- a network ---- */

typedef struct window { /* places from .. from + count - 1 of a sentence are rows, of which the first `passed` have been asked before */
    size_t sentence, from;
    int count, passed;
} window;

/* The windows of all sentences, in the arena. */
static window *make_windows(const ting_lm_reader *r, int context, size_t *count)
{
    size_t room = 0;
    const size_t step = context > 1 ? (size_t)context / 2 : 1;
    for (size_t s = 0; s < r->sentence_count; s++)
        room += 1 + (context > 0 ? r->sentences[s].places / step : 0);
    window *windows = ting_arena_take(r->arena, (room + 1) * sizeof *windows);
    *count = 0;
    for (size_t s = 0; windows != NULL && s < r->sentence_count; s++) {
        const size_t places = r->sentences[s].places;
        for (size_t from = 0, asked = 0; asked < places; from += step) {
            const size_t end = context > 0 && from + (size_t)context < places ? from + (size_t)context : places;
            windows[(*count)++] = (window){s, from, (int)(end - from), (int)(asked - from)};
            asked = end;
        }
    }
    return windows;
}

/* Some windows as a batch: rows, of a network that sees the whole with the last token as one more. */
static ting_err read_windows(const ting_lm_reader *r, const ting_lm *lm, const window *windows, size_t count, double *log_p)
{
    ting_err err = TING_OK;
    ting_ctx ctx = {.arena = r->arena, .pool = r->pool, .kern = r->kern};
    const bool whole = ting_lm_sees_whole(lm);
    size_t rows = 0;
    for (size_t i = 0; i < count; i++)
        rows += (size_t)windows[i].count + whole;
    int *start = ting_ctx_ints(&ctx, (int)count + 1), *ids = ting_ctx_ints(&ctx, (int)rows), *targets = ting_ctx_ints(&ctx, (int)rows);
    double *of_rows = ting_arena_take(r->arena, rows * sizeof *of_rows);
    ting_ctx_check(&ctx);
    TRY(ctx.err);
    start[0] = 0;
    for (size_t i = 0; i < count; i++) {
        const window *w = &windows[i];
        const uint32_t *tokens = tokens_of(r, w->sentence) + w->from;
        int at = start[i];
        for (int t = 0; t < w->count; t++, at++) {
            ids[at] = (int)tokens[t];
            targets[at] = t < w->passed ? -1 : (int)tokens[t + 1];
        }
        if (whole) {
            ids[at] = (int)tokens[w->count];
            targets[at++] = -1;
        }
        start[i + 1] = at;
    }
    const ting_tensor hidden = ting_lm_net_hidden(&ctx, lm->net.net, ids, (ting_segments){(int)count, start});
    TRY(ctx.err);
    ting_lm_net_log_probs(&ctx, lm->net.net, hidden, targets, of_rows);
    TRY(ctx.err);
    for (size_t i = 0; i < count; i++)
        for (int t = windows[i].passed; t < windows[i].count; t++)
            log_p[r->sentences[windows[i].sentence].first + windows[i].from + (size_t)t] = of_rows[start[i] + t];
out:
    return err;
}

static ting_err by_network(const ting_lm_reader *r, const ting_lm *lm, double *log_p)
{
    ting_err err = TING_OK;
    const ting_lm_config *c = ting_lm_net_config(lm->net.net);
    size_t all, count;
    ting_arena_reset(r->arena);
    const window *windows = make_windows(r, c->kind == TING_LM_GPT ? c->context : 0, &all);
    TRY(windows != NULL ? TING_OK : TING_ERR_MEMORY);
    const ting_arena_mark mark = ting_arena_tell(r->arena);
    for (size_t first = 0; first < all; first += count) {
        int rows = windows[first].count;
        for (count = 1; first + count < all && rows + windows[first + count].count <= BUDGET; count++)
            rows += windows[first + count].count;
        ting_arena_rewind(r->arena, mark);
        TRY(read_windows(r, lm, windows + first, count, log_p));
    }
out:
    return err;
}

/* ---- all of it ---- */

static ting_err read_all(ting_lm_reader *r, const char *const *texts, const size_t *lengths, size_t count, ting_lm_score *out)
{
    ting_err err = TING_OK;
    r->id_count = r->sentence_count = r->places = 0;
    for (size_t i = 0; i < count; i++)
        TRY(add_text(r, texts[i], lengths[i], &out[i]));
    for (int p = 0; p < r->count; p++) {
        const ting_lm *lm = r->parts[p].lm;
        TRY(ting_reserve(&r->log_p[p], 0, r->places + 1, &r->log_p_room[p], sizeof *r->log_p[p]));
        if (lm->ngram != NULL)
            by_ngrams(r, lm->ngram, r->log_p[p]);
        else
            TRY(by_network(r, lm, r->log_p[p]));
    }
out:
    return err;
}

/* log p of a place by all parts. */
static double mixed(const ting_lm_reader *r, size_t place)
{
    if (r->count == 1)
        return r->log_p[0][place];
    double best = -HUGE_VAL, sum = 0;
    for (int p = 0; p < r->count; p++)
        best = fmax(best, r->log_p[p][place]);
    for (int p = 0; p < r->count; p++)
        sum += r->parts[p].weight * exp(r->log_p[p][place] - best);
    return best + log(sum);
}

/* With what the cache says of a word; the word then goes into it. Counts fade because new ones count more. */
static double with_cache(ting_lm_reader *r, uint32_t word, double log_p)
{
    const double weight = r->options.cache;
    if (weight == 0)
        return log_p;
    const double p = r->seen_all > 0 ? (1 - weight) * exp(log_p) + weight * r->seen[word] / r->seen_all : exp(log_p);
    r->seen[word] += r->seen_unit;
    r->seen_all += r->seen_unit;
    r->seen_unit *= exp2(1 / r->options.cache_words);
    for (size_t w = 0; r->seen_unit > 1e200 && w < r->parts[0].lm->words->count; w++)
        r->seen[w] /= 1e200;
    if (r->seen_unit > 1e200) {
        r->seen_all /= 1e200;
        r->seen_unit /= 1e200;
    }
    return log(p);
}

ting_err ting_lm_reader_score(ting_lm_reader *r, const char *const *texts, const size_t *lengths, size_t count, ting_lm_score *out)
{
    ting_err err = TING_OK;
    TRY(read_all(r, texts, lengths, count, out));
    for (size_t s = 0; s < r->sentence_count; s++)
        for (size_t i = 0; i < r->sentences[s].places; i++)
            out[s].log_prob += with_cache(r, tokens_of(r, s)[i + 1], mixed(r, r->sentences[s].first + i));
out:
    return err;
}

/* One step of expectation maximisation; returns log p of all under the weights before. */
static double fit_once(ting_lm_reader *r)
{
    double share[MOST_PARTS] = {0}, all = 0;
    for (size_t place = 0; place < r->places; place++) {
        const double log_p = mixed(r, place);
        all += log_p;
        for (int p = 0; p < r->count; p++)
            share[p] += r->parts[p].weight * exp(r->log_p[p][place] - log_p);
    }
    for (int p = 0; p < r->count; p++)
        r->parts[p].weight = share[p] / (double)r->places;
    return all;
}

ting_err ting_lm_reader_fit(ting_lm_reader *r, const char *const *texts, const size_t *lengths, size_t count, double *out)
{
    enum { MOST_ROUNDS = 200 };
    ting_err err = TING_OK;
    ting_lm_score *scores = ting_alloc(count + 1, sizeof *scores);
    TRY(scores != NULL ? TING_OK : TING_ERR_MEMORY);
    if (r->options.cache > 0 || count == 0)
        FAIL(TING_ERR_ARGUMENT, "weights are fitted to texts, without a cache");
    TRY(read_all(r, texts, lengths, count, scores));
    double before = -HUGE_VAL;
    for (int i = 0; i < MOST_ROUNDS && r->count > 1; i++) {
        const double now = fit_once(r);
        if (now - before < 1e-7 * fabs(now))
            break;
        before = now;
    }
    for (int p = 0; p < r->count; p++)
        out[p] = r->parts[p].weight;
out:
    ting_free(scores);
    return err;
}

/* ---- begin and end ---- */

static ting_err check_part(const ting_lm_weighted *parts, int count, int p)
{
    const ting_texts *first = parts[0].lm->words, *own = parts[p].lm->words;
    if (!(parts[p].weight > 0 && isfinite(parts[p].weight)))
        return ting_fail(TING_ERR_ARGUMENT, "weight %g of language model %d, expected more than 0", parts[p].weight, p + 1);
    if (count > 1 && ting_lm_sees_whole(parts[p].lm))
        return ting_fail(TING_ERR_ARGUMENT, "language model %d looks at a word from both sides: what it says of it is no probability to mix",
                         p + 1);
    for (size_t w = 0; own != first; w++) {
        if (w < first->count && w < own->count && strcmp(first->items[w], own->items[w]) == 0)
            continue;
        if (w == first->count && w == own->count)
            break;
        return ting_fail(TING_ERR_ARGUMENT, "language models 1 and %d have other words, from word %zu on: only those with the same can be mixed",
                         p + 1, w);
    }
    return TING_OK;
}

ting_err ting_lm_reader_new(const ting_lm_weighted *parts, int count, const ting_lm_reader_options *options, ting_lm_reader **out)
{
    ting_err err = TING_OK;
    double sum = 0;
    *out = NULL;
    ting_lm_reader *r = ting_alloc(1, sizeof *r);
    if (r == NULL)
        return TING_ERR_MEMORY;
    if (count < 1 || count > MOST_PARTS || !(options->cache >= 0 && options->cache < 1) || !(options->cache_words >= 0))
        FAIL(TING_ERR_ARGUMENT, "%d language models with a cache of weight %g, expected 1 to %d and 0 to below 1", count, options->cache,
             (int)MOST_PARTS);
    for (int p = 0; p < count; p++) {
        TRY(check_part(parts, count, p));
        r->parts[p] = parts[p];
        sum += parts[p].weight;
    }
    for (int p = 0; p < count; p++)
        r->parts[p].weight /= sum;
    r->count = count;
    r->options = *options;
    r->options.cache_words = options->cache_words > 0 ? options->cache_words : HALF_LIFE;
    const int threads = options->threads > 0 ? options->threads : ting_cpu_count();
    r->kern = ting_kern_select(ting_cpu_detect());
    r->arena = ting_arena_new((size_t)1 << 16);
    r->pool = threads > 1 ? ting_pool_new(threads) : NULL;
    r->seen = ting_alloc(parts[0].lm->words->count, sizeof *r->seen);
    r->seen_unit = 1;
    TRY(r->arena != NULL && r->seen != NULL && (r->pool != NULL || threads == 1) ? TING_OK : TING_ERR_MEMORY);
    *out = r;
    r = NULL;
out:
    ting_lm_reader_free(r);
    return err;
}

void ting_lm_reader_free(ting_lm_reader *r)
{
    if (r == NULL)
        return;
    for (int p = 0; p < r->count; p++)
        ting_free(r->log_p[p]);
    ting_cut_free(&r->cut);
    ting_free(r->ids);
    ting_free(r->sentences);
    ting_free(r->seen);
    ting_arena_free(r->arena);
    ting_pool_free(r->pool);
    ting_free(r);
}

ting_err ting_lm_score_text(const ting_lm *lm, const char *text, size_t length, ting_lm_score *out)
{
    ting_err err = TING_OK;
    ting_lm_reader *reader = NULL;
    *out = (ting_lm_score){0};
    TRY(ting_lm_reader_new(&(ting_lm_weighted){lm, 1}, 1, &(ting_lm_reader_options){.threads = 1}, &reader));
    TRY(ting_lm_reader_score(reader, &text, &length, 1, out));
out:
    ting_lm_reader_free(reader);
    return err;
}
