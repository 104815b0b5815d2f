/* SPDX-License-Identifier: Apache-2.0 */
/* forced_align.c - see forced_align.h. Back pointers are a byte a state, of the states that were alive in each row alone. */
#include "decode/forced_align.h"

#include "base/mem.h"
#include "decode/ctc_row.h"
#include "decode/predictor_cache.h" /* how a context begins */

#include <math.h>
#include <string.h>

enum { ROWS_AT_ONCE = 256, /* through the head or the encoder's projection */
       ROWS_UNASKED = 32 }; /* from one question whether to go on to the next: a few tenths of a second of the longest searches */
static const size_t most_bytes = (size_t)512 << 20;     /* of back pointers */

/* Where a state comes from: STAY, itself; of a transducer's node FROM + k, the k-th node before it. Of a CTC token FROM + 2 k the
 * token, FROM + 2 k + 1 the blank of the k-th node before it; of a CTC blank FROM, its token. A byte is enough: at most 8 paths end in
 * 8 contexts that lead to one node. */
enum { STAY = 0, FROM = 1 };

typedef struct band { /* nodes that were alive in a row */
    int first, count;
    size_t at; /* of their back pointers: [count, states] */
} band;

typedef struct lattice {
    ting_ctx *ctx;
    const ting_am_net *net;
    const ting_forced_align_options *options;
    bool ctc;
    ting_real *predicted;        /* [nodes, joiner_dim] the predictor's row after each node; NULL: CTC */
    const ting_align_graph *graph;
    int states, vocab, blank;    /* states of a node: 2 of CTC, their token and their blank; 1 of a transducer */
    double *now, *next;          /* [nodes, states] log-probabilities, in the band alone */
    int first, count;            /* the band of `now` */
    band *bands;                 /* [rows] */
    unsigned char *back;         /* [back_room] */
    size_t back_count, back_room;
} lattice;

/* Rows first .. of the encoder, as far as they go at once, as the head takes them: CTC logits [n, vocab], or projected [n, joiner_dim]. */
static ting_tensor take_rows(const lattice *l, ting_tensor rows, int first, int most)
{
    const ting_tensor part = ting_rows(rows, first, rows.rows - first < most ? rows.rows - first : most);
    return l->ctc ? ting_ctc_head_logits(l->ctx, &l->net->ctc, part)
                     : ting_transducer_project_encoder(l->ctx, l->net->transducer, part);
}

/* Log-probabilities [count, vocab] in row t of what take_rows gave, after nodes first .. first + count - 1. Of CTC one row for all. */
static ting_err score_nodes(const lattice *l, ting_tensor heads, int t, int first, int count, ting_tensor *out)
{
    ting_err err = TING_OK;
    if (l->ctc) {
        *out = ting_ctx_constant(l->ctx, 1, l->vocab);
        TRY(l->ctx->err);
        ting_ctc_row(l->ctx, heads, t, l->vocab, l->blank, 0, out->data);
    } else {
        const int dim = l->net->config.transducer.joiner_dim;
        const ting_tensor d = {.data = l->predicted + (size_t)first * (size_t)dim, .rows = count, .cols = dim, .ld = dim};
        *out = ting_transducer_join(l->ctx, l->net->transducer, ting_rows(heads, t, 1), d);
        TRY(l->ctx->err);
        for (int i = 0; i < count; i++)
            l->ctx->kern->log_softmax(l->vocab, ting_row(*out, i), ting_row(*out, i));
    }
out:
    return err;
}

static bool alive(const lattice *l, int node)
{
    return node >= l->first && node < l->first + l->count;
}

static void offer(double total, int from, double *best, unsigned char *back)
{
    if (total > *best) {
        *best = total;
        *back = (unsigned char)from;
    }
}

static void step_transducer(const lattice *l, ting_tensor scores, int m, double *best, unsigned char *back)
{
    const ting_align_node *node = &l->graph->nodes[m];
    *best = -INFINITY;
    *back = STAY;
    if (alive(l, m))
        offer(l->now[m] + (double)ting_row(scores, m - l->first)[l->blank], STAY, best, back);
    for (int k = 0; k < node->from_count; k++) {
        const int n = l->graph->from[node->from + k];
        if (alive(l, n))
            offer(l->now[n] + (double)ting_row(scores, n - l->first)[node->token], FROM + k, best, back);
    }
}

