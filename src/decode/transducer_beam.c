/* SPDX-License-Identifier: Apache-2.0 */
/*
 * transducer_beam.c - see transducer_beam.h.
 *
 * Two hypotheses have the same tokens when the 64-bit hashes of their tokens and their lengths agree; the emissions of
 * the likelier one are kept.
 */
#include "decode/transducer_beam.h"

#include "base/mem.h"
#include "base/rng.h"
#include "decode/expand.h"
#include "decode/trace.h"

#include <math.h>
#include <string.h>

typedef struct hypothesis {
    double log_prob;                          /* with what the graph gave */
    double likelier;                          /* of the alignment whose emissions are kept */
    uint64_t hash;                            /* of the tokens since the cut */
    int length;                               /* number of tokens since the cut */
    int trace;                                /* its last emission, or -1 */
    int state;                                /* of the graph */
    int context[TING_TRANSDUCER_MAX_CONTEXT]; /* the newest last */
} hypothesis;

struct ting_beam {
    ting_expansion step;
    const ting_context_graph *graph;
    hypothesis hyps[TING_BEAM_MOST];
    int count;
    ting_trace trace;
    long rows;
    ting_decoded results[TING_BEAM_MOST];
    ting_emission *emissions; /* of the results */
    int emission_room;
};

static int context_length(const ting_beam *search)
{
    return ting_transducer_settings(search->step.model)->context;
}

void ting_beam_reset(ting_beam *search)
{
    search->count = 1;
    search->hyps[0] = (hypothesis){.trace = -1};
    for (int i = 0; i < TING_TRANSDUCER_MAX_CONTEXT; i++)
        search->hyps[0].context[i] = ting_transducer_settings(search->step.model)->blank;
    search->rows = 0;
    ting_trace_clear(&search->trace);
}

ting_err ting_beam_new(const ting_transducer *model, const ting_beam_options *options,
                       ting_beam **out)
{
    ting_err err = TING_OK;
    ting_beam *search = NULL;
    int beam = options->beam == 0 ? 4 : options->beam;
    double temperature = options->temperature == 0 ? 1 : options->temperature;
    *out = NULL;
    if (beam < 1 || beam > TING_BEAM_MOST)
        FAIL(TING_ERR_ARGUMENT, "a beam of %d, expected 1 to %d", beam, TING_BEAM_MOST);
    if (!(temperature > 0) || !isfinite(temperature) || !isfinite(options->blank_penalty))
        FAIL(TING_ERR_ARGUMENT,
             "a temperature of %g and a blank penalty of %g, expected positive and finite",
             temperature, options->blank_penalty);
    search = ting_alloc(1, sizeof *search);
    if (search == NULL)
        return TING_ERR_MEMORY;
    search->step = (ting_expansion){model, ting_predictor_cache_new(model), temperature,
                                    options->blank_penalty, beam};
    search->graph = options->graph;
    if (search->step.cache == NULL) {
        ting_beam_free(search);
        return TING_ERR_MEMORY;
    }
    ting_beam_reset(search);
    *out = search;
out:
    return err;
}

void ting_beam_free(ting_beam *search)
{
    if (search == NULL)
        return;
    ting_predictor_cache_free(search->step.cache);
    ting_trace_free(&search->trace);
    ting_free(search->emissions);
    ting_free(search);
}

static double log_add(double a, double b)
{
    double high = a > b ? a : b, low = a > b ? b : a;
    return high + log1p(exp(low - high));
}

/* Adds a hypothesis, or its probability to the one with the same tokens. */
static int merge(hypothesis *hyps, int count, const hypothesis *fresh)
{
    for (int i = 0; i < count; i++) {
        hypothesis *h = &hyps[i];
        if (h->hash != fresh->hash || h->length != fresh->length)
            continue;
        double sum = log_add(h->log_prob, fresh->log_prob);
        if (fresh->likelier > h->likelier)
            *h = *fresh;
        h->log_prob = sum;
        return count;
    }
    hyps[count] = *fresh;
    return count + 1;
}

/* The parent with one more token. */
static ting_err extend(ting_beam *search, const ting_candidate *candidate, hypothesis *h)
{
    int length = context_length(search);
    h->hash = ting_rng_at(h->hash, (uint64_t)(uint32_t)candidate->token);
    h->length++;
    memmove(h->context, h->context + 1, (size_t)(length - 1) * sizeof *h->context);
    h->context[length - 1] = candidate->token;
    if (search->graph != NULL) {
        double earned =
            ting_context_step_once(search->graph, h->state, candidate->token, &h->state);
        h->log_prob += earned;
        h->likelier += earned;
    }
    return ting_trace_add(&search->trace, h->trace,
                          (ting_emission){candidate->token, search->rows, candidate->log_prob},
                          &h->trace);
}

