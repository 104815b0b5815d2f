/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ctc_prefix_beam.c - see ctc_prefix_beam.h.
 *
 * Of each hypothesis two sums are kept: over the paths that end in blank, and over those that end in its last token,
 * since only after a blank does the same class make a new token. From row to row, p the row's probabilities:
 *
 *     blank'(h) = (blank(h) + token(h)) p[blank]
 *     token'(h) = token(h) p[last of h] + grown(h's parent, last of h)          (the parent only while it is in the
 * beam)
 *     grown(h, c) = (blank(h) + [c != last of h] token(h)) p[c]
 *
 * Beside each sum stands its likeliest path, with the emissions of that.
 */
#include "decode/ctc_prefix_beam.h"

#include "base/logsum.h"
#include "base/mem.h"
#include "base/rng.h"
#include "decode/trace.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

typedef struct paths {
    double sum;    /* log of all */
    double likely; /* log of the likeliest, whose emissions are `trace` */
    int trace;     /* its last emission, -1: none */
} paths;

typedef struct hypothesis {
    paths blank, token; /* by the class of the last row */
    double score;       /* log of both sums together */
    uint64_t hash;      /* of the tokens since the start */
    int length, last;   /* number of tokens; the newest one, also when a cut has forgotten it, -1: none */
    uint64_t parent;    /* hash without the newest token */
    bool fresh;         /* grew in this row: its emission is not in the trace yet */
} hypothesis;

struct ting_ctc_beam {
    ting_ctc_beam_options options;
    hypothesis *items, *next; /* [beam], best first */
    int count, next_count;
    int *top; /* [2 beam + 2]: the likeliest classes of the row, falling */
    int top_count;
    int **ends; /* [2 beam]: for tidying the trace */
    ting_trace trace;
    ting_decoded *results; /* [beam] */
    ting_emission *emissions;
    size_t room;
    long rows;
};

static const paths NONE = {-INFINITY, -INFINITY, -1};

ting_err ting_ctc_beam_new(const ting_ctc_beam_options *options, ting_ctc_beam **out)
{
    ting_err err = TING_OK;
    ting_ctc_beam *search = NULL;
    const int beam = options->beam == 0 ? 10 : options->beam;
    *out = NULL;
    if (beam < 1 || beam > TING_CTC_BEAM_MOST)
        FAIL(TING_ERR_ARGUMENT, "a beam of %d, expected 1 to %d", beam, TING_CTC_BEAM_MOST);
    search = ting_alloc(1, sizeof *search);
    if (search == NULL)
        return TING_ERR_MEMORY;
    search->options = (ting_ctc_beam_options){options->blank, beam};
    search->items = ting_alloc((size_t)beam, sizeof *search->items);
    search->next = ting_alloc((size_t)beam, sizeof *search->next);
    search->top = ting_alloc(2 * (size_t)beam + 2, sizeof *search->top);
    search->ends = ting_alloc(2 * (size_t)beam, sizeof *search->ends);
    search->results = ting_alloc((size_t)beam, sizeof *search->results);
    if (search->items == NULL || search->next == NULL || search->top == NULL || search->ends == NULL ||
        search->results == NULL)
        err = TING_ERR_MEMORY;
    TRY(err);
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
    ting_free(search->items);
    ting_free(search->next);
    ting_free(search->top);
    ting_free(search->ends);
    ting_free(search->results);
    ting_free(search->emissions);
    ting_trace_free(&search->trace);
    ting_free(search);
}

void ting_ctc_beam_reset(ting_ctc_beam *search)
{
    search->count = 1;
    search->items[0] = (hypothesis){.blank = {0, 0, -1}, .token = NONE, .last = -1};
    search->rows = 0;
    ting_trace_clear(&search->trace);
}

void ting_ctc_beam_cut(ting_ctc_beam *search)
{
    hypothesis *best = &search->items[0];
    search->count = 1;
    *best = (hypothesis){.blank = {best->blank.sum - best->score, best->blank.likely - best->score, -1},
                         .token = {best->token.sum - best->score, best->token.likely - best->score, -1},
                         .last = best->last};
    ting_trace_clear(&search->trace);
}

/* ---- one row ---- */

/* The likeliest classes, of equal ones the first. No hypothesis has more than `beam` of its children in the beam, so
 * beside them, blank and its own last token these hold as many new ones as could stay. */
static ting_err find_top(ting_ctc_beam *search, const ting_real *row, int classes)
{
    ting_err err = TING_OK;
    const int room = 2 * search->options.beam + 2;
    int *top = search->top, count = 0;
    for (int v = 0; v < classes; v++) {
        if (isnan(row[v]))
            FAIL(TING_ERR_NUMERIC, "a log-probability of row %ld is not a number", search->rows);
        if (count == room && row[v] <= row[top[count - 1]])
            continue;
        int at = count < room ? count++ : count - 1;
        for (; at > 0 && row[top[at - 1]] < row[v]; at--)
            top[at] = top[at - 1];
        top[at] = v;
    }
    if (!isfinite((double)row[top[0]]))
        FAIL(TING_ERR_NUMERIC, "the log-probabilities of row %ld are not finite", search->rows);
    search->top_count = count;
out:
    return err;
}

/* Keeps h among the best `beam`, of equal ones the earlier; false: it is below all of them, and they are enough. */
static bool keep(ting_ctc_beam *search, hypothesis h)
{
    hypothesis *next = search->next;
    const bool full = search->next_count == search->options.beam;
    h.score = ting_log_add(h.blank.sum, h.token.sum);
    if (h.score == -INFINITY || (full && h.score <= next[search->next_count - 1].score))
        return false;
    int at = full ? search->next_count - 1 : search->next_count++;
    for (; at > 0 && next[at - 1].score < h.score; at--)
        next[at] = next[at - 1];
    next[at] = h;
    return true;
}