static void step_ctc(const lattice *l, ting_tensor scores, int m, double best[2], unsigned char back[2])
{
    const ting_align_node *node = &l->graph->nodes[m];
    best[0] = best[1] = -INFINITY;
    back[0] = back[1] = STAY;
    if (alive(l, m)) {
        offer(l->now[2 * m], STAY, &best[0], &back[0]);
        offer(l->now[2 * m + 1], STAY, &best[1], &back[1]);
        offer(l->now[2 * m], FROM, &best[1], &back[1]);
    }
    for (int k = 0; k < node->from_count; k++) {
        const int n = l->graph->from[node->from + k];
        if (!alive(l, n))
            continue;
        if (l->graph->nodes[n].token != node->token)
            offer(l->now[2 * n], FROM + 2 * k, &best[0], &back[0]);
        offer(l->now[2 * n + 1], FROM + 2 * k + 1, &best[0], &back[0]);
    }
    best[0] += node->token >= 0 ? (double)scores.data[node->token] : -INFINITY;
    best[1] += (double)scores.data[l->blank];
}

static double best_of(const lattice *l, const double *totals, int node)
{
    return l->ctc ? fmax(totals[2 * node], totals[2 * node + 1]) : totals[node];
}

/* The band after a row: first .. last, without the edges that are `beam` behind. */
static ting_err take_band(lattice *l, int row, int last)
{
    ting_err err = TING_OK;
    const double beam = l->options->beam;
    int first = l->first;
    double best = -INFINITY;
    for (int n = first; n <= last; n++)
        best = fmax(best, best_of(l, l->next, n));
    if (!isfinite(best))
        FAIL(TING_ERR_NUMERIC, "the scores at encoder row %d are not finite", row);
    while (best_of(l, l->next, first) < best - beam)
        first++;
    while (best_of(l, l->next, last) < best - beam)
        last--;
    /* what was dropped in front keeps its room: bands are small */
    l->bands[row] = (band){l->first, last - l->first + 1, l->bands[row].at};
    l->back_count = l->bands[row].at + (size_t)(last - l->first + 1) * (size_t)l->states;
    l->first = first;
    l->count = last - first + 1;
out:
    return err;
}

/* One row: `now` to `next`, and its back pointers. */
static ting_err one_row(lattice *l, ting_tensor heads, int t, int row)
{
    ting_err err = TING_OK;
    const ting_arena_mark mark = ting_arena_tell(l->ctx->arena);
    const int reach = l->graph->nodes[l->first + l->count - 1].reach;
    const size_t states = (size_t)l->states, most = (size_t)(reach - l->first + 1) * states;
    ting_tensor scores;
    TRY(score_nodes(l, heads, t, l->first, l->count, &scores));
    TRY(ting_reserve(&l->back, l->back_count, most, &l->back_room, 1));
    l->bands[row].at = l->back_count;
    for (int m = l->first; m <= reach; m++) {
        unsigned char *back = l->back + l->back_count + (size_t)(m - l->first) * states;
        if (l->ctc)
            step_ctc(l, scores, m, l->next + 2 * m, back);
        else
            step_transducer(l, scores, m, l->next + m, back);
    }
    TRY(take_band(l, row, reach));
    if (l->back_count > most_bytes)
        FAIL(TING_ERR_UNSUPPORTED, "the text and the sound are too long to be aligned at once: %zu MiB of back pointers at encoder row %d, "
             "expected at most %zu: cut them", l->back_count >> 20, row, most_bytes >> 20);
    double *old = l->now;
    l->now = l->next;
    l->next = old;
out:
    ting_arena_rewind(l->ctx->arena, mark);
    return err;
}

static ting_err search(lattice *l, ting_tensor rows)
{
    ting_err err = TING_OK;
    const ting_arena_mark start = ting_arena_tell(l->ctx->arena);
    l->now[0] = -INFINITY;
    l->now[l->states - 1] = 0; /* before the first row: nothing was said */
    l->first = 0;
    l->count = 1;
    for (int row = 0; row < rows.rows;) {
        const ting_tensor heads = take_rows(l, rows, row, ROWS_AT_ONCE);
        TRY(l->ctx->err);
        for (int t = 0; t < heads.rows; t++, row++) {
            if (l->options->go_on != NULL && row % ROWS_UNASKED == 0)
                TRY(l->options->go_on(l->options->self));
            TRY(one_row(l, heads, t, row));
        }
        ting_arena_rewind(l->ctx->arena, start);
    }
out:
    ting_arena_rewind(l->ctx->arena, start);
    return err;
}

