/* SPDX-License-Identifier: Apache-2.0 */
/* hypotheses.c - see hypotheses.h. */
#include "decode/hypotheses.h"

#include "base/logsum.h"
#include "base/rng.h"

#include <math.h>
#include <string.h>

/* Keywords begin after nothing, as the reference has it, text after blanks. */
static void start_context(const ting_hypotheses *h, int *context)
{
    int blank = ting_transducer_settings(h->step.model)->blank;
    ting_predictor_start(h->step.model, h->aim == TING_AIM_KEYWORDS ? -1 : blank, context);
}

void ting_hypotheses_start(ting_hypotheses *h)
{
    h->count = 1;
    h->items[0] = (ting_beam_hypothesis){.trace = -1, .place = TING_FUSION_BEGIN, .added = -1};
    start_context(h, h->items[0].context);
    ting_trace_clear(&h->trace);
}

ting_err ting_hypotheses_open(ting_expansion step, ting_aim aim, ting_hypotheses *out)
{
    ting_err err = TING_OK;
    *out = (ting_hypotheses){.step = step, .aim = aim};
    if (step.beam == 0)
        out->step.beam = 4;
    if (step.temperature == 0)
        out->step.temperature = 1;
    if (out->step.beam < 1 || out->step.beam > TING_BEAM_MOST)
        FAIL(TING_ERR_ARGUMENT, "a beam of %d, expected 1 to %d", step.beam, TING_BEAM_MOST);
    if (!(out->step.temperature > 0) || !isfinite(step.temperature) || !isfinite(step.blank_penalty))
        FAIL(TING_ERR_ARGUMENT, "a temperature of %g and a blank penalty of %g, expected positive and finite",
             out->step.temperature, step.blank_penalty);
    out->step.cache = ting_predictor_cache_new(step.model);
    if (out->step.cache == NULL)
        return TING_ERR_MEMORY;
    ting_hypotheses_start(out);
out:
    return err;
}

void ting_hypotheses_close(ting_hypotheses *h)
{
    ting_predictor_cache_free(h->step.cache);
    ting_trace_free(&h->trace);
}

/* The parent with one more token. */
static ting_err extend(ting_hypotheses *all, const ting_candidate *candidate, ting_beam_hypothesis *h)
{
    bool keywords = all->aim == TING_AIM_KEYWORDS;
    const double gain = ting_fuser_gain(all->fuser, h->place, candidate->token);
    h->log_prob += gain;
    h->likelier += gain;
    h->added = candidate->token;
    if (all->graph != NULL) {
        double earned =
            (keywords ? ting_context_step : ting_context_step_once)(all->graph, h->state, candidate->token, &h->state);
        h->log_prob += earned;
        h->likelier += earned;
    }
    h->length++;
    h->blanks = 0;
    if (keywords && h->state == TING_CONTEXT_ROOT) {
        h->hash = ting_rng_at(1, (uint64_t)h->length);
        h->trace = -1;
        start_context(all, h->context);
        return TING_OK;
    }
    h->hash = ting_rng_at(h->hash, (uint64_t)(uint32_t)candidate->token);
    ting_predictor_push(all->step.model, candidate->token, h->context);
    ting_emission emission = {.token = candidate->token, .row = all->rows, .log_prob = candidate->log_prob};
    memcpy(emission.rivals, candidate->rivals, sizeof emission.rivals);
    return ting_trace_add(&all->trace, h->trace, emission, &h->trace);
}

/* Adds a hypothesis, or its probability to the one with the same tokens. */
static int merge(ting_aim aim, ting_beam_hypothesis *hyps, int count, const ting_beam_hypothesis *fresh)
{
    for (int i = 0; i < count; i++) {
        ting_beam_hypothesis *h = &hyps[i];
        if (h->hash != fresh->hash || h->length != fresh->length)
            continue;
        double sum = ting_log_add(h->log_prob, fresh->log_prob);
        if (aim == TING_AIM_TEXT && fresh->likelier > h->likelier)
            *h = *fresh;
        h->log_prob = sum;
        return count;
    }
    hyps[count] = *fresh;
    return count + 1;
}

