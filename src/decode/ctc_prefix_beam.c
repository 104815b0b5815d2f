/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ctc_prefix_beam.c - see ctc_prefix_beam.h.
 *
 * At a row with probabilities y, from sequence p with last token l, B = sum of alignments that end in blank, T = in l:
 *
 *     B'(p)     += (B + T) y(blank)
 *     T'(p)     += T y(l)
 *     T'(p + c) += (B + T) y(c)  for c != l;  B y(l)  for c = l
 *
 * and with fusion the last line times exp(gain(c | p)).
 */
#include "decode/ctc_prefix_beam.h"

#include "base/logsum.h"
#include "base/mem.h"
#include "decode/ctc_row.h"
#include "base/rng.h"
#include "decode/rivals.h"
#include "decode/trace.h"

#include <math.h>
#include <string.h>

typedef struct ending { /* alignments of a sequence that end alike: in blank, or in its last token */
    double sum;      /* log of their probability */
    double likelier; /* of the best of them */
    int trace;       /* that one's last emission, or -1 */
    bool fresh;      /* its last emission is that of this row, behind `trace`, and not in the tree yet */
    double log_prob; /* of that */
} ending;

typedef struct sequence {
    uint64_t hash; /* of the tokens since the start, with `length` what tells sequences apart */
    int length, last;
    ending blank, token;
    double sum; /* of both */
    int place;  /* of the fuser; of a sequence that is new in this row that of the one it prolongs */
    bool fresh; /* it is new in this row */
} sequence;

struct ting_ctc_beam {
    ting_ctc_beam_options options;
    sequence *items; /* [beam] */
    int count;
    sequence *next;    /* [beam (beam + 1)] candidates of a row */
    int *best_tokens;  /* [beam] of a row */
    int **ends;        /* [2 beam]: for tidying the trace */
    ting_trace trace;
    ting_fuser *fuser;         /* NULL: no fusion */
    ting_fusion_kept *kept;    /* [beam] */
    double skip;               /* log-probability of blank from which on a row is blank */
    long rows;
    int *by_rank;             /* [beam] of the results */
    ting_decoded *results;    /* [beam] */
    ting_emission *emissions; /* of the results */
    size_t emission_room;
};

static const ending never = {.sum = -INFINITY, .likelier = -INFINITY, .trace = -1};

static void start(ting_ctc_beam *search, int last)
{
    search->items[0] = (sequence){.last = last, .blank = {.trace = -1}, .token = never};
    search->count = 1;
    ting_trace_clear(&search->trace);
}

ting_err ting_ctc_beam_new(const ting_ctc_beam_options *options, ting_ctc_beam **out)
{
    ting_err err = TING_OK;
    ting_ctc_beam *search = NULL;
    *out = NULL;
    if (options->beam < 0 || options->beam > TING_CTC_BEAM_MOST)
        FAIL(TING_ERR_ARGUMENT, "a beam of %d, expected 1 to %d", options->beam, TING_CTC_BEAM_MOST);
    search = ting_alloc(1, sizeof *search);
    if (search == NULL)
        return TING_ERR_MEMORY;
    search->options = *options;
    if (search->options.beam == 0)
        search->options.beam = 8;
    const size_t beam = (size_t)search->options.beam;
    search->items = ting_alloc(beam, sizeof *search->items);
    search->next = ting_alloc(beam * (beam + 1), sizeof *search->next);
    search->best_tokens = ting_alloc(beam, sizeof *search->best_tokens);
    search->ends = ting_alloc(2 * beam, sizeof *search->ends);
    search->kept = ting_alloc(beam, sizeof *search->kept);
    search->by_rank = ting_alloc(beam, sizeof *search->by_rank);
    search->results = ting_alloc(beam, sizeof *search->results);
    if (search->items == NULL || search->next == NULL || search->best_tokens == NULL || search->ends == NULL ||
        search->kept == NULL || search->by_rank == NULL || search->results == NULL) {
        err = TING_ERR_MEMORY;
        goto out;
    }
    search->skip = options->skip > 0 && options->skip < 1 ? log(options->skip) : INFINITY;
    if (options->fusion != NULL)
        TRY(ting_fuser_new(options->fusion, search->options.beam, &search->fuser));
    ting_ctc_beam_reset(search);
    *out = search;
    search = NULL;
out:
    ting_ctc_beam_free(search);
    return err;
}

void ting_ctc_beam_free(ting_ctc_beam *search)
{
    if (search == NULL)
        return;
    ting_trace_free(&search->trace);
    ting_fuser_free(search->fuser);
    ting_free(search->kept);
    ting_free(search->by_rank);
    ting_free(search->items);
    ting_free(search->next);
    ting_free(search->best_tokens);
    ting_free(search->ends);
    ting_free(search->results);
    ting_free(search->emissions);
    ting_free(search);
}