typedef struct run { /* of one token: the rows in which it lasts, and the node before it */
    int node, before, first, last;
} run;

/* Node and state in which the likeliest alignment ends. Errors: not found. */
static ting_err find_end(const lattice *l, int *node, int *state, double *log_prob)
{
    ting_err err = TING_OK;
    *log_prob = -INFINITY;
    for (int i = 0; i < l->graph->end_count; i++) {
        const int n = l->graph->ends[i];
        for (int s = 0; s < l->states && alive(l, n); s++) {
            if (l->now[n * l->states + s] <= *log_prob)
                continue;
            *log_prob = l->now[n * l->states + s];
            *node = n;
            *state = s;
        }
    }
    if (*log_prob == -INFINITY)
        FAIL(TING_ERR_NOT_FOUND, "the text does not fit the sound: no alignment reaches its end");
out:
    return err;
}

/* Follows the back pointers; runs [tokens] from the last one. Returns how many. */
static int trace(const lattice *l, int row_count, int node, int state, run *runs)
{
    int count = 0, last = row_count - 1;
    for (int row = row_count - 1; row >= 0; row--) {
        const band *b = &l->bands[row];
        const int back = l->back[b->at + (size_t)(node - b->first) * (size_t)l->states + (size_t)state];
        if (back == STAY)
            continue;
        if (l->ctc && state == 1) {
            state = 0;
            last = row - 1;
            continue;
        }
        const int k = l->ctc ? (back - FROM) / 2 : back - FROM, before = l->graph->from[l->graph->nodes[node].from + k];
        state = l->ctc ? (back - FROM) % 2 : 0;
        runs[count++] = (run){node, before, row, l->ctc ? last : row};
        last = row - 1;
        node = before;
    }
    return count;
}

/* The likeliest row of a run. */
static ting_err emit(lattice *l, ting_tensor rows, const run *r, ting_emission *out)
{
    ting_err err = TING_OK;
    const ting_arena_mark mark = ting_arena_tell(l->ctx->arena);
    const int token = l->graph->nodes[r->node].token;
    *out = (ting_emission){.token = token, .log_prob = -INFINITY};
    for (int i = 0; i < TING_RIVALS; i++)
        out->rivals[i].token = -1;
    for (int row = r->first; row <= r->last; row++) {
        ting_tensor scores;
        const ting_tensor head = take_rows(l, rows, row, 1);
        TRY(l->ctx->err);
        TRY(score_nodes(l, head, 0, r->before, 1, &scores));
        if ((double)scores.data[token] > out->log_prob) {
            out->log_prob = (double)scores.data[token];
            out->row = row;
        }
        ting_arena_rewind(l->ctx->arena, mark);
    }
out:
    ting_arena_rewind(l->ctx->arena, mark);
    return err;
}

static ting_err read_back(lattice *l, ting_tensor rows, int places, ting_forced_alignment *out)
{
    ting_err err = TING_OK;
    int node = 0, state = 0;
    run *runs = NULL;
    TRY(find_end(l, &node, &state, &out->log_prob));
    runs = ting_alloc((size_t)rows.rows, sizeof *runs);
    out->paths = ting_alloc((size_t)places, sizeof *out->paths);
    out->firsts = ting_alloc((size_t)places, sizeof *out->firsts);
    if (runs == NULL || out->paths == NULL || out->firsts == NULL)
        FAIL(TING_ERR_MEMORY, "out of memory for an alignment of %d places", places);
    out->count = trace(l, rows.rows, node, state, runs);
    out->emissions = ting_alloc((size_t)out->count, sizeof *out->emissions);
    if (out->emissions == NULL)
        FAIL(TING_ERR_MEMORY, "out of memory for an alignment of %d tokens", out->count);
    for (int i = 0; i < out->count; i++) {
        const run *r = &runs[out->count - 1 - i];
        const ting_align_node *said = &l->graph->nodes[r->node], *before = &l->graph->nodes[r->before];
        if (said->place != before->place)
            out->firsts[said->place] = i;
        out->paths[said->place] = said->path;
        TRY(emit(l, rows, r, &out->emissions[i]));
    }
out:
    ting_free(runs);
    return err;
}

