/* SPDX-License-Identifier: Apache-2.0 */
/*
 * p2h_read.c - see p2h_read.h. All sequences are cut into windows, which go through the network as ragged batches of a bounded size:
 * activations and logits exist for one batch at a time, whatever the length of the lines.
 */
#include "decode/p2h_read.h"

#include <math.h>
#include <string.h>

enum { WINDOW = 64, SIDE = 16, STRIDE = WINDOW - 2 * SIDE, BATCH = 16 /* windows */, ROWS = 256 };

typedef struct job {
    const ting_p2h_reader *reader;
    const ting_p2h_sequence *items;
    int count;
    double *scores; /* [characters] of the place at hand */
} job;

/* The windows of all sequences: window w shows syllables first[w] .. of sequence owner[w]. */
typedef struct windows {
    int count;
    int *owner, *first, *start; /* [count], [count], [count + 1] */
    int *ids;                   /* [start[count]] */
} windows;

static int window_count(int length)
{
    return length <= WINDOW ? 1 : 1 + (length - WINDOW + STRIDE - 1) / STRIDE;
}

static ting_err lay_windows(const job *j, windows *w)
{
    int total = 0;
    for (int i = 0; i < j->count; i++)
        w->count += window_count(j->items[i].count);
    w->owner = ting_arena_take(j->reader->arena, (size_t)w->count * sizeof(int));
    w->first = ting_arena_take(j->reader->arena, (size_t)w->count * sizeof(int));
    w->start = ting_arena_take(j->reader->arena, ((size_t)w->count + 1) * sizeof(int));
    w->ids = ting_arena_take(j->reader->arena, (size_t)w->count * WINDOW * sizeof(int));
    if (ting_arena_failed(j->reader->arena))
        return TING_ERR_MEMORY;
    int at = 0;
    for (int i = 0; i < j->count; i++) {
        const ting_p2h_sequence *item = &j->items[i];
        for (int k = 0; k < window_count(item->count); k++, at++) {
            int first = k * STRIDE;
            if (k > 0 && first + WINDOW > item->count)
                first = item->count - WINDOW;
            int length = item->count - first < WINDOW ? item->count - first : WINDOW;
            w->owner[at] = i;
            w->first[at] = first;
            w->start[at] = total;
            memcpy(w->ids + total, item->syllables + first, (size_t)length * sizeof(int));
            total += length;
        }
    }
    w->start[w->count] = total;
    return TING_OK;
}

static bool is_among(const int *list, int count, int character)
{
    int low = 0, high = count;
    while (low < high) {
        int middle = low + (high - low) / 2;
        if (list[middle] < character)
            low = middle + 1;
        else
            high = middle;
    }
    return low < count && list[low] == character;
}

/* Memory for the candidates of every place of a sequence, before any window is read. */
static ting_err lay_places(const job *j, const ting_p2h_sequence *item, ting_p2h_place **out)
{
    size_t total = 0;
    ting_p2h_place *places = ting_arena_take_zeroed(j->reader->arena, (size_t)item->count, sizeof *places);
    if (places == NULL)
        return TING_ERR_MEMORY;
    for (int t = 0; t < item->count; t++) {
        const int *allowed;
        int count = ting_p2h_allowed(&j->reader->model->tables, j->reader->limit, item->syllables[t], &allowed);
        if (count == 0) /* all */
            count = j->reader->model->tables.characters - TING_P2H_FIRST;
        places[t].room = count < j->reader->keep ? count : j->reader->keep;
        total += (size_t)places[t].room;
    }
    int *characters = ting_arena_take(j->reader->arena, total * sizeof *characters);
    double *log_probs = ting_arena_take(j->reader->arena, total * sizeof *log_probs);
    if (ting_arena_failed(j->reader->arena))
        return TING_ERR_MEMORY;
    for (int t = 0; t < item->count; t++) {
        places[t].characters = characters;
        places[t].log_probs = log_probs;
        characters += places[t].room;
        log_probs += places[t].room;
    }
    *out = places;
    return TING_OK;
}

/* What the network says of a character: of the logits of all, where they were computed, else by its row of the output layer. */
static double score_of(const job *j, const ting_linear_params *output, const ting_real *hidden, const ting_real *logits, int character)
{
    if (logits != NULL)
        return (double)logits[character];
    const ting_tensor weight = output->weight->t;
    return (double)(output->bias->t.data[character] + j->reader->kern->dot(weight.cols, hidden, ting_row(weight, character)));
}

