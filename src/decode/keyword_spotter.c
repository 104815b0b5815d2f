/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keyword_spotter.c - see keywords.h.
 *
 * A hypothesis that leaves all keywords forgets its tokens: its predictor begins anew and it is only told from others
 * by how many tokens it has emitted, as in the reference.
 */
#include "decode/keywords.h"

#include "base/mem.h"
#include "base/rng.h"
#include "decode/context_graph.h"
#include "decode/expand.h"
#include "decode/trace.h"

#include <math.h>
#include <string.h>

typedef struct hypothesis {
    double log_prob;
    uint64_t hash;
    int length; /* tokens emitted since the last keyword */
    int trace;
    int state;
    int blanks; /* rows since the last token */
    int context[TING_TRANSDUCER_MAX_CONTEXT];
} hypothesis;

typedef struct found {
    int keyword;
    double probability;
    int first, count; /* in `emissions` */
} found;

struct ting_spotter {
    ting_expansion step;
    const ting_keywords *list;
    ting_context_graph *graph;
    int trailing_blanks;
    hypothesis hyps[TING_BEAM_MOST];
    int count;
    ting_trace trace;
    long rows;
    found *founds;
    int found_count, found_room;
    ting_emission *emissions;
    int emission_count, emission_room;
};

static int context_length(const ting_spotter *spotter)
{
    return ting_transducer_settings(spotter->step.model)->context;
}

static void start_context(const ting_spotter *spotter, int *context)
{
    for (int i = 0; i < TING_TRANSDUCER_MAX_CONTEXT; i++)
        context[i] = -1;
    context[context_length(spotter) - 1] = ting_transducer_settings(spotter->step.model)->blank;
}

static void start(ting_spotter *spotter)
{
    spotter->count = 1;
    spotter->hyps[0] = (hypothesis){.trace = -1};
    start_context(spotter, spotter->hyps[0].context);
    ting_trace_clear(&spotter->trace);
}

void ting_spotter_reset(ting_spotter *spotter)
{
    start(spotter);
    spotter->rows = 0;
    ting_spotter_clear(spotter);
}

static ting_err make_graph(ting_spotter *spotter)
{
    const ting_keywords *list = spotter->list;
    ting_context_phrase *phrases = ting_alloc((size_t)list->count, sizeof *phrases);
    if (phrases == NULL)
        return TING_ERR_MEMORY;
    for (int i = 0; i < list->count; i++)
        phrases[i] = (ting_context_phrase){list->items[i].tokens, list->items[i].count,
                                           list->items[i].boost};
    ting_err err = ting_context_graph_new(phrases, list->count, &spotter->graph);
    ting_free(phrases);
    return err;
}

static ting_err check(const ting_transducer *model, const ting_keywords *list, int beam)
{
    int vocab = ting_transducer_settings(model)->vocab,
        blank = ting_transducer_settings(model)->blank;
    if (list->count < 1 || beam < 1 || beam > TING_BEAM_MOST)
        return ting_fail(TING_ERR_ARGUMENT,
                         "%d keywords and a beam of %d, expected at least one and 1 to %d",
                         list->count, beam, TING_BEAM_MOST);
    for (int i = 0; i < list->count; i++)
        for (int k = 0; k < list->items[i].count; k++)
            if (list->items[i].tokens[k] >= vocab || list->items[i].tokens[k] < 0 ||
                list->items[i].tokens[k] == blank)
                return ting_fail(TING_ERR_ARGUMENT,
                                 "keyword \"%s\": token %d cannot be emitted by the model",
                                 list->items[i].name, list->items[i].tokens[k]);
    return TING_OK;
}

