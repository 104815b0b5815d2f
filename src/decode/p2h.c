/* SPDX-License-Identifier: Apache-2.0 */
/* p2h.c - see p2h.h. All sequences go through the network in one ragged batch of windows. */
#include "decode/p2h.h"

#include "decode/s2s.h"

#include <math.h>
#include <string.h>

enum { WINDOW = 64, SIDE = 16, STRIDE = WINDOW - 2 * SIDE, RANKED_MAX = 64 };

/* Candidates of one place, best first. */
typedef struct place {
    int count;
    int *characters;   /* [count] */
    double *log_probs; /* [count] */
} place;

typedef struct job {
    const ting_p2h_model *model;
    const ting_kern *kern;
    ting_pool *pool;
    ting_arena *arena;
    const ting_p2h_options *options;
    const ting_p2h_input *inputs;
    int input_count;
    int keep; /* candidates worth ranking at each place */
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
    for (int i = 0; i < j->input_count; i++)
        w->count += window_count(j->inputs[i].count);
    w->owner = ting_arena_take(j->arena, (size_t)w->count * sizeof(int));
    w->first = ting_arena_take(j->arena, (size_t)w->count * sizeof(int));
    w->start = ting_arena_take(j->arena, ((size_t)w->count + 1) * sizeof(int));
    w->ids = ting_arena_take(j->arena, (size_t)w->count * WINDOW * sizeof(int));
    if (ting_arena_failed(j->arena))
        return TING_ERR_MEMORY;
    int at = 0;
    for (int i = 0; i < j->input_count; i++) {
        const ting_p2h_input *input = &j->inputs[i];
        for (int k = 0; k < window_count(input->count); k++, at++) {
            int first = k * STRIDE;
            if (k > 0 && first + WINDOW > input->count)
                first = input->count - WINDOW;
            int length = input->count - first < WINDOW ? input->count - first : WINDOW;
            w->owner[at] = i;
            w->first[at] = first;
            w->start[at] = total;
            memcpy(w->ids + total, input->syllables + first, (size_t)length * sizeof(int));
            total += length;
        }
    }
    w->start[w->count] = total;
    return TING_OK;
}