/* The allowed characters of one place with normalised log-probabilities. logits NULL: of few. */
static ting_err fill_place(const job *j, int syllable, const ting_real *hidden, const ting_real *logits, ting_p2h_place *p)
{
    const ting_linear_params output = ting_p2h_net_output(j->reader->model->net);
    const ting_p2h_tables *tables = &j->reader->model->tables;
    const double other_tone = j->reader->other_tone;
    const int *allowed = NULL, *exact = NULL;
    int count = ting_p2h_allowed(tables, j->reader->limit, syllable, &allowed);
    const int exact_count = other_tone == 0 ? 0 : ting_p2h_allowed(tables, TING_P2H_EXACT, syllable, &exact);
    const bool all = count == 0;
    if (all)
        count = tables->characters - TING_P2H_FIRST;
    double *scores = j->scores;
    double most = -INFINITY, sum = 0;
    for (int i = 0; i < count; i++) {
        int character = all ? TING_P2H_FIRST + i : allowed[i];
        scores[i] = score_of(j, &output, hidden, logits, character);
        if (exact_count > 0 && !is_among(exact, exact_count, character))
            scores[i] += other_tone;
        most = fmax(most, scores[i]);
    }
    for (int i = 0; i < count; i++)
        sum += exp(scores[i] - most);
    if (!isfinite(sum) || !isfinite(most))
        return ting_fail(TING_ERR_NUMERIC, "the pinyin-to-hanzi network gives values that are not finite");
    for (int i = 0; i < count; i++)
        ting_p2h_place_offer(p, all ? TING_P2H_FIRST + i : allowed[i], scores[i] - most - log(sum), (ting_p2h_origin){0});
    return TING_OK;
}

/* Distance of a place from the nearer cut edge of its window: edges of the sequence are no cuts. */
static int view(const windows *w, int window, int length, int t)
{
    int first = w->first[window], size = w->start[window + 1] - w->start[window];
    int left = first == 0 ? length : t - first;
    int right = first + size == length ? length : first + size - 1 - t;
    return left < right ? left : right;
}

/* Whether another window shows more around place t of window i's sequence; the earlier of two equal ones is taken. */
static bool is_better_elsewhere(const windows *w, int i, int length, int t)
{
    const int here = view(w, i, length, t);
    for (int k = i - 2; k <= i + 2; k++) {
        if (k == i || k < 0 || k >= w->count || w->owner[k] != w->owner[i] || t < w->first[k] ||
            t >= w->first[k] + w->start[k + 1] - w->start[k])
            continue;
        int there = view(w, k, length, t);
        if (there > here || (there == here && k < i))
            return true;
    }
    return false;
}

/* Runs the network on windows `from` .. `to` - 1 and fills their places; gives back what it took. */
static ting_err read_batch(const job *j, const windows *w, int from, int to, ting_p2h_place **places)
{
    ting_err err = TING_OK;
    int start[BATCH + 1];
    ting_arena_mark mark = ting_arena_tell(j->reader->arena);
    ting_ctx ctx = {.arena = j->reader->arena, .pool = j->reader->pool, .kern = j->reader->kern};
    if (w->start[to] == w->start[from]) /* empty sequences alone */
        return TING_OK;
    for (int i = from; i <= to; i++)
        start[i - from] = w->start[i] - w->start[from];
    ting_tensor hidden =
        ting_p2h_net_forward(&ctx, j->reader->model->net, w->ids + w->start[from], (ting_segments){to - from, start});
    ting_tensor logits = {0}; /* of all characters where all may be meant, else of few at each place */
    if (j->reader->limit == TING_P2H_FREE)
        logits = ting_p2h_net_logits(&ctx, j->reader->model->net, hidden);
    TRY(ctx.err);
    for (int i = from; i < to; i++) {
        const ting_p2h_sequence *item = &j->items[w->owner[i]];
        for (int row = w->start[i]; row < w->start[i + 1]; row++) {
            int t = w->first[i] + row - w->start[i];
            if (!is_better_elsewhere(w, i, item->count, t))
                TRY(fill_place(j, item->syllables[t], ting_row(hidden, row - w->start[from]),
                               logits.rows > 0 ? ting_row(logits, row - w->start[from]) : NULL, &places[w->owner[i]][t]));
        }
    }
out:
    if (!ting_arena_failed(j->reader->arena))
        ting_arena_rewind(j->reader->arena, mark);
    return err;
}

ting_err ting_p2h_read(const ting_p2h_reader *reader, const ting_p2h_sequence *items, int count, ting_p2h_place **places)
{
    ting_err err = TING_OK;
    windows w = {0};
    job j = {.reader = reader, .items = items, .count = count};
    j.scores = ting_arena_take(reader->arena, (size_t)reader->model->tables.characters * sizeof *j.scores);
    TRY(j.scores != NULL ? TING_OK : TING_ERR_MEMORY);
    for (int i = 0; i < count; i++)
        TRY(lay_places(&j, &items[i], &places[i]));
    TRY(lay_windows(&j, &w));
    for (int from = 0, to; from < w.count; from = to) {
        for (to = from + 1; to < w.count && to - from < BATCH && w.start[to + 1] - w.start[from] <= ROWS;)
            to++;
        TRY(read_batch(&j, &w, from, to, places));
    }
out:
    return err;
}