ting_err ting_spotter_new(const ting_transducer *model, const ting_keywords *list,
                          const ting_spotter_options *options, ting_spotter **out)
{
    ting_err err = TING_OK;
    ting_spotter *spotter = NULL;
    int beam = options->beam == 0 ? 4 : options->beam;
    *out = NULL;
    TRY(check(model, list, beam));
    spotter = ting_alloc(1, sizeof *spotter);
    if (spotter == NULL)
        return TING_ERR_MEMORY;
    spotter->step =
        (ting_expansion){model, ting_predictor_cache_new(model), 1, options->blank_penalty, beam};
    spotter->list = list;
    spotter->trailing_blanks = options->trailing_blanks == 0 ? 1 : options->trailing_blanks;
    if (spotter->step.cache == NULL) {
        err = TING_ERR_MEMORY;
        goto out;
    }
    TRY(make_graph(spotter));
    ting_spotter_reset(spotter);
    *out = spotter;
    spotter = NULL;
out:
    ting_spotter_free(spotter);
    return err;
}

void ting_spotter_free(ting_spotter *spotter)
{
    if (spotter == NULL)
        return;
    ting_predictor_cache_free(spotter->step.cache);
    ting_context_graph_free(spotter->graph);
    ting_trace_free(&spotter->trace);
    ting_free(spotter->founds);
    ting_free(spotter->emissions);
    ting_free(spotter);
}

/* ---- one row ---- */

static ting_err extend(ting_spotter *spotter, const ting_candidate *candidate, hypothesis *h)
{
    int length = context_length(spotter);
    h->log_prob += ting_context_step(spotter->graph, h->state, candidate->token, &h->state);
    h->length++;
    h->blanks = 0;
    if (h->state == TING_CONTEXT_ROOT) {
        h->hash = ting_rng_at(1, (uint64_t)h->length);
        h->trace = -1;
        start_context(spotter, h->context);
        return TING_OK;
    }
    h->hash = ting_rng_at(h->hash, (uint64_t)(uint32_t)candidate->token);
    memmove(h->context, h->context + 1, (size_t)(length - 1) * sizeof *h->context);
    h->context[length - 1] = candidate->token;
    return ting_trace_add(&spotter->trace, h->trace,
                          (ting_emission){candidate->token, spotter->rows, candidate->log_prob},
                          &h->trace);
}

/* Adds a hypothesis; of two with the same tokens the first, likelier one stays, with both probabilities. */
static int merge(hypothesis *hyps, int count, const hypothesis *fresh)
{
    for (int i = 0; i < count; i++)
        if (hyps[i].hash == fresh->hash && hyps[i].length == fresh->length) {
            double high = fmax(hyps[i].log_prob, fresh->log_prob),
                   low = fmin(hyps[i].log_prob, fresh->log_prob);
            hyps[i].log_prob = high + log1p(exp(low - high));
            return count;
        }
    hyps[count] = *fresh;
    return count + 1;
}

static const hypothesis *best_of(const ting_spotter *spotter)
{
    const hypothesis *best = &spotter->hyps[0];
    int context = context_length(spotter);
    for (int i = 1; i < spotter->count; i++) {
        const hypothesis *h = &spotter->hyps[i];
        if (h->log_prob / (h->length + context) > best->log_prob / (best->length + context))
            best = h;
    }
    return best;
}

static ting_err make_room(ting_spotter *spotter, int tokens)
{
    if (spotter->found_count == spotter->found_room) {
        int room = 2 * spotter->found_room + 8;
        found *grown =
            ting_grow(spotter->founds, (size_t)spotter->found_room, (size_t)room, sizeof *grown);
        if (grown == NULL)
            return TING_ERR_MEMORY;
        spotter->founds = grown;
        spotter->found_room = room;
    }
    if (spotter->emission_count + tokens > spotter->emission_room) {
        int room = 2 * (spotter->emission_count + tokens);
        ting_emission *grown = ting_grow(spotter->emissions, (size_t)spotter->emission_room,
                                         (size_t)room, sizeof *grown);
        if (grown == NULL)
            return TING_ERR_MEMORY;
        spotter->emissions = grown;
        spotter->emission_room = room;
    }
    return TING_OK;
}

