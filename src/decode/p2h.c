/* SPDX-License-Identifier: Apache-2.0 */
/*
 * p2h.c - see p2h.h. All sequences are cut into windows, which go through the network as ragged batches of a bounded size:
 * activations and logits exist for one batch at a time, whatever the length of the lines.
 */
#include "decode/p2h.h"

#include "decode/best_sums.h"
#include "decode/s2s.h"

#include <math.h>
#include <string.h>

enum { WINDOW = 64, SIDE = 16, STRIDE = WINDOW - 2 * SIDE, RANKED_MAX = 64, BATCH = 16 /* windows */ };

/* Candidates of one place, best first. */
typedef struct place {
    int count, room;
    int *characters;   /* [room] */
    double *log_probs; /* [room] */
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
static void rank(place *p, int character, double score)
{
    if (p->count == p->room && p->log_probs[p->room - 1] >= score)
        return;
    int at = p->count < p->room ? p->count++ : p->room - 1;
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

/* Memory for the candidates of every place of a sequence, before any window is read. */
static ting_err lay_places(const job *j, const ting_p2h_input *input, place **out)
{
    size_t total = 0;
    place *places = ting_arena_take_zeroed(j->arena, (size_t)input->count, sizeof *places);
    if (places == NULL)
        return TING_ERR_MEMORY;
    for (int t = 0; t < input->count; t++) {
        const int *allowed;
        int count = ting_p2h_allowed(&j->model->tables, j->options->limit, input->syllables[t], &allowed);
        if (count == 0) /* all */
            count = j->model->tables.characters - TING_P2H_FIRST;
        places[t].room = count < j->keep ? count : j->keep;
        total += (size_t)places[t].room;
    }
    int *characters = ting_arena_take(j->arena, total * sizeof *characters);
    double *log_probs = ting_arena_take(j->arena, total * sizeof *log_probs);
    if (ting_arena_failed(j->arena))
        return TING_ERR_MEMORY;
    for (int t = 0; t < input->count; t++) {
        places[t].characters = characters;
        places[t].log_probs = log_probs;
        characters += places[t].room;
        log_probs += places[t].room;
    }
    *out = places;
    return TING_OK;
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
    double *scores = j->scores;
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
        rank(p, all ? TING_P2H_FIRST + i : allowed[i], scores[i] - most - log(sum));
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
static ting_err read_batch(const job *j, const windows *w, int from, int to, place **places)
{
    ting_err err = TING_OK;
    int start[BATCH + 1];
    ting_arena_mark mark = ting_arena_tell(j->arena);
    ting_ctx ctx = {.arena = j->arena, .pool = j->pool, .kern = j->kern};
    if (w->start[to] == w->start[from]) /* empty sequences alone */
        return TING_OK;
    for (int i = from; i <= to; i++)
        start[i - from] = w->start[i] - w->start[from];
    ting_tensor hidden =
        ting_p2h_net_forward(&ctx, j->model->net, w->ids + w->start[from], (ting_segments){to - from, start});
    ting_tensor logits = ting_p2h_net_logits(&ctx, j->model->net, hidden);
    TRY(ctx.err);
    for (int i = from; i < to; i++) {
        const ting_p2h_input *input = &j->inputs[w->owner[i]];
        for (int row = w->start[i]; row < w->start[i + 1]; row++) {
            int t = w->first[i] + row - w->start[i];
            if (!is_better_elsewhere(w, i, input->count, t))
                TRY(fill_place(j, input->syllables[t], ting_row(logits, row - w->start[from]), &places[w->owner[i]][t]));
        }
    }
out:
    if (!ting_arena_failed(j->arena))
        ting_arena_rewind(j->arena, mark);
    return err;
}

/* The n best lines of one sequence for network and language model together, behind those that are there. */
static ting_err weighed_lines(const job *j, int input, const place *places, ting_p2h_line *lines, int *line_count)
{
    ting_err err = TING_OK;
    const int length = j->inputs[input].count, nbest = j->options->nbest;
    int *characters = ting_arena_take(j->arena, (size_t)nbest * (size_t)length * sizeof *characters), count;
    double *scores = ting_arena_take(j->arena, (size_t)nbest * sizeof *scores);
    if (ting_arena_failed(j->arena))
        return TING_ERR_MEMORY;
    const ting_arena_mark mark = ting_arena_tell(j->arena);
    ting_p2h_place *shown = ting_arena_take(j->arena, (size_t)length * sizeof *shown);
    TRY(shown != NULL ? TING_OK : TING_ERR_MEMORY);
    for (int t = 0; t < length; t++)
        shown[t] = (ting_p2h_place){places[t].count, places[t].characters, places[t].log_probs};
    TRY(ting_p2h_lm_search(j->options->lm, j->arena, shown, length, nbest, characters, scores, &count));
    for (int i = 0; i < count; i++)
        lines[(*line_count)++] = (ting_p2h_line){.characters = characters + i * length,
                                                 .count = length,
                                                 .input = input,
                                                 .score = scores[i] + j->options->input_weight * j->inputs[input].score};
    ting_arena_rewind(j->arena, mark);
out:
    return err;
}

/* The n best lines of one sequence behind those that are there. */
static ting_err best_lines(const job *j, int input, const place *places, ting_p2h_line *lines, int *line_count)
{
    ting_err err = TING_OK;
    const int length = j->inputs[input].count;
    ting_sums sums;
    ting_sum_list *lists = ting_arena_take(j->arena, (size_t)length * sizeof *lists);
    if (lists == NULL)
        return TING_ERR_MEMORY;
    for (int t = 0; t < length; t++)
        lists[t] = (ting_sum_list){places[t].log_probs, places[t].count};
    if (j->options->lm != NULL && length > 0)
        return weighed_lines(j, input, places, lines, line_count);
    const int room = ting_sums_possible(lists, length, j->options->nbest);
    int *characters = ting_arena_take(j->arena, (size_t)room * (size_t)length * sizeof *characters);
    if (characters == NULL)
        return TING_ERR_MEMORY;
    ting_arena_mark mark = ting_arena_tell(j->arena);
    TRY(ting_sums_find(j->arena, lists, length, room, j->options->input_weight * j->inputs[input].score, &sums));
    for (int i = 0; i < sums.count; i++, characters += length) {
        ting_sums_choices(&sums, i, characters);
        for (int t = 0; t < length; t++)
            characters[t] = places[t].characters[characters[t]];
        lines[(*line_count)++] = (ting_p2h_line){
            .characters = characters, .count = length, .input = input, .score = ting_sums_score(&sums, i)};
    }
    ting_arena_rewind(j->arena, mark);
out:
    return err;
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
    j.keep = options->lm != NULL || j.keep > RANKED_MAX ? RANKED_MAX : j.keep;
    j.scores = ting_arena_take(arena, (size_t)model->tables.characters * sizeof *j.scores);
    place **places = ting_arena_take_zeroed(arena, (size_t)input_count, sizeof *places);
    out->lines = ting_arena_take_zeroed(arena, (size_t)input_count * (size_t)options->nbest,
                                        sizeof *out->lines);
    if (ting_arena_failed(arena)) {
        err = TING_ERR_MEMORY;
        goto out;
    }
    for (int i = 0; i < input_count; i++)
        TRY(lay_places(&j, &inputs[i], &places[i]));
    TRY(lay_windows(&j, &w));
    for (int i = 0; i < w.count; i += BATCH)
        TRY(read_batch(&j, &w, i, i + BATCH < w.count ? i + BATCH : w.count, places));
    for (int i = 0; i < input_count; i++)
        TRY(best_lines(&j, i, places[i], out->lines, &out->line_count));
    out->line_count = ting_p2h_lines_sort(out->lines, out->line_count, options->nbest);
    TRY(list_alternatives(&j, places[out->lines[0].input], out));
out:
    return err;
}
