/* SPDX-License-Identifier: Apache-2.0 */
/* transducer_beam.c - see transducer_beam.h. */
#include "decode/transducer_beam.h"

#include "base/mem.h"
#include "decode/hypotheses.h"

#include <string.h>

struct ting_beam {
    ting_hypotheses hyps;
    ting_decoded results[TING_BEAM_MOST];
    ting_emission *emissions; /* of the results */
    int emission_room;
};

ting_err ting_beam_new(const ting_transducer *model, const ting_beam_options *options,
                       ting_beam **out)
{
    ting_err err = TING_OK;
    *out = NULL;
    ting_beam *search = ting_alloc(1, sizeof *search);
    if (search == NULL)
        return TING_ERR_MEMORY;
    TRY(ting_hypotheses_open((ting_expansion){.model = model,
                                              .temperature = options->temperature,
                                              .blank_penalty = options->blank_penalty,
                                              .beam = options->beam},
                             TING_AIM_TEXT, &search->hyps));
    search->hyps.graph = options->graph;
    if (options->fusion != NULL)
        TRY(ting_fuser_new(options->fusion, search->hyps.step.beam, &search->hyps.fuser));
    *out = search;
    search = NULL;
out:
    ting_beam_free(search);
    return err;
}

void ting_beam_free(ting_beam *search)
{
    if (search == NULL)
        return;
    ting_fuser_free(search->hyps.fuser);
    ting_hypotheses_close(&search->hyps);
    ting_free(search->emissions);
    ting_free(search);
}

void ting_beam_reset(ting_beam *search)
{
    ting_hypotheses_start(&search->hyps);
    search->hyps.rows = 0;
}

void ting_beam_cut(ting_beam *search)
{
    int by_rank[TING_BEAM_MOST];
    ting_hypotheses_order(&search->hyps, false, by_rank);
    ting_beam_hypothesis best = search->hyps.items[by_rank[0]];
    ting_hypotheses_start(&search->hyps);
    memcpy(search->hyps.items[0].context, best.context, sizeof best.context);
}

ting_err ting_beam_accept(ting_beam *search, ting_ctx *ctx, ting_tensor rows)
{
    return ting_hypotheses_accept(&search->hyps, ctx, rows, NULL, NULL);
}

ting_err ting_beam_results(ting_beam *search, int most, const ting_decoded **out, int *count)
{
    const bool ended = most > 1;
    int by_rank[TING_BEAM_MOST], wanted = 0, used = 0;
    ting_hypotheses_order(&search->hyps, ended, by_rank);
    *count = most < search->hyps.count ? most : search->hyps.count;
    for (int i = 0; i < *count; i++)
        wanted += search->hyps.items[by_rank[i]].length;
    if (wanted >= search->emission_room) { /* none has an address too */
        ting_emission *grown = ting_grow(search->emissions, (size_t)search->emission_room,
                                         (size_t)wanted * 2 + 1, sizeof *grown);
        if (grown == NULL)
            return TING_ERR_MEMORY;
        search->emissions = grown;
        search->emission_room = 2 * wanted + 1;
    }
    for (int i = 0; i < *count; i++) {
        const ting_beam_hypothesis *h = &search->hyps.items[by_rank[i]];
        int read = ting_trace_read(&search->hyps.trace, h->trace, h->length, search->emissions + used);
        search->results[i] = (ting_decoded){search->emissions + used, read,
                                            ting_hypotheses_score(&search->hyps, by_rank[i], ended)};
        used += read;
    }
    *out = search->results;
    return TING_OK;
}