/* Both: the sums together, the likelier of the two paths. */
static paths join(paths a, paths b)
{
    paths both = a.likely < b.likely ? b : a;
    both.sum = ting_log_add(a.sum, b.sum);
    return both;
}

static paths times(paths a, double log_prob)
{
    return (paths){a.sum + log_prob, a.likely + log_prob, a.trace};
}

/* The paths of h after which class c is a new token, with it. */
static paths grown(const hypothesis *h, int c, double log_prob)
{
    return times(c == h->last ? h->blank : join(h->blank, h->token), log_prob);
}

/* h without a new token, but with what its parent makes of it, if that is in the beam. */
static hypothesis stay(const ting_ctc_beam *search, const hypothesis *h, const ting_real *row)
{
    hypothesis next = *h;
    next.fresh = false;
    next.blank = times(join(h->blank, h->token), (double)row[search->options.blank]);
    if (h->last < 0)
        return next;
    next.token = times(h->token, (double)row[h->last]);
    for (int i = 0; h->length > 0 && i < search->count; i++) {
        const hypothesis *parent = &search->items[i];
        if (parent->hash != h->parent || parent->length != h->length - 1)
            continue;
        const paths from = grown(parent, h->last, (double)row[h->last]);
        next.fresh = from.likely > next.token.likely;
        next.token = join(next.token, from);
    }
    return next;
}

/* h + c is in the beam already: its own `stay` counts what comes from h. */
static bool is_kept(const ting_ctc_beam *search, const hypothesis *h, int c)
{
    for (int i = 0; i < search->count; i++) {
        const hypothesis *child = &search->items[i];
        if (child->length == h->length + 1 && child->parent == h->hash && child->last == c)
            return true;
    }
    return false;
}

/* h with each of the likeliest classes, until they are too unlikely to stay. */
static void grow(ting_ctc_beam *search, const hypothesis *h, const ting_real *row)
{
    for (int i = 0; i < search->top_count; i++) {
        const int c = search->top[i];
        if (c == search->options.blank || is_kept(search, h, c))
            continue;
        const hypothesis next = {.blank = NONE,
                                 .token = grown(h, c, (double)row[c]),
                                 .hash = ting_rng_at(h->hash, (uint64_t)(uint32_t)c),
                                 .parent = h->hash,
                                 .length = h->length + 1,
                                 .last = c,
                                 .fresh = true};
        if (!keep(search, next) && c != h->last)
            break;
    }
}

/* Emissions of the paths whose newest token began in this row, and room for more. */
static ting_err emit(ting_ctc_beam *search, const ting_real *row)
{
    ting_err err = TING_OK;
    for (int i = 0; i < search->count; i++) {
        search->ends[2 * i] = &search->items[i].blank.trace;
        search->ends[2 * i + 1] = &search->items[i].token.trace;
    }
    TRY(ting_trace_tidy(&search->trace, search->ends, 2 * search->count));
    for (int i = 0; i < search->count; i++) {
        hypothesis *h = &search->items[i];
        if (h->fresh)
            TRY(ting_trace_add(&search->trace, h->token.trace,
                               (ting_emission){h->last, search->rows, (double)row[h->last]}, &h->token.trace));
        h->fresh = false;
    }
out:
    return err;
}

static ting_err one_row(ting_ctc_beam *search, const ting_real *row, int classes)
{
    ting_err err = TING_OK;
    TRY(find_top(search, row, classes));
    search->next_count = 0;
    for (int i = 0; i < search->count; i++)
        keep(search, stay(search, &search->items[i], row));
    for (int i = 0; i < search->count; i++)
        grow(search, &search->items[i], row);
    hypothesis *swap = search->items;
    search->items = search->next;
    search->next = swap;
    search->count = search->next_count;
    TRY(emit(search, row));
    search->rows++;
out:
    return err;
}

ting_err ting_ctc_beam_accept(ting_ctc_beam *search, ting_tensor log_probs)
{
    ting_err err = TING_OK;
    if (search->options.blank < 0 || search->options.blank >= log_probs.cols)
        FAIL(TING_ERR_ARGUMENT, "blank is class %d, the rows have %d", search->options.blank, log_probs.cols);
    for (int t = 0; t < log_probs.rows; t++)
        TRY(one_row(search, ting_row(log_probs, t), log_probs.cols));
out:
    return err;
}

ting_err ting_ctc_beam_results(ting_ctc_beam *search, int most, const ting_decoded **out, int *count)
{
    size_t used = 0, wanted = 1;
    *count = most < search->count ? most : search->count;
    for (int i = 0; i < *count; i++)
        wanted += (size_t)search->items[i].length;
    if (ting_reserve(&search->emissions, 0, wanted, &search->room, sizeof *search->emissions) != TING_OK)
        return TING_ERR_MEMORY;
    for (int i = 0; i < *count; i++) {
        const hypothesis *h = &search->items[i];
        const int trace = h->blank.likely > h->token.likely ? h->blank.trace : h->token.trace;
        const int read = ting_trace_read(&search->trace, trace, h->length, search->emissions + used);
        search->results[i] = (ting_decoded){search->emissions + used, read, h->score};
        used += (size_t)read;
    }
    *out = search->results;
    return TING_OK;
}
