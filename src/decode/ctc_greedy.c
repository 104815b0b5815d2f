/* SPDX-License-Identifier: Apache-2.0 */
/* ctc_greedy.c - see ctc_greedy.h. */
#include "decode/ctc_greedy.h"

#include "base/mem.h"
#include "decode/ctc_row.h"
#include "decode/rivals.h"

#include <math.h>

struct ting_ctc_greedy {
    ting_ctc_greedy_options options;
    ting_emission *emissions;
    int count;
    size_t room;
    double log_prob;
    long rows;
    int last; /* symbol of the row before; blank at the beginning */
};

ting_err ting_ctc_greedy_new(const ting_ctc_greedy_options *options, ting_ctc_greedy **out)
{
    ting_ctc_greedy *search = *out = ting_alloc(1, sizeof *search);
    if (search == NULL)
        return TING_ERR_MEMORY;
    search->options = *options;
    ting_ctc_greedy_reset(search);
    return TING_OK;
}

void ting_ctc_greedy_free(ting_ctc_greedy *search)
{
    if (search == NULL)
        return;
    ting_free(search->emissions);
    ting_free(search);
}

void ting_ctc_greedy_cut(ting_ctc_greedy *search)
{
    search->count = 0;
    search->log_prob = 0;
}

void ting_ctc_greedy_reset(ting_ctc_greedy *search)
{
    ting_ctc_greedy_cut(search);
    search->rows = 0;
    search->last = search->options.blank;
}

/* Writes the token of this row as emission `at`, with its rivals. */
static void write(ting_ctc_greedy *search, int at, int token, const ting_real *log_probs)
{
    ting_emission *e = &search->emissions[at];
    *e = (ting_emission){.token = token, .row = search->rows, .log_prob = (double)log_probs[token]};
    ting_rivals_note(log_probs, search->options.vocab, search->options.blank, token, e->rivals);
}

static ting_err one_row(ting_ctc_greedy *search, const ting_real *log_probs)
{
    ting_err err = TING_OK;
    const int token = ting_greatest(log_probs, search->options.vocab);
    const size_t count = (size_t)search->count;
    if (!isfinite((double)log_probs[token]))
        FAIL(TING_ERR_NUMERIC, "the scores at encoder row %ld are not finite", search->rows);
    search->log_prob += (double)log_probs[token];
    if (token != search->options.blank && token != search->last) {
        TRY(ting_reserve(&search->emissions, count, 1, &search->room, sizeof *search->emissions));
        write(search, search->count++, token, log_probs);
    } else if (token != search->options.blank && count > 0 &&
               (double)log_probs[token] > search->emissions[count - 1].log_prob) {
        write(search, search->count - 1, token, log_probs); /* the run goes on, likelier */
    }
    search->last = token;
    search->rows++;
out:
    return err;
}

ting_err ting_ctc_greedy_accept(ting_ctc_greedy *search, ting_ctx *ctx, ting_tensor logits)
{
    ting_err err = TING_OK;
    const ting_arena_mark start = ting_arena_tell(ctx->arena);
    const int vocab = search->options.vocab;
    ting_real *row = ting_ctx_reals(ctx, (size_t)vocab);
    for (int t = 0; t < logits.rows && ctx->err == TING_OK; t++) {
        ting_ctc_row(ctx, logits, t, vocab, search->options.blank, search->options.blank_penalty, row);
        TRY(one_row(search, row));
    }
    err = ctx->err;
out:
    ting_arena_rewind(ctx->arena, start);
    return err;
}

ting_decoded ting_ctc_greedy_result(const ting_ctc_greedy *search)
{
    return (ting_decoded){search->emissions, search->count, search->log_prob};
}
