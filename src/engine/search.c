/* SPDX-License-Identifier: Apache-2.0 */
/* search.c - decoding (decoder.h) and keyword spotting behind one interface; see search.h. */
#include "engine/search.h"

#include "base/mem.h"
#include "decode/keywords.h"
#include "engine/decoder.h"
#include "engine/keyword_text.h"

#include <string.h>

enum { PAIRED = 4 }; /* swaps of which two may be made at once */

typedef struct swap { /* of one token of the greedy hypothesis for a rival of its kind */
    int place, token;
    double loss; /* in log-probability, >= 0 */
} swap;

struct ting_search {
    const ting_piece *pieces; /* of the model's tokens */
    ting_decoder *decoder;    /* NULL: keywords only */
    ting_spotter *spotter;    /* NULL: no keywords */
    ting_keywords keywords;
    int spotted; /* keywords handed out since the last rows */
    double row_seconds;
    ting_decoded best; /* borrows from the decoder until its next rows */
    ting_hit *hits;    /* [room] of all hypotheses that were asked for, one after the other */
    size_t room;
    ting_heard *heard; /* [heard_room], and pairs of swaps */
    swap *swaps;       /* [heard_room] */
    int heard_room;
};

static ting_err open_decoder(ting_search *s, const ting_am *am, const ting_options *options)
{
    ting_err err = TING_OK;
    if (options->keywords != NULL) {
        if (am->net->transducer == NULL)
            FAIL(TING_ERR_UNSUPPORTED, "keywords are found by a transducer, but this acoustic model has a CTC head only");
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
    s->pieces = am->pieces;
    s->heard_room = options->beam;
    s->heard = ting_alloc((size_t)s->heard_room + PAIRED * (PAIRED - 1) / 2, sizeof *s->heard);
    s->swaps = ting_alloc((size_t)s->heard_room, sizeof *s->swaps);
    if (s->heard == NULL || s->swaps == NULL)
        FAIL(TING_ERR_MEMORY, "out of memory for a search");
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
    ting_free(s->swaps);
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

/* The swaps that cost least, best first, at most `most`; an initial only for an initial, a final for a final. */
static int cheapest_swaps(const ting_search *s, const ting_rival *rivals, int most)
{
    int kept = 0;
    for (int i = 0; i < s->best.count; i++)
        for (int r = 0; r < TING_GREEDY_RIVALS; r++) {
            const ting_emission *e = &s->best.emissions[i];
            const ting_rival *rival = &rivals[i * TING_GREEDY_RIVALS + r];
            const double loss = e->log_prob - rival->log_prob;
            if (rival->token < 0 || s->pieces[rival->token].kind != s->pieces[e->token].kind)
                continue;
            int at = kept;
            while (at > 0 && s->swaps[at - 1].loss > loss)
                at--;
            if (at >= most)
                continue;
            kept = kept < most ? kept + 1 : most;
            memmove(s->swaps + at + 1, s->swaps + at, (size_t)(kept - 1 - at) * sizeof *s->swaps);
            s->swaps[at] = (swap){i, rival->token, loss};
        }
    return kept;
}

/* Adds the greedy hypothesis with the given tokens swapped; there is room for it. */
static void add_swapped(ting_search *s, int *count, const swap *const *swaps, int swap_count)
{
    const int tokens = s->best.count;
    ting_hit *hits = s->hits + (size_t)*count * (size_t)tokens;
    ting_heard *heard = &s->heard[(*count)++];
    copy_hits(s, s->best.emissions, tokens, hits);
    *heard = (ting_heard){hits, tokens, s->best.log_prob};
    for (int i = 0; i < swap_count; i++) {
        hits[swaps[i]->place].token = swaps[i]->token;
        hits[swaps[i]->place].log_prob -= swaps[i]->loss;
        heard->score -= swaps[i]->loss;
    }
}

/* Greedy search gives one hypothesis; the others are that one with a token swapped, or two of the cheapest. */
static ting_err greedy_hypotheses(ting_search *s, const ting_rival *rivals, int room, int *count)
{
    const int swaps = cheapest_swaps(s, rivals, room - 1), paired = swaps < PAIRED ? swaps : PAIRED;
    *count = 0;
    if (make_room(s, s->best.count * (1 + swaps + PAIRED * (PAIRED - 1) / 2)) != TING_OK)
        return TING_ERR_MEMORY;
    add_swapped(s, count, NULL, 0);
    for (int i = 0; i < swaps; i++)
        add_swapped(s, count, (const swap *const[]){&s->swaps[i]}, 1);
    for (int i = 0; i < paired; i++)
        for (int k = 0; k < i; k++)
            if (s->swaps[i].place != s->swaps[k].place)
                add_swapped(s, count, (const swap *const[]){&s->swaps[k], &s->swaps[i]}, 2);
    return TING_OK;
}

ting_err ting_search_hypotheses(ting_search *s, int room, const ting_heard **out, int *count)
{
    ting_err err = TING_OK;
    const ting_decoded *results = &s->best;
    const ting_rival *rivals = s->decoder != NULL ? ting_decoder_rivals(s->decoder) : NULL;
    int found = 1, total = 0;
    *out = s->heard;
    room = room < s->heard_room ? room : s->heard_room;
    if (rivals != NULL)
        return greedy_hypotheses(s, rivals, room, count);
    if (s->decoder != NULL)
        TRY(ting_decoder_results(s->decoder, room, &results, &found));
    for (int i = 0; i < found; i++)
        total += results[i].count;
    TRY(make_room(s, total));
    ting_hit *hits = s->hits;
    for (int i = 0; i < found; i++) {
        copy_hits(s, results[i].emissions, results[i].count, hits);
        s->heard[i] = (ting_heard){hits, results[i].count, results[i].log_prob};
        hits += results[i].count;
    }
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
    *out = (ting_heard){s->hits, found.count, 0};
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