/* Insertion into a short list kept in falling order; earlier characters win ties. */
static void rank(place *p, int room, int character, double score)
{
    if (p->count == room && p->log_probs[room - 1] >= score)
        return;
    int at = p->count < room ? p->count++ : room - 1;
    for (; at > 0 && p->log_probs[at - 1] < score; at--) {
        p->characters[at] = p->characters[at - 1];
        p->log_probs[at] = p->log_probs[at - 1];
    }
    p->characters[at] = character;
    p->log_probs[at] = score;
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

/* The allowed characters of one place with normalised log-probabilities. */
static ting_err fill_place(const job *j, int syllable, const ting_real *logits, place *p)
{
    const ting_p2h_tables *tables = &j->model->tables;
    const double other_tone = j->options->other_tone;
    const int *allowed = NULL, *exact = NULL;
    int count = ting_p2h_allowed(tables, j->options->limit, syllable, &allowed);
    const int exact_count = other_tone == 0 ? 0 : ting_p2h_allowed(tables, TING_P2H_EXACT, syllable, &exact);
    const bool all = count == 0;
    if (all)
        count = tables->characters - TING_P2H_FIRST;
    const int room = count < j->keep ? count : j->keep;
    double *scores = ting_arena_take(j->arena, (size_t)count * sizeof *scores);
    p->characters = ting_arena_take(j->arena, (size_t)room * sizeof *p->characters);
    p->log_probs = ting_arena_take(j->arena, (size_t)room * sizeof *p->log_probs);
    if (ting_arena_failed(j->arena))
        return TING_ERR_MEMORY;
    double most = -INFINITY, sum = 0;
    for (int i = 0; i < count; i++) {
        int character = all ? TING_P2H_FIRST + i : allowed[i];
        scores[i] = (double)logits[character];
        if (exact_count > 0 && !is_among(exact, exact_count, character))
            scores[i] += other_tone;
        most = fmax(most, scores[i]);
    }
    for (int i = 0; i < count; i++)
        sum += exp(scores[i] - most);
    if (!isfinite(sum) || !isfinite(most))
        return ting_fail(TING_ERR_NUMERIC, "the pinyin-to-hanzi network gives values that are not finite");
    for (int i = 0; i < count; i++)
        rank(p, room, all ? TING_P2H_FIRST + i : allowed[i], scores[i] - most - log(sum));
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

/* Runs the network and fills places[i][t] for each sequence. */
static ting_err read_places(const job *j, const windows *w, place **places)
{
    ting_err err = TING_OK;
    ting_ctx ctx = {.arena = j->arena, .pool = j->pool, .kern = j->kern};
    ting_tensor hidden =
        ting_p2h_net_forward(&ctx, j->model->net, w->ids, (ting_segments){w->count, w->start});
    ting_tensor logits = ting_p2h_net_logits(&ctx, j->model->net, hidden);
    TRY(ctx.err);
    for (int i = 0; i < w->count; i++) {
        const ting_p2h_input *input = &j->inputs[w->owner[i]];
        for (int row = w->start[i]; row < w->start[i + 1]; row++) {
            int t = w->first[i] + row - w->start[i];
            bool better_elsewhere = false;
            for (int k = i - 2; k <= i + 2; k++)
                if (k != i && k >= 0 && k < w->count && w->owner[k] == w->owner[i] &&
                    t >= w->first[k] && t < w->first[k] + w->start[k + 1] - w->start[k]) {
                    int here = view(w, i, input->count, t), there = view(w, k, input->count, t);
                    better_elsewhere |= there > here || (there == here && k < i);
                }
            if (!better_elsewhere)
                TRY(fill_place(j, input->syllables[t], ting_row(logits, row),
                               &places[w->owner[i]][t]));
        }
    }
out:
    return err;
}

/* A partial line of the n best: which earlier one it prolongs, with which candidate. */
typedef struct node {
    double score;
    int before, choice;
} node;

/* The n best sums over places: after each place the n best beginnings, each from the n best before. */
static ting_err best_lines(const job *j, int input, const place *places, ting_p2h_line *lines,
                           int *line_count)
{
    const int length = j->inputs[input].count, want = j->options->nbest;
    node *nodes = ting_arena_take(j->arena, (size_t)length * (size_t)want * sizeof *nodes);
    int *counts = ting_arena_take(j->arena, (size_t)length * sizeof *counts);
    int *next = ting_arena_take(j->arena, (size_t)want * sizeof *next);
    if (ting_arena_failed(j->arena))
        return TING_ERR_MEMORY;
    const node root = {.score = j->options->input_weight * j->inputs[input].score, .before = -1};
    for (int t = 0; t < length; t++) {
        const node *before = t == 0 ? &root : nodes + (size_t)(t - 1) * (size_t)want;
        const int before_count = t == 0 ? 1 : counts[t - 1];
        node *here = nodes + (size_t)t * (size_t)want;
        memset(next, 0,
               (size_t)want * sizeof *next); /* next[b]: the best candidate not yet used behind b */
        for (counts[t] = 0; counts[t] < want; counts[t]++) {
            int best = -1;
            double best_score = -INFINITY;
            for (int b = 0; b < before_count; b++) {
                double score = next[b] < places[t].count
                                   ? before[b].score + places[t].log_probs[next[b]]
                                   : -INFINITY;
                if (score > best_score) {
                    best = b;
                    best_score = score;
                }
            }
            if (best < 0)
                break;
            here[counts[t]] = (node){best_score, best, next[best]++};
        }
    }
    const int found = length == 0 ? 1 : counts[length - 1];
    for (int i = 0; i < found; i++) {
        ting_p2h_line *line = &lines[(*line_count)++];
        *line = (ting_p2h_line){.count = length, .input = input, .score = root.score};
        line->characters = ting_arena_take(j->arena, (size_t)length * sizeof(int));
        if (line->characters == NULL)
            return TING_ERR_MEMORY;
        for (int t = length - 1, at = i; t >= 0; t--) {
            const node *n = &nodes[(size_t)t * (size_t)want + (size_t)at];
            if (t == length - 1)
                line->score = n->score;
            line->characters[t] = places[t].characters[n->choice];
            at = n->before;
        }
    }
    return TING_OK;
}

static bool same_line(const ting_p2h_line *a, const ting_p2h_line *b)
{
    return a->count == b->count && (a->count == 0 || memcmp(a->characters, b->characters,
                                                            (size_t)a->count * sizeof(int)) == 0);
}

int ting_p2h_lines_sort(ting_p2h_line *lines, int count, int nbest)
{
    for (int i = 1; i < count; i++) {
        ting_p2h_line line = lines[i];
        int at = i;
        for (; at > 0 && lines[at - 1].score < line.score; at--)
            lines[at] = lines[at - 1];
        lines[at] = line;
    }
    int kept = 0;
    for (int i = 0; i < count && kept < nbest; i++) {
        bool known = false;
        for (int k = 0; k < kept; k++)
            known |= same_line(&lines[k], &lines[i]);
        if (!known)
            lines[kept++] = lines[i];
    }
    return kept;
}

static ting_err list_alternatives(const job *j, const place *places, ting_p2h_page *out)
{
    const int width = j->options->alternatives;
    const ting_p2h_line *line = &out->lines[0];
    out->alternatives =
        ting_arena_take(j->arena, (size_t)line->count * (size_t)width * sizeof(int));
    if (out->alternatives == NULL)
        return TING_ERR_MEMORY;
    for (int t = 0; t < line->count; t++) {
        int used = 0;
        int *row = out->alternatives + (size_t)t * (size_t)width;
        for (int i = 0; i < places[t].count && used < width; i++)
            if (places[t].characters[i] != line->characters[t])
                row[used++] = places[t].characters[i];
        while (used < width)
            row[used++] = -1;
    }
    return TING_OK;
}

ting_err ting_p2h_decode(const ting_p2h_model *model, const ting_kern *kern, ting_pool *pool,
                         ting_arena *arena, const ting_p2h_options *options,
                         const ting_p2h_input *inputs, int input_count, ting_p2h_page *out)
{
    ting_err err = TING_OK;
    windows w = {0};
    *out = (ting_p2h_page){0};
    if (input_count < 1 || options->nbest < 1 || options->alternatives < 0)
        FAIL(TING_ERR_ARGUMENT,
             "pinyin to hanzi: %d sequences, %d lines and %d alternatives wanted", input_count,
             options->nbest, options->alternatives);
    job j = {.model = model,
             .kern = kern,
             .pool = pool,
             .arena = arena,
             .options = options,
             .inputs = inputs,
             .input_count = input_count};
    if (model->s2s != NULL)
        return ting_s2s_search(model, kern, pool, arena, options, inputs, input_count, out);
    j.keep =
        options->nbest > options->alternatives + 1 ? options->nbest : options->alternatives + 1;
    j.keep = j.keep < RANKED_MAX ? j.keep : RANKED_MAX;
    place **places = ting_arena_take_zeroed(arena, (size_t)input_count, sizeof *places);
    for (int i = 0; i < input_count && places != NULL; i++)
        places[i] = ting_arena_take_zeroed(arena, (size_t)inputs[i].count, sizeof **places);
    out->lines = ting_arena_take_zeroed(arena, (size_t)input_count * (size_t)options->nbest,
                                        sizeof *out->lines);
    if (ting_arena_failed(arena)) {
        err = TING_ERR_MEMORY;
        goto out;
    }
    TRY(lay_windows(&j, &w));
    if (w.start[w.count] > 0)
        TRY(read_places(&j, &w, places));
    for (int i = 0; i < input_count; i++)
        TRY(best_lines(&j, i, places[i], out->lines, &out->line_count));
    out->line_count = ting_p2h_lines_sort(out->lines, out->line_count, options->nbest);
    TRY(list_alternatives(&j, places[out->lines[0].input], out));
out:
    return err;
}
