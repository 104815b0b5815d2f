/* SPDX-License-Identifier: Apache-2.0 */
/* search.c - decoding (decoder.h) and keyword spotting behind one interface; see search.h. */
#include "engine/search.h"

#include "base/mem.h"
#include "decode/keywords.h"
#include "engine/decoder.h"
#include "engine/keyword_text.h"

#include <string.h>

struct ting_search {
    ting_decoder *decoder;    /* NULL: keywords only */
    ting_spotter *spotter;    /* NULL: no keywords */
    ting_keywords keywords;
    int spotted; /* keywords handed out since the last rows */
    double row_seconds;
    ting_decoded best; /* borrows from the decoder until its next rows */
    ting_hit *hits;    /* [room] of all hypotheses that were asked for, one after the other */
    size_t room;
    ting_heard *heard; /* [heard_room] */
    size_t heard_room;
    ting_rival (*rivals)[TING_RIVALS]; /* [rival_room] of the best hypothesis that was asked for */
    size_t rival_room;
};

static ting_err open_decoder(ting_search *s, const ting_am *am, const ting_options *options)
{
    ting_err err = TING_OK;
    if (options->keywords != NULL) {
        if (am->net->transducer == NULL)
            FAIL(TING_ERR_UNSUPPORTED, "keywords are found by a transducer, but this acoustic model has a CTC head only");
        if (options->fuse_lm != NULL)
            FAIL(TING_ERR_ARGUMENT, "keywords are looked for without a language model: leave fuse_lm out");
        const ting_keyword_defaults defaults = {options->keyword_boost, options->keyword_threshold};
        TRY(ting_keywords_load(options->keywords, am, &defaults, &s->keywords));
        TRY(ting_spotter_new(am->net->transducer, &s->keywords,
                             &(ting_spotter_options){.beam = options->beam, .blank_penalty = options->blank_penalty},
                             &s->spotter));
    } else {
        TRY(ting_decoder_new(am, options, &s->decoder));
    }
out:
    return err;
}

ting_err ting_search_new(const ting_am *am, const ting_options *options, double row_seconds, ting_search **out)
{
    ting_err err = TING_OK;
    *out = NULL;
    ting_search *s = ting_alloc(1, sizeof *s);
    if (s == NULL)
        return TING_ERR_MEMORY;
    s->row_seconds = row_seconds;
    TRY(open_decoder(s, am, options));
    *out = s;
    s = NULL;
out:
    ting_search_free(s);
    return err;
}

void ting_search_free(ting_search *s)
{
    if (s == NULL)
        return;
    ting_decoder_free(s->decoder);
    ting_spotter_free(s->spotter);
    ting_keywords_free(&s->keywords);
    ting_free(s->hits);
    ting_free(s->heard);
    ting_free(s->rivals);
    ting_free(s);
}

void ting_search_reset(ting_search *s)
{
    if (s->decoder != NULL)
        ting_decoder_reset(s->decoder);
    if (s->spotter != NULL)
        ting_spotter_reset(s->spotter);
    s->best = (ting_decoded){0};
    s->spotted = 0;
}

static ting_err look(ting_search *s)
{
    ting_err err = TING_OK;
    const ting_decoded *results;
    int count;
    if (s->decoder == NULL)
        goto out;
    TRY(ting_decoder_results(s->decoder, 1, &results, &count));
    s->best = results[0];
out:
    return err;
}

ting_err ting_search_take(ting_search *s, ting_ctx *ctx, ting_tensor rows)
{
    ting_err err = TING_OK;
    if (s->spotter != NULL) {
        if (s->spotted >= ting_spotter_count(s->spotter)) {
            ting_spotter_clear(s->spotter);
            s->spotted = 0;
        }
        return ting_spotter_accept(s->spotter, ctx, rows);
    }
    TRY(ting_decoder_accept(s->decoder, ctx, rows));
    TRY(look(s));
out:
    return err;
}

int ting_search_best(const ting_search *s, double *first, double *last, int *last_token)
{
    if (s->best.count == 0)
        return 0;
    const ting_emission *e = s->best.emissions;
    *first = (double)e[0].row * s->row_seconds;
    *last = (double)(e[s->best.count - 1].row + 1) * s->row_seconds;
    *last_token = e[s->best.count - 1].token;
    return s->best.count;
}

/* Room for `count` hits in all; pointers into the old memory die. */
static ting_err make_room(ting_search *s, int count)
{
    return ting_reserve(&s->hits, 0, (size_t)count, &s->room, sizeof *s->hits);
}

static void copy_hits(const ting_search *s, const ting_emission *emissions, int count, ting_hit *out)
{
    for (int i = 0; i < count; i++) {
        const ting_emission *e = &emissions[i];
        out[i] = (ting_hit){e->token, (double)e->row * s->row_seconds, (double)(e->row + 1) * s->row_seconds, e->log_prob};
    }
}

ting_err ting_search_hypotheses(ting_search *s, int most, const ting_heard **out, int *count)
{
    ting_err err = TING_OK;
    const ting_decoded *results = &s->best;
    int found = 1, total = 0;
    if (s->decoder != NULL)
        TRY(ting_decoder_results(s->decoder, most, &results, &found));
    for (int i = 0; i < found; i++)
        total += results[i].count;
    TRY(make_room(s, total));
    TRY(ting_reserve(&s->heard, 0, (size_t)found, &s->heard_room, sizeof *s->heard));
    TRY(ting_reserve(&s->rivals, 0, (size_t)results[0].count, &s->rival_room, sizeof *s->rivals));
    ting_hit *hits = s->hits;
    for (int i = 0; i < found; i++) {
        copy_hits(s, results[i].emissions, results[i].count, hits);
        s->heard[i] = (ting_heard){.hits = hits, .count = results[i].count, .score = results[i].log_prob};
        hits += results[i].count;
    }
    for (int i = 0; i < results[0].count; i++)
        memcpy(s->rivals[i], results[0].emissions[i].rivals, sizeof s->rivals[i]);
    s->heard[0].rivals = most > 1 ? (const ting_rival(*)[TING_RIVALS])s->rivals : NULL;
    *out = s->heard;
    *count = found;
    TRY(look(s)); /* asking for results ended the loan of `best` */
out:
    return err;
}

ting_err ting_search_spotted(ting_search *s, const char **name, double *probability, ting_heard *out)
{
    ting_err err = TING_OK;
    *name = NULL;
    if (s->spotter == NULL || s->spotted >= ting_spotter_count(s->spotter))
        goto out;
    ting_spotted found = ting_spotter_at(s->spotter, s->spotted);
    TRY(make_room(s, found.count));
    s->spotted++;
    copy_hits(s, found.emissions, found.count, s->hits);
    *name = s->keywords.items[found.keyword].name;
    *probability = found.probability;
    *out = (ting_heard){.hits = s->hits, .count = found.count};
out:
    return err;
}

ting_err ting_search_finish(ting_search *s)
{
    return s->spotter != NULL ? ting_spotter_finish(s->spotter) : TING_OK;
}

void ting_search_cut(ting_search *s)
{
    if (s->decoder != NULL)
        ting_decoder_cut(s->decoder);
    s->best = (ting_decoded){0};
}
