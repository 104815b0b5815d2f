/* SPDX-License-Identifier: Apache-2.0 */
/* transducer_greedy.c - see transducer_greedy.h; the rule of beam_search.py greedy_search (icefall). */
#include "decode/transducer_greedy.h"

#include "base/mem.h"
#include "decode/predictor_cache.h"
#include "decode/rivals.h"

#include <math.h>

struct ting_greedy {
    const ting_transducer *model;
    ting_greedy_options options;
    ting_predictor_cache *cache;
    int context[TING_TRANSDUCER_MAX_CONTEXT]; /* the newest last */
    ting_emission *emissions;
    int count;
    size_t room;
    double log_prob;
    long rows;
};

/* The predictor begins as after blanks, as the reference decodes. */
static void start_context(ting_greedy *search)
{
    ting_predictor_start(search->model, ting_transducer_settings(search->model)->blank, search->context);
}

ting_err ting_greedy_new(const ting_transducer *model, const ting_greedy_options *options,
                         ting_greedy **out)
{
    ting_greedy *search = ting_alloc(1, sizeof *search);
    *out = NULL;
    if (search == NULL)
        return TING_ERR_MEMORY;
    search->model = model;
    search->options = *options;
    if (search->options.max_symbols < 1)
        search->options.max_symbols = 1;
    search->cache = ting_predictor_cache_new(model);
    if (search->cache == NULL) {
        ting_greedy_free(search);
        return TING_ERR_MEMORY;
    }
    start_context(search);
    *out = search;
    return TING_OK;
}

void ting_greedy_free(ting_greedy *search)
{
    if (search == NULL)
        return;
    ting_predictor_cache_free(search->cache);
    ting_free(search->emissions);
    ting_free(search);
}

void ting_greedy_cut(ting_greedy *search)
{
    search->count = 0;
    search->log_prob = 0;
}

void ting_greedy_reset(ting_greedy *search)
{
    ting_greedy_cut(search);
    start_context(search);
    search->rows = 0;
}

static ting_err emit(ting_greedy *search, int token, const ting_real *log_probs)
{
    const ting_transducer_config *config = ting_transducer_settings(search->model);
    if (ting_reserve(&search->emissions, (size_t)search->count, 1, &search->room, sizeof *search->emissions) != TING_OK)
        return TING_ERR_MEMORY;
    ting_emission *e = &search->emissions[search->count++];
    *e = (ting_emission){.token = token, .row = search->rows, .log_prob = (double)log_probs[token]};
    ting_rivals_note(log_probs, config->vocab, config->blank, token, e->rivals);
    ting_predictor_push(search->model, token, search->context);
    return TING_OK;
}

/* All symbols of one projected encoder row; d is the predictor's row and changes with each. */
static ting_err one_row(ting_greedy *search, ting_ctx *ctx, ting_tensor e, ting_tensor *d)
{
    ting_err err = TING_OK;
    const ting_transducer_config *config = ting_transducer_settings(search->model);
    for (int symbols = 0; symbols < search->options.max_symbols; symbols++) {
        ting_tensor logits = ting_transducer_join(ctx, search->model, e, *d);
        TRY(ctx->err);
        logits.data[config->blank] -= (ting_real)search->options.blank_penalty;
        int token = ting_greatest(logits.data, config->vocab);
        if (!isfinite((double)logits.data[token]))
            FAIL(TING_ERR_NUMERIC, "the scores at encoder row %ld are not finite", search->rows);
        ctx->kern->log_softmax(config->vocab, logits.data, logits.data);
        double log_prob = (double)logits.data[token];
        search->log_prob += log_prob;
        if (token == config->blank)
            break;
        TRY(emit(search, token, logits.data));
        *d = ting_predictor_rows(search->cache, ctx, search->context, 1);
        TRY(ctx->err);
    }
out:
    return err;
}

ting_err ting_greedy_accept(ting_greedy *search, ting_ctx *ctx, ting_tensor rows)
{
    ting_err err = TING_OK;
    ting_arena_mark start = ting_arena_tell(ctx->arena);
    ting_tensor e = ting_transducer_project_encoder(ctx, search->model, rows);
    for (int t = 0; t < e.rows && ctx->err == TING_OK; t++) {
        ting_arena_mark mark = ting_arena_tell(ctx->arena);
        ting_tensor d = ting_predictor_rows(search->cache, ctx, search->context, 1);
        TRY(one_row(search, ctx, ting_rows(e, t, 1), &d));
        ting_arena_rewind(ctx->arena, mark);
        search->rows++;
    }
    err = ctx->err;
out:
    ting_arena_rewind(ctx->arena, start);
    return err;
}

ting_decoded ting_greedy_result(const ting_greedy *search)
{
    return (ting_decoded){search->emissions, search->count, search->log_prob};
}