/* Reports the keyword that the best hypothesis ends in, if it is likely and `blanks` rows follow it. */
static ting_err report(ting_spotter *spotter, int blanks)
{
    ting_err err = TING_OK;
    const hypothesis *best = best_of(spotter);
    int keyword = ting_context_match(spotter->graph, best->state);
    if (keyword < 0 || best->blanks <= blanks)
        return TING_OK;
    const ting_keyword *k = &spotter->list->items[keyword];
    TRY(make_room(spotter, k->count));
    ting_emission *emissions = spotter->emissions + spotter->emission_count;
    int count = ting_trace_read(&spotter->trace, best->trace, k->count, emissions);
    double sum = 0;
    for (int i = 0; i < count; i++)
        sum += exp(emissions[i].log_prob);
    if (sum / k->count < k->threshold)
        return TING_OK;
    spotter->founds[spotter->found_count++] =
        (found){keyword, sum / k->count, spotter->emission_count, count};
    spotter->emission_count += count;
    start(spotter);
out:
    return err;
}

static ting_err one_row(ting_spotter *spotter, ting_ctx *ctx, ting_tensor e)
{
    ting_err err = TING_OK;
    int contexts[TING_BEAM_MOST * TING_TRANSDUCER_MAX_CONTEXT], length = context_length(spotter),
                                                                count = 0;
    int blank = ting_transducer_settings(spotter->step.model)->blank;
    double totals[TING_BEAM_MOST];
    int *ends[TING_BEAM_MOST];
    ting_candidate best[TING_BEAM_MOST];
    hypothesis next[TING_BEAM_MOST];
    for (int h = 0; h < spotter->count; h++) {
        memcpy(contexts + h * length, spotter->hyps[h].context, (size_t)length * sizeof *contexts);
        totals[h] = spotter->hyps[h].log_prob;
        ends[h] = &spotter->hyps[h].trace;
    }
    TRY(ting_trace_tidy(&spotter->trace, ends, spotter->count));
    int candidates = ting_expand(&spotter->step, ctx, e, contexts, totals, spotter->count, best);
    if (candidates < 0)
        return ctx->err;
    for (int i = 0; i < candidates; i++) {
        hypothesis h = spotter->hyps[best[i].parent];
        h.log_prob = best[i].total;
        h.blanks++;
        if (best[i].token != blank)
            TRY(extend(spotter, &best[i], &h));
        count = merge(next, count, &h);
    }
    memcpy(spotter->hyps, next, (size_t)count * sizeof *next);
    spotter->count = count;
    TRY(report(spotter, spotter->trailing_blanks < 0 ? 0 : spotter->trailing_blanks));
    spotter->rows++;
out:
    return err;
}

ting_err ting_spotter_accept(ting_spotter *spotter, ting_ctx *ctx, ting_tensor rows)
{
    ting_err err = TING_OK;
    ting_arena_mark mark = ting_arena_tell(ctx->arena);
    ting_tensor e = ting_transducer_project_encoder(ctx, spotter->step.model, rows);
    for (int t = 0; t < e.rows && ctx->err == TING_OK; t++)
        TRY(one_row(spotter, ctx, ting_rows(e, t, 1)));
    err = ctx->err;
out:
    ting_arena_rewind(ctx->arena, mark);
    return err;
}

ting_err ting_spotter_finish(ting_spotter *spotter)
{
    return report(spotter, -1);
}

int ting_spotter_count(const ting_spotter *spotter)
{
    return spotter->found_count;
}

ting_spotted ting_spotter_at(const ting_spotter *spotter, int index)
{
    const found *f = &spotter->founds[index];
    return (ting_spotted){f->keyword, f->probability, spotter->emissions + f->first, f->count};
}

void ting_spotter_clear(ting_spotter *spotter)
{
    spotter->found_count = 0;
    spotter->emission_count = 0;
}