/* The places of the hypotheses that go on. */
static ting_err keep_places(ting_hypotheses *all, ting_ctx *ctx)
{
    ting_fusion_kept kept[TING_BEAM_MOST];
    for (int i = 0; i < all->count; i++) {
        kept[i] = (ting_fusion_kept){&all->items[i].place, all->items[i].added};
        all->items[i].added = -1;
    }
    return all->fuser != NULL ? ting_fuser_keep(all->fuser, ctx, kept, all->count) : TING_OK;
}

static ting_err one_row(ting_hypotheses *all, ting_ctx *ctx, ting_tensor e)
{
    ting_err err = TING_OK;
    const ting_transducer_config *config = ting_transducer_settings(all->step.model);
    int contexts[TING_BEAM_MOST * TING_TRANSDUCER_MAX_CONTEXT], count = 0;
    double totals[TING_BEAM_MOST];
    int *ends[TING_BEAM_MOST];
    ting_candidate best[TING_BEAM_MOST];
    ting_beam_hypothesis next[TING_BEAM_MOST];
    for (int i = 0; i < all->count; i++) {
        memcpy(contexts + i * config->context, all->items[i].context, (size_t)config->context * sizeof *contexts);
        totals[i] = all->items[i].log_prob;
        ends[i] = &all->items[i].trace;
    }
    TRY(ting_trace_tidy(&all->trace, ends, all->count));
    int found = ting_expand(&all->step, ctx, e, contexts, totals, all->count, best);
    if (found < 0)
        return ctx->err;
    for (int i = 0; i < found; i++) {
        ting_beam_hypothesis h = all->items[best[i].parent];
        h.likelier += best[i].log_prob;
        h.log_prob = best[i].total;
        h.blanks++;
        if (best[i].token != config->blank)
            TRY(extend(all, &best[i], &h));
        count = merge(all->aim, next, count, &h);
    }
    memcpy(all->items, next, (size_t)count * sizeof *next);
    all->count = count;
    TRY(keep_places(all, ctx));
    all->rows++;
out:
    return err;
}

ting_err ting_hypotheses_accept(ting_hypotheses *h, ting_ctx *ctx, ting_tensor rows, ting_err (*row_done)(void *self),
                                void *self)
{
    ting_err err = TING_OK;
    ting_arena_mark mark = ting_arena_tell(ctx->arena);
    ting_tensor e = ting_transducer_project_encoder(ctx, h->step.model, rows);
    for (int t = 0; t < e.rows && ctx->err == TING_OK; t++) {
        TRY(one_row(h, ctx, ting_rows(e, t, 1)));
        if (row_done != NULL)
            TRY(row_done(self));
    }
    err = ctx->err;
out:
    ting_arena_rewind(ctx->arena, mark);
    return err;
}

double ting_hypotheses_score(const ting_hypotheses *all, int index, bool ended)
{
    const ting_beam_hypothesis *h = &all->items[index];
    return ended ? h->log_prob + ting_fuser_end(all->fuser, h->place) : h->log_prob;
}

static double rank(const ting_hypotheses *all, int index, bool ended)
{
    const ting_beam_hypothesis *h = &all->items[index];
    double score = ting_hypotheses_score(all, index, ended);
    if (all->graph != NULL && all->aim == TING_AIM_TEXT)
        score -= ting_context_unfinished(all->graph, h->state);
    return score / (h->length + ting_transducer_settings(all->step.model)->context);
}

void ting_hypotheses_order(const ting_hypotheses *h, bool ended, int out[TING_BEAM_MOST])
{
    for (int i = 0; i < h->count; i++) {
        int at = i;
        for (; at > 0 && rank(h, out[at - 1], ended) < rank(h, i, ended); at--)
            out[at] = out[at - 1];
        out[at] = i;
    }
}