void ting_ctc_beam_reset(ting_ctc_beam *search)
{
    search->rows = 0;
    start(search, search->options.blank);
}

void ting_ctc_beam_cut(ting_ctc_beam *search)
{
    const sequence best = search->items[0];
    start(search, best.last);
    search->items[0].blank.sum = search->items[0].blank.likelier = best.blank.sum - best.sum;
    search->items[0].token.sum = search->items[0].token.likelier = best.token.sum - best.sum;
}

/* ---- one row ---- */

/* The likeliest tokens of a row, blank apart: likeliest first, the first of equals. Returns how many. */
static int find_tokens(const ting_ctc_beam *search, const ting_real *log_probs)
{
    int count = 0;
    for (int token = 0; token < search->options.vocab; token++) {
        int at = count < search->options.beam ? count : search->options.beam;
        while (at > 0 && log_probs[search->best_tokens[at - 1]] < log_probs[token])
            at--;
        if (token == search->options.blank || at == search->options.beam)
            continue;
        count += count < search->options.beam;
        memmove(search->best_tokens + at + 1, search->best_tokens + at, (size_t)(count - 1 - at) * sizeof *search->best_tokens);
        search->best_tokens[at] = token;
    }
    return count;
}

static sequence *add_candidate(ting_ctc_beam *search, int *count, sequence s)
{
    s.blank = s.token = never;
    search->next[*count] = s;
    return &search->next[(*count)++];
}

/* A sequence with one more token: only those that were there already can be the same; they are the first candidates. */
static sequence *longer(ting_ctc_beam *search, int *count, const sequence *s, int token)
{
    const uint64_t hash = ting_rng_at(s->hash, (uint64_t)(uint32_t)token);
    for (int i = 0; i < search->count; i++)
        if (search->next[i].hash == hash && search->next[i].length == s->length + 1)
            return &search->next[i];
    return add_candidate(search, count, (sequence){.hash = hash, .length = s->length + 1, .last = token, .place = s->place, .fresh = true});
}

/* More alignments that end alike; `with` says how many and which of them is the likeliest. */
static void add(ending *to, ending with)
{
    const double sum = ting_log_add(to->sum, with.sum);
    if (with.likelier > to->likelier)
        *to = with;
    to->sum = sum;
}

static const ending *likelier_of(const sequence *s)
{
    return s->token.likelier > s->blank.likelier ? &s->token : &s->blank;
}

/* The last token goes on: its emission moves here if it is likelier here. */
static void repeat(const ting_ctc_beam *search, const sequence *s, double y, sequence *to)
{
    ending longer_run = {.sum = s->token.sum + y, .likelier = s->token.likelier + y, .trace = s->token.trace, .log_prob = y};
    if (s->token.trace >= 0 && search->trace.entries[s->token.trace].emission.log_prob < y) {
        longer_run.fresh = true;
        longer_run.trace = search->trace.entries[s->token.trace].before;
    }
    add(&to->token, longer_run);
}

static void prolong(ting_ctc_beam *search, const sequence *s, int token, double y, int *count)
{
    const ending *from = token == s->last ? &s->blank : likelier_of(s);
    const double sum = token == s->last ? s->blank.sum : s->sum;
    if (sum == -INFINITY)
        return;
    const double step = y + ting_fuser_gain(search->fuser, s->place, token);
    add(&longer(search, count, s, token)->token,
        (ending){.sum = sum + step, .likelier = from->likelier + step, .trace = from->trace, .fresh = true, .log_prob = y});
}

/* The best `beam` candidates become the sequences, best first; of equals the earlier. */
static ting_err keep_best(ting_ctc_beam *search, int found, const ting_real *log_probs)
{
    ting_err err = TING_OK;
    search->count = 0;
    for (int i = 0; i < found; i++) {
        sequence *s = &search->next[i];
        s->sum = ting_log_add(s->blank.sum, s->token.sum);
        int at = search->count;
        while (at > 0 && search->items[at - 1].sum < s->sum)
            at--;
        if (at == search->options.beam)
            continue;
        search->count += search->count < search->options.beam;
        memmove(search->items + at + 1, search->items + at, (size_t)(search->count - 1 - at) * sizeof *search->items);
        search->items[at] = *s;
    }
    for (int i = 0; i < search->count; i++) {
        sequence *s = &search->items[i];
        if (!s->token.fresh)
            continue;
        ting_emission emission = {.token = s->last, .row = search->rows, .log_prob = s->token.log_prob};
        ting_rivals_note(log_probs, search->options.vocab, search->options.blank, s->last, emission.rivals);
        TRY(ting_trace_add(&search->trace, s->token.trace, emission, &s->token.trace));
        s->token.fresh = false;
    }
out:
    return err;
}