static ting_err one_row(ting_beam *search, ting_ctx *ctx, ting_tensor e)
{
    ting_err err = TING_OK;
    int contexts[TING_BEAM_MOST * TING_TRANSDUCER_MAX_CONTEXT], length = context_length(search),
                                                                count = 0;
    int blank = ting_transducer_settings(search->step.model)->blank;
    double totals[TING_BEAM_MOST];
    int *ends[TING_BEAM_MOST];
    ting_candidate best[TING_BEAM_MOST];
    hypothesis next[TING_BEAM_MOST];
    for (int h = 0; h < search->count; h++) {
        memcpy(contexts + h * length, search->hyps[h].context, (size_t)length * sizeof *contexts);
        totals[h] = search->hyps[h].log_prob;
        ends[h] = &search->hyps[h].trace;
    }
    TRY(ting_trace_tidy(&search->trace, ends, search->count));
    int found = ting_expand(&search->step, ctx, e, contexts, totals, search->count, best);
    if (found < 0)
        return ctx->err;
    for (int i = 0; i < found; i++) {
        hypothesis h = search->hyps[best[i].parent];
        h.likelier += best[i].log_prob;
        h.log_prob = best[i].total;
        if (best[i].token != blank)
            TRY(extend(search, &best[i], &h));
        count = merge(next, count, &h);
    }
    memcpy(search->hyps, next, (size_t)count * sizeof *next);
    search->count = count;
    search->rows++;
out:
    return err;
}

ting_err ting_beam_accept(ting_beam *search, ting_ctx *ctx, ting_tensor rows)
{
    ting_err err = TING_OK;
    ting_arena_mark mark = ting_arena_tell(ctx->arena);
    ting_tensor e = ting_transducer_project_encoder(ctx, search->step.model, rows);
    for (int t = 0; t < e.rows && ctx->err == TING_OK; t++)
        TRY(one_row(search, ctx, ting_rows(e, t, 1)));
    err = ctx->err;
out:
    ting_arena_rewind(ctx->arena, mark);
    return err;
}

/* The score that ranks: unfinished phrases give back what they earned; per token, the first context counted in. */
static double rank(const ting_beam *search, const hypothesis *h)
{
    double score = h->log_prob;
    if (search->graph != NULL)
        score -= ting_context_unfinished(search->graph, h->state);
    return score / (h->length + context_length(search));
}

/* Indices of the hypotheses, best first. */
static void order(const ting_beam *search, int out[TING_BEAM_MOST])
{
    for (int i = 0; i < search->count; i++) {
        int at = i;
        for (; at > 0 && rank(search, &search->hyps[out[at - 1]]) < rank(search, &search->hyps[i]);
             at--)
            out[at] = out[at - 1];
        out[at] = i;
    }
}

void ting_beam_cut(ting_beam *search)
{
    int by_rank[TING_BEAM_MOST];
    order(search, by_rank);
    hypothesis best = search->hyps[by_rank[0]];
    search->hyps[0] = (hypothesis){.trace = -1};
    memcpy(search->hyps[0].context, best.context, sizeof best.context);
    search->count = 1;
    ting_trace_clear(&search->trace);
}

ting_err ting_beam_results(ting_beam *search, int most, const ting_decoded **out, int *count)
{
    int by_rank[TING_BEAM_MOST], wanted = 0, used = 0;
    order(search, by_rank);
    *count = most < search->count ? most : search->count;
    for (int i = 0; i < *count; i++)
        wanted += search->hyps[by_rank[i]].length;
    if (wanted > search->emission_room) {
        ting_emission *grown = ting_grow(search->emissions, (size_t)search->emission_room,
                                         (size_t)wanted * 2, sizeof *grown);
        if (grown == NULL)
            return TING_ERR_MEMORY;
        search->emissions = grown;
        search->emission_room = 2 * wanted;
    }
    for (int i = 0; i < *count; i++) {
        const hypothesis *h = &search->hyps[by_rank[i]];
        int read = ting_trace_read(&search->trace, h->trace, h->length, search->emissions + used);
        search->results[i] = (ting_decoded){search->emissions + used, read, h->log_prob};
        used += read;
    }
    *out = search->results;
    return TING_OK;
}