/* The predictor's rows for all nodes: a text has few, and each is asked in a hundred rows of the sound. */
static ting_err predict(lattice *l)
{
    ting_err err = TING_OK;
    const ting_arena_mark mark = ting_arena_tell(l->ctx->arena);
    const ting_transducer_config *config = &l->net->config.transducer;
    const size_t width = (size_t)config->context, dim = (size_t)config->joiner_dim;
    l->predicted = ting_alloc_unset((size_t)l->graph->count * dim * sizeof *l->predicted);
    if (l->predicted == NULL)
        FAIL(TING_ERR_MEMORY, "out of memory to align a text of %d tokens", l->graph->count);
    for (int first = 0; first < l->graph->count; first += ROWS_AT_ONCE) {
        const int count = l->graph->count - first < ROWS_AT_ONCE ? l->graph->count - first : ROWS_AT_ONCE;
        int *contexts = ting_ctx_ints(l->ctx, count * config->context);
        for (int i = 0; i < count && contexts != NULL; i++)
            memcpy(contexts + (size_t)i * width, l->graph->nodes[first + i].context, width * sizeof *contexts);
        const ting_tensor d = ting_transducer_contexts(l->ctx, l->net->transducer, contexts, count);
        TRY(l->ctx->err);
        for (int i = 0; i < count; i++)
            memcpy(l->predicted + (size_t)(first + i) * dim, ting_row(d, i), dim * sizeof *l->predicted);
        ting_arena_rewind(l->ctx->arena, mark);
    }
out:
    ting_arena_rewind(l->ctx->arena, mark);
    return err;
}

static ting_err lattice_make(ting_ctx *ctx, const ting_am_net *net, const ting_forced_align_options *options,
                             const ting_align_graph *graph, int rows, lattice *l)
{
    ting_err err = TING_OK;
    const bool ctc = options->ctc;
    *l = (lattice){.ctx = ctx, .net = net, .options = options, .graph = graph, .ctc = ctc, .states = ctc ? 2 : 1,
                   .vocab = ting_am_vocab(&net->config), .blank = ting_am_blank(&net->config)};
    const size_t totals = (size_t)graph->count * (size_t)l->states;
    l->now = ting_alloc(totals, sizeof *l->now);
    l->next = ting_alloc(totals, sizeof *l->next);
    l->bands = ting_alloc((size_t)rows, sizeof *l->bands);
    if (l->now == NULL || l->next == NULL || l->bands == NULL)
        FAIL(TING_ERR_MEMORY, "out of memory to align %d rows with %d tokens", rows, graph->count);
    if (!ctc)
        TRY(predict(l));
out:
    return err;
}

static void lattice_free(lattice *l)
{
    ting_free(l->predicted);
    ting_free(l->now);
    ting_free(l->next);
    ting_free(l->bands);
    ting_free(l->back);
}

ting_err ting_forced_align(ting_ctx *ctx, const ting_am_net *net, const ting_forced_align_options *options, ting_tensor rows,
                           const ting_align_place *places, int count, ting_forced_alignment *out)
{
    ting_err err = TING_OK;
    const bool ctc = options->ctc;
    int start[TING_TRANSDUCER_MAX_CONTEXT] = {-1};
    ting_align_graph graph = {0};
    lattice l = {0};
    *out = (ting_forced_alignment){0};
    if (!ctc)
        ting_predictor_start(net->transducer, net->config.transducer.blank, start);
    TRY(ting_align_graph_make(places, count, ctc ? 1 : net->config.transducer.context, start, &graph));
    if (graph.shortest > rows.rows)
        FAIL(TING_ERR_ARGUMENT, "the text is too long for the sound: %d tokens, but the sound has %d rows, expected at least one for each "
             "token", graph.shortest, rows.rows);
    TRY(lattice_make(ctx, net, options, &graph, rows.rows, &l));
    TRY(search(&l, rows));
    TRY(read_back(&l, rows, count, out));
out:
    lattice_free(&l);
    ting_align_graph_free(&graph);
    if (err != TING_OK)
        ting_forced_alignment_free(out);
    return err;
}

void ting_forced_alignment_free(ting_forced_alignment *alignment)
{
    ting_free(alignment->emissions);
    ting_free(alignment->paths);
    ting_free(alignment->firsts);
    *alignment = (ting_forced_alignment){0};
}