/* Surely blank: all sequences go on, none gets longer. */
static void skip_row(ting_ctc_beam *search, double blank)
{
    for (int i = 0; i < search->count; i++) {
        sequence *s = &search->items[i];
        s->sum += blank;
        s->blank = (ending){.sum = s->sum, .likelier = likelier_of(s)->likelier + blank, .trace = likelier_of(s)->trace};
        s->token = never;
    }
    search->rows++;
}

/* The places of the sequences that are left. */
static ting_err keep_places(ting_ctc_beam *search, ting_ctx *ctx)
{
    for (int i = 0; i < search->count; i++) {
        sequence *s = &search->items[i];
        search->kept[i] = (ting_fusion_kept){&s->place, s->fresh ? s->last : -1};
        s->fresh = false;
    }
    return search->fuser != NULL ? ting_fuser_keep(search->fuser, ctx, search->kept, search->count) : TING_OK;
}

static ting_err one_row(ting_ctc_beam *search, ting_ctx *ctx, const ting_real *log_probs)
{
    ting_err err = TING_OK;
    int count = 0;
    if ((double)log_probs[search->options.blank] > search->skip) {
        skip_row(search, (double)log_probs[search->options.blank]);
        return TING_OK;
    }
    const int tokens = find_tokens(search, log_probs);
    const double blank = (double)log_probs[search->options.blank];
    if (!isfinite(blank) && (tokens == 0 || !isfinite((double)log_probs[search->best_tokens[0]])))
        FAIL(TING_ERR_NUMERIC, "the scores at encoder row %ld are not finite", search->rows);
    for (int i = 0; i < search->count; i++) {
        sequence *s = &search->items[i];
        search->ends[2 * i] = &s->blank.trace;
        search->ends[2 * i + 1] = &s->token.trace;
        add_candidate(search, &count, *s);
    }
    TRY(ting_trace_tidy(&search->trace, search->ends, 2 * search->count));
    for (int i = 0; i < search->count; i++) {
        sequence *s = &search->items[i], *to = &search->next[i];
        add(&to->blank, (ending){.sum = s->sum + blank, .likelier = likelier_of(s)->likelier + blank,
                                 .trace = likelier_of(s)->trace});
        if (s->token.sum > -INFINITY)
            repeat(search, s, (double)log_probs[s->last], to);
        for (int k = 0; k < tokens; k++)
            prolong(search, s, search->best_tokens[k], (double)log_probs[search->best_tokens[k]], &count);
    }
    TRY(keep_best(search, count, log_probs));
    TRY(keep_places(search, ctx));
    search->rows++;
out:
    return err;
}

ting_err ting_ctc_beam_accept(ting_ctc_beam *search, ting_ctx *ctx, ting_tensor logits)
{
    ting_err err = TING_OK;
    const ting_arena_mark start_mark = ting_arena_tell(ctx->arena);
    const int vocab = search->options.vocab;
    ting_real *row = ting_ctx_reals(ctx, (size_t)vocab);
    for (int t = 0; t < logits.rows && ctx->err == TING_OK; t++) {
        ting_ctc_row(ctx, logits, t, vocab, search->options.blank, search->options.blank_penalty, row);
        TRY(one_row(search, ctx, row));
    }
    err = ctx->err;
out:
    ting_arena_rewind(ctx->arena, start_mark);
    return err;
}

/* What a sequence is ranked by. */
static double rank(const ting_ctc_beam *search, int item, bool ended)
{
    const sequence *s = &search->items[item];
    return ended ? s->sum + ting_fuser_end(search->fuser, s->place) : s->sum;
}

ting_err ting_ctc_beam_results(ting_ctc_beam *search, int most, const ting_decoded **out, int *count)
{
    ting_err err = TING_OK;
    const bool ended = most > 1;
    int wanted = 0, used = 0;
    *count = most < search->count ? most : search->count;
    for (int i = 0; i < search->count; i++) {
        int at = i;
        for (; at > 0 && rank(search, search->by_rank[at - 1], ended) < rank(search, i, ended); at--)
            search->by_rank[at] = search->by_rank[at - 1];
        search->by_rank[at] = i;
    }
    for (int i = 0; i < *count; i++)
        wanted += search->items[search->by_rank[i]].length;
    wanted++; /* none has an address too */
    TRY(ting_reserve(&search->emissions, 0, (size_t)wanted, &search->emission_room, sizeof *search->emissions));
    for (int i = 0; i < *count; i++) {
        const sequence *s = &search->items[search->by_rank[i]];
        const int read = ting_trace_read(&search->trace, likelier_of(s)->trace, s->length, search->emissions + used);
        search->results[i] = (ting_decoded){search->emissions + used, read, rank(search, search->by_rank[i], ended)};
        used += read;
    }
    *out = search->results;
out:
    return err;
}
