/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lm_reader.c - ting_lm_reader of tingxie.h: probabilities of texts by language models.
 *
 *     texts -> words (model/vocabulary.h) -> places (model/lm_places.h) -> log p of each by each model -> mixture, cache -> sums
 */
#include "engine/lm.h"
#include "engine/options.h"

#include "base/mem.h"
#include "base/utf8.h"
#include "model/lm_places.h"

#include <math.h>
#include <string.h>

enum { MOST_PARTS = 16 };

struct ting_lm_reader {
    ting_lm_weighted parts[MOST_PARTS];
    int count;
    ting_lm_reader_options options;
    ting_arena *arena;
    ting_pool *pool;
    const ting_kern *kern;
    ting_cut cut;
    /* of the texts at hand */
    uint32_t *ids;
    size_t *start, count_room, id_room;
    ting_lm_tokens tokens;     /* ids and start */
    double *log_p[MOST_PARTS]; /* [places] by each part */
    size_t places, log_p_room[MOST_PARTS];
    double *seen, seen_all, seen_unit; /* cache: [words] counts, their sum, what a word counts now */
};

/* ---- words ---- */

static ting_err add_text(ting_lm_reader *r, const char *text, size_t length, ting_lm_score *out)
{
    ting_err err = TING_OK;
    ting_lm_tokens *t = &r->tokens;
    size_t end = t->count > 0 ? r->start[t->count] : 0;
    if (ting_utf8_count(text, length) < 0 || (length > 0 && memchr(text, '\0', length) != NULL))
        FAIL(TING_ERR_ARGUMENT, "text %zu is no text: bytes that are not UTF-8, or a zero byte", t->count + 1);
    TRY(ting_vocabulary_cut(r->parts[0].lm->vocabulary, text, length, &r->cut));
    TRY(ting_reserve(&r->ids, end, r->cut.count + 2, &r->id_room, sizeof *r->ids));
    TRY(ting_reserve(&r->start, t->count + 1, 1, &r->count_room, sizeof *r->start));
    r->start[t->count] = end;
    r->ids[end++] = TING_NGRAM_BEGIN;
    if (r->cut.count > 0)
        memcpy(r->ids + end, r->cut.ids, r->cut.count * sizeof *r->ids);
    end += r->cut.count;
    r->ids[end++] = TING_NGRAM_END;
    r->start[++t->count] = end;
    *t = (ting_lm_tokens){r->ids, r->start, t->count};
    *out = (ting_lm_score){.characters = r->cut.characters, .words = r->cut.count, .unknown = r->cut.unknown};
out:
    return err;
}

/* ---- all of it ---- */

static ting_err read_all(ting_lm_reader *r, const char *const *texts, const size_t *lengths, size_t count, ting_lm_score *out)
{
    ting_err err = TING_OK;
    ting_ctx ctx = {.arena = r->arena, .pool = r->pool, .kern = r->kern};
    ting_arena_reset(r->arena); /* also after a call that failed */
    r->tokens.count = 0;
    for (size_t i = 0; i < count; i++)
        TRY(add_text(r, texts[i], lengths[i], &out[i]));
    r->places = count > 0 ? ting_lm_place(&r->tokens, count) : 0;
    for (int p = 0; p < r->count; p++) {
        const ting_lm *lm = r->parts[p].lm;
        TRY(ting_reserve(&r->log_p[p], 0, r->places + 1, &r->log_p_room[p], sizeof *r->log_p[p]));
        if (lm->ngram != NULL)
            ting_ngram_places(lm->ngram, &r->tokens, r->log_p[p]);
        else
            ting_lm_net_places(&ctx, lm->net.net, &r->tokens, r->log_p[p]);
        TRY(ctx.err);
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
    for (size_t s = 0, place = 0; s < count; s++)
        for (size_t i = r->start[s] + 1; i < r->start[s + 1]; i++, place++)
            out[s].log_prob += with_cache(r, r->ids[i], mixed(r, place));
out:
    if (err != TING_OK && count > 0)
        memset(out, 0, count * sizeof *out);
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
    size_t words = 0;
    ting_lm_score *scores = ting_alloc(count + 1, sizeof *scores);
    TRY(scores != NULL ? TING_OK : TING_ERR_MEMORY);
    if (r->options.cache > 0)
        FAIL(TING_ERR_ARGUMENT, "weights are fitted to texts, without a cache");
    TRY(read_all(r, texts, lengths, count, scores));
    for (size_t i = 0; i < count; i++)
        words += scores[i].words;
    if (words == 0)
        FAIL(TING_ERR_ARGUMENT, "there is no text in it: weights are fitted to one");
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
        return ting_fail(TING_ERR_ARGUMENT, "%s: a weight of %g, expected more than 0", parts[p].lm->file.label, parts[p].weight);
    if (count > 1 && ting_lm_sees_whole(parts[p].lm))
        return ting_fail(TING_ERR_ARGUMENT, "%s: a language model that looks at a word from both sides: that is no probability to mix",
                         parts[p].lm->file.label);
    for (size_t w = 0; own != first; w++) {
        if (w < first->count && w < own->count && strcmp(first->items[w], own->items[w]) == 0)
            continue;
        if (w == first->count && w == own->count)
            break;
        return ting_fail(TING_ERR_ARGUMENT, "%s and %s have other words, from word %zu on, \"%s\" and \"%s\": the same are needed to mix "
                         "them", parts[0].lm->file.label, parts[p].lm->file.label, w, w < first->count ? first->items[w] : "",
                         w < own->count ? own->items[w] : "");
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
    TRY(ting_lm_reader_options_take(options, &r->options));
    if (parts == NULL || count < 1 || count > MOST_PARTS)
        FAIL(TING_ERR_ARGUMENT, "%s%d language models to read with, expected 1 to %d", parts == NULL ? "none of " : "", count,
             (int)MOST_PARTS);
    for (int p = 0; p < count; p++) {
        TRY(check_part(parts, count, p));
        r->parts[p] = parts[p];
        sum += parts[p].weight;
    }
    for (int p = 0; p < count; p++)
        r->parts[p].weight /= sum;
    r->count = count;
    const int threads = r->options.threads > 0 ? r->options.threads : ting_cpu_count();
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
    ting_free(r->start);
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
    ting_lm_reader_options options;
    ting_lm_reader_options_defaults(&options, sizeof options);
    options.threads = 1;
    TRY(ting_lm_reader_new(&(ting_lm_weighted){lm, 1}, 1, &options, &reader));
    TRY(ting_lm_reader_score(reader, &text, &length, 1, out));
out:
    ting_lm_reader_free(reader);
    return err;
}
