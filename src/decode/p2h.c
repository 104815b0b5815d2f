/* SPDX-License-Identifier: Apache-2.0 */
/*
 * p2h.c - see p2h.h. All sequences are cut into windows, which go through the network as ragged batches of a bounded size:
 * activations and logits exist for one batch at a time, whatever the length of the lines.
 */
#include "decode/p2h.h"

#include "decode/p2h_lines.h"
#include "decode/p2h_rescore.h"
#include "decode/s2s.h"

#include <math.h>
#include <string.h>

enum { WINDOW = 64, SIDE = 16, STRIDE = WINDOW - 2 * SIDE, RANKED_MAX = 64, NEAR = 2, BATCH = 16 /* windows */, ROWS = 256 };

static const double behind = 8; /* a sequence whose weighed score is so far behind the best is not read: no line makes that good */

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
static ting_err lay_places(const job *j, const ting_p2h_input *input, ting_p2h_place **out)
{
    size_t total = 0;
    ting_p2h_place *places = ting_arena_take_zeroed(j->arena, (size_t)input->count, sizeof *places);
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

/* What the network says of a character: of the logits of all, where they were computed, else by its row of the output layer. */
static double score_of(const job *j, const ting_linear_params *output, const ting_real *hidden, const ting_real *logits, int character)
{
    if (logits != NULL)
        return (double)logits[character];
    const ting_tensor weight = output->weight->t;
    return (double)(output->bias->t.data[character] + j->kern->dot(weight.cols, hidden, ting_row(weight, character)));
}

/* The allowed characters of one place with normalised log-probabilities. logits NULL: of few. */
static ting_err fill_place(const job *j, int syllable, const ting_real *hidden, const ting_real *logits, ting_p2h_place *p)
{
    const ting_linear_params output = ting_p2h_net_output(j->model->net);
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
    ting_arena_mark mark = ting_arena_tell(j->arena);
    ting_ctx ctx = {.arena = j->arena, .pool = j->pool, .kern = j->kern};
    if (w->start[to] == w->start[from]) /* empty sequences alone */
        return TING_OK;
    for (int i = from; i <= to; i++)
        start[i - from] = w->start[i] - w->start[from];
    ting_tensor hidden =
        ting_p2h_net_forward(&ctx, j->model->net, w->ids + w->start[from], (ting_segments){to - from, start});
    ting_tensor logits = {0}; /* of all characters where all may be meant, else of few at each place */
    if (j->options->limit == TING_P2H_FREE)
        logits = ting_p2h_net_logits(&ctx, j->model->net, hidden);
    TRY(ctx.err);
    for (int i = from; i < to; i++) {
        const ting_p2h_input *input = &j->inputs[w->owner[i]];
        for (int row = w->start[i]; row < w->start[i + 1]; row++) {
            int t = w->first[i] + row - w->start[i];
            if (!is_better_elsewhere(w, i, input->count, t))
                TRY(fill_place(j, input->syllables[t], ting_row(hidden, row - w->start[from]),
                               logits.rows > 0 ? ting_row(logits, row - w->start[from]) : NULL, &places[w->owner[i]][t]));
        }
    }
out:
    if (!ting_arena_failed(j->arena))
        ting_arena_rewind(j->arena, mark);
    return err;
}

/* The sequences that the network reads: the inputs, and behind them copies of them with others in their places. One copy takes several
 * that are NEAR places apart or more, since the network judges a syllable mostly by those next to it. */
typedef struct sequences {
    ting_p2h_input *items; /* [count] */
    int count;
    ting_p2h_origin **others; /* [inputs][others of each] where each is read: sequence and place; NULL: not at all */
} sequences;

typedef struct copy { /* of one input, with others in it */
    int *syllables;
    int last; /* the place that was changed last */
} copy;

static ting_err add_copies(const job *j, int number, sequences *r)
{
    const ting_p2h_input *input = &j->inputs[number];
    const size_t others = (size_t)input->other_count, bytes = (size_t)input->count * sizeof *input->syllables;
    ting_p2h_origin *where = r->others[number] = ting_arena_take(j->arena, others * sizeof *where);
    copy *copies = ting_arena_take(j->arena, others * sizeof *copies);
    const int first = r->count;
    for (int i = 0; i < input->other_count && !ting_arena_failed(j->arena); i++) {
        const ting_confusion_other *other = &input->others[i];
        int c = 0;
        while (first + c < r->count && other->place - copies[c].last < NEAR)
            c++;
        if (first + c == r->count) {
            copies[c].syllables = ting_arena_take(j->arena, bytes);
            if (copies[c].syllables == NULL)
                break;
            memcpy(copies[c].syllables, input->syllables, bytes);
            r->items[r->count++] = (ting_p2h_input){.syllables = copies[c].syllables, .count = input->count};
        }
        copies[c].syllables[other->place] = other->symbol;
        copies[c].last = other->place;
        where[i] = (ting_p2h_origin){.input = first + c, .place = other->place, .other = -1};
    }
    return ting_arena_failed(j->arena) ? TING_ERR_MEMORY : TING_OK;
}

static ting_err lay_sequences(const job *j, sequences *r)
{
    ting_err err = TING_OK;
    size_t most = (size_t)j->input_count;
    for (int i = 0; i < j->input_count; i++)
        most += (size_t)j->inputs[i].other_count;
    r->items = ting_arena_take(j->arena, most * sizeof *r->items);
    r->others = ting_arena_take_zeroed(j->arena, (size_t)j->input_count, sizeof *r->others);
    TRY(ting_arena_failed(j->arena) ? TING_ERR_MEMORY : TING_OK);
    memcpy(r->items, j->inputs, (size_t)j->input_count * sizeof *r->items);
    r->count = j->input_count;
    for (int i = 0; i < j->input_count && j->options->lm != NULL; i++)
        TRY(add_copies(j, i, r));
out:
    return err;
}

/* The characters of each place of each sequence. */
static ting_err read_sequences(job *j, const sequences *r, ting_p2h_place **places)
{
    ting_err err = TING_OK;
    windows w = {0};
    j->inputs = r->items;
    j->input_count = r->count;
    for (int i = 0; i < r->count; i++)
        TRY(lay_places(j, &r->items[i], &places[i]));
    TRY(lay_windows(j, &w));
    for (int from = 0, to; from < w.count; from = to) {
        for (to = from + 1; to < w.count && to - from < BATCH && w.start[to + 1] - w.start[from] <= ROWS;)
            to++;
        TRY(read_batch(j, &w, from, to, places));
    }
out:
    return err;
}

/* What was read of each input and each of its others. */
static ting_err collect(ting_arena *arena, const ting_p2h_input *inputs, int input_count, const sequences *r,
                        ting_p2h_place *const *places, ting_p2h_read **out)
{
    ting_p2h_read *read = *out = ting_arena_take(arena, (size_t)input_count * sizeof *read);
    for (int i = 0; i < input_count && read != NULL; i++) {
        const int count = r->others[i] != NULL ? inputs[i].other_count : 0;
        const ting_p2h_place **others = ting_arena_take(arena, (size_t)count * sizeof *others);
        for (int k = 0; k < count && others != NULL; k++)
            others[k] = &places[r->others[i][k].input][r->others[i][k].place];
        read[i] = (ting_p2h_read){places[i], others};
    }
    return ting_arena_failed(arena) ? TING_ERR_MEMORY : TING_OK;
}

/* How many of the sequences there are up to the last one that is worth reading. */
static int worth_reading(const ting_p2h_options *options, const ting_p2h_input *inputs, int count)
{
    double best = inputs[0].score;
    for (int i = 1; i < count; i++)
        best = fmax(best, inputs[i].score);
    while (count > 1 && options->input_weight * (best - inputs[count - 1].score) > behind)
        count--;
    return count;
}

ting_err ting_p2h_decode(const ting_p2h_model *model, const ting_kern *kern, ting_pool *pool,
                         ting_arena *arena, const ting_p2h_options *options,
                         const ting_p2h_input *inputs, int input_count, ting_p2h_page *out)
{
    ting_err err = TING_OK;
    sequences r = {0};
    ting_p2h_read *read;
    *out = (ting_p2h_page){0};
    if (input_count < 1 || options->nbest < 1 || options->alternatives < 0)
        FAIL(TING_ERR_ARGUMENT,
             "pinyin to hanzi: %d sequences, %d lines and %d alternatives wanted", input_count,
             options->nbest, options->alternatives);
    input_count = worth_reading(options, inputs, input_count);
    ting_p2h_options searched = *options; /* more lines for a rescorer to choose from */
    if (options->rescorer != NULL && searched.nbest < options->rescorer->lines)
        searched.nbest = options->rescorer->lines;
    job j = {.model = model,
             .kern = kern,
             .pool = pool,
             .arena = arena,
             .options = &searched,
             .inputs = inputs,
             .input_count = input_count};
    if (model->net == NULL) {
        TRY(ting_s2s_search(model, kern, pool, arena, &searched, inputs, input_count, out));
        out->line_count = out->line_count < options->nbest ? out->line_count : options->nbest;
        return TING_OK;
    }
    j.keep = searched.nbest > options->alternatives + 1 ? searched.nbest : options->alternatives + 1;
    j.keep = options->lm != NULL || j.keep > RANKED_MAX ? RANKED_MAX : j.keep;
    j.scores = ting_arena_take(arena, (size_t)model->tables.characters * sizeof *j.scores);
    TRY(lay_sequences(&j, &r));
    ting_p2h_place **places = ting_arena_take_zeroed(arena, (size_t)r.count, sizeof *places);
    TRY(places != NULL ? TING_OK : TING_ERR_MEMORY);
    TRY(read_sequences(&j, &r, places));
    TRY(collect(arena, inputs, input_count, &r, places, &read));
    TRY(ting_p2h_lines_find(&(ting_ctx){.arena = arena, .pool = pool, .kern = kern}, &searched, inputs, input_count, read, out));
    out->line_count = out->line_count < options->nbest ? out->line_count : options->nbest;
out:
    return err;
}
