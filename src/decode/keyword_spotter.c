/* SPDX-License-Identifier: Apache-2.0 */
/* keyword_spotter.c - see keywords.h. */
#include "decode/keywords.h"

#include "base/mem.h"
#include "decode/hypotheses.h"

#include <math.h>

typedef struct found {
    int keyword;
    double probability;
    int first, count; /* in `emissions` */
} found;

struct ting_spotter {
    ting_hypotheses hyps;
    const ting_keywords *list;
    ting_context_graph *graph;
    int trailing_blanks;
    found *founds;
    int found_count, found_room;
    ting_emission *emissions;
    int emission_count, emission_room;
};

void ting_spotter_reset(ting_spotter *spotter)
{
    ting_hypotheses_start(&spotter->hyps);
    spotter->hyps.rows = 0;
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

static ting_err check(const ting_transducer *model, const ting_keywords *list)
{
    int vocab = ting_transducer_settings(model)->vocab,
        blank = ting_transducer_settings(model)->blank;
    if (list->count < 1)
        return ting_fail(TING_ERR_ARGUMENT, "%d keywords, expected at least one", list->count);
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
    *out = NULL;
    TRY(check(model, list));
    spotter = ting_alloc(1, sizeof *spotter);
    if (spotter == NULL)
        return TING_ERR_MEMORY;
    spotter->list = list;
    spotter->trailing_blanks = options->trailing_blanks == 0 ? 1 : options->trailing_blanks;
    TRY(ting_hypotheses_open((ting_expansion){.model = model, .blank_penalty = options->blank_penalty, .beam = options->beam},
                             TING_AIM_KEYWORDS, &spotter->hyps));
    TRY(make_graph(spotter));
    spotter->hyps.graph = spotter->graph;
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
    ting_hypotheses_close(&spotter->hyps);
    ting_context_graph_free(spotter->graph);
    ting_free(spotter->founds);
    ting_free(spotter->emissions);
    ting_free(spotter);
}

/* ---- the search ---- */

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
    int by_rank[TING_BEAM_MOST];
    ting_hypotheses_order(&spotter->hyps, false, by_rank);
    const ting_beam_hypothesis *best = &spotter->hyps.items[by_rank[0]];
    int keyword = ting_context_match(spotter->graph, best->state);
    if (keyword < 0 || best->blanks <= blanks)
        return TING_OK;
    const ting_keyword *k = &spotter->list->items[keyword];
    TRY(make_room(spotter, k->count));
    ting_emission *emissions = spotter->emissions + spotter->emission_count;
    int count = ting_trace_read(&spotter->hyps.trace, best->trace, k->count, emissions);
    double sum = 0;
    for (int i = 0; i < count; i++)
        sum += exp(emissions[i].log_prob);
    if (sum / k->count < k->threshold)
        return TING_OK;
    spotter->founds[spotter->found_count++] =
        (found){keyword, sum / k->count, spotter->emission_count, count};
    spotter->emission_count += count;
    ting_hypotheses_start(&spotter->hyps);
out:
    return err;
}

static ting_err row_done(void *self)
{
    ting_spotter *spotter = self;
    return report(spotter, spotter->trailing_blanks < 0 ? 0 : spotter->trailing_blanks);
}

ting_err ting_spotter_accept(ting_spotter *spotter, ting_ctx *ctx, ting_tensor rows)
{
    return ting_hypotheses_accept(&spotter->hyps, ctx, rows, row_done, spotter);
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
