/* SPDX-License-Identifier: Apache-2.0 */
/* confusion.c - see confusion.h. */
#include "decode/confusion.h"

#include "base/logsum.h"

#include <math.h>
#include <string.h>

typedef struct builder {
    ting_arena *arena;
    const ting_confusion_input *inputs;
    int input_count;
    double *weights;       /* [input_count] log-probabilities that sum to 1 */
    double seen;           /* of the inputs so far, -INFINITY at first */
    int strongest;         /* of them */
    ting_confusion now;    /* of the inputs so far */
} builder;

typedef enum move { BOTH, SKIP_PLACE, NEW_PLACE } move;

static ting_confusion_choice *find(const ting_confusion_place *place, int symbol)
{
    for (int i = 0; i < place->count; i++)
        if (place->choices[i].symbol == symbol)
            return &place->choices[i];
    return NULL;
}

/* Differences of an aligned pair: 0 for a symbol that is there, 1 for another, less than a half more for the time between. */
static double cost(const builder *b, const ting_confusion_place *place, const ting_confusion_input *input, int at)
{
    const ting_confusion_choice *first = &place->choices[place->choices[0].symbol == TING_CONFUSION_NOTHING];
    double far = 0;
    if (input->starts != NULL)
        far = fmin(fabs(input->starts[at] - b->inputs[first->input].starts[first->place]), 0.45);
    return (find(place, input->symbols[at]) == NULL) + far;
}

/* The moves of the cheapest alignment of the network with the input, last first, to moves[]; returns how many. */
static int align(const builder *b, const ting_confusion_input *input, double *costs, unsigned char *steps, move *moves)
{
    const int rows = b->now.count, columns = input->count, width = columns + 1;
    for (int r = 0; r <= rows; r++)
        for (int c = 0; c <= columns; c++) {
            double best = r == 0 && c == 0 ? 0 : INFINITY;
            move step = BOTH;
            if (r > 0 && c > 0) {
                best = costs[(r - 1) * width + c - 1] + cost(b, &b->now.places[r - 1], input, c - 1);
            }
            if (r > 0 && costs[(r - 1) * width + c] + 1 < best) {
                best = costs[(r - 1) * width + c] + 1;
                step = SKIP_PLACE;
            }
            if (c > 0 && costs[r * width + c - 1] + 1 < best) {
                best = costs[r * width + c - 1] + 1;
                step = NEW_PLACE;
            }
            costs[r * width + c] = best;
            steps[r * width + c] = (unsigned char)step;
        }
    int count = 0;
    for (int r = rows, c = columns; r > 0 || c > 0; count++) {
        moves[count] = (move)steps[r * width + c];
        r -= moves[count] != NEW_PLACE;
        c -= moves[count] != SKIP_PLACE;
    }
    return count;
}

static ting_err add_choice(builder *b, ting_confusion_place *place, ting_confusion_choice fresh)
{
    if ((size_t)place->count == place->room) {
        const size_t room = place->room == 0 ? 8 : 2 * place->room;
        ting_confusion_choice *grown = ting_arena_take(b->arena, room * sizeof *grown);
        if (grown == NULL)
            return ting_fail(TING_ERR_MEMORY, "out of memory for the alternatives of a sentence");
        if (place->count > 0)
            memcpy(grown, place->choices, (size_t)place->count * sizeof *grown);
        place->choices = grown;
        place->room = room;
    }
    place->choices[place->count++] = fresh;
    return TING_OK;
}

/* An input has the symbol at this place. What others made of it until now is no more than a hint: votes replace or outdo it. */
static ting_err vote(builder *b, ting_confusion_place *place, int symbol, int input, int at)
{
    ting_confusion_choice *choice = find(place, symbol);
    const double weight = b->weights[input];
    if (choice == NULL)
        return add_choice(b, place, (ting_confusion_choice){symbol, weight, input, at, -1});
    if (choice->other >= 0) {
        *choice = (ting_confusion_choice){symbol, fmax(choice->log_prob, weight), input, at, -1};
        return TING_OK;
    }
    choice->log_prob = ting_log_add(choice->log_prob, weight);
    if (weight > b->weights[choice->input]) {
        choice->input = input;
        choice->place = at;
    }
    return TING_OK;
}

/* An input nearly has the symbol at this place. */
static ting_err hint(builder *b, ting_confusion_place *place, int input, int number)
{
    const ting_confusion_other *other = &b->inputs[input].others[number];
    const double log_prob = b->weights[input] - other->loss;
    ting_confusion_choice *choice = find(place, other->symbol);
    if (choice == NULL)
        return add_choice(b, place, (ting_confusion_choice){other->symbol, log_prob, input, other->place, number});
    if (choice->other < 0)
        choice->log_prob = fmax(choice->log_prob, log_prob);
    else if (log_prob > choice->log_prob)
        *choice = (ting_confusion_choice){other->symbol, log_prob, input, other->place, number};
    return TING_OK;
}

static ting_err add_input(builder *b, int number)
{
    ting_err err = TING_OK;
    const ting_confusion_input *input = &b->inputs[number];
    const size_t rows = (size_t)b->now.count + 1, columns = (size_t)input->count + 1;
    ting_confusion_place *places = ting_arena_take_zeroed(b->arena, rows + columns, sizeof *places);
    double *costs = ting_arena_take(b->arena, rows * columns * sizeof *costs);
    unsigned char *steps = ting_arena_take(b->arena, rows * columns);
    move *moves = ting_arena_take(b->arena, (rows + columns) * sizeof *moves);
    if (ting_arena_failed(b->arena))
        FAIL(TING_ERR_MEMORY, "out of memory for the alternatives of a sentence");
    int count = 0, at = 0, place = 0, other = 0;
    for (int k = align(b, input, costs, steps, moves) - 1; k >= 0; k--) {
        ting_confusion_place *to = &places[count++];
        if (moves[k] != NEW_PLACE)
            *to = b->now.places[place++];
        else if (b->seen > -INFINITY)
            TRY(add_choice(b, to, (ting_confusion_choice){TING_CONFUSION_NOTHING, b->seen, b->strongest, 0, -1}));
        if (moves[k] == SKIP_PLACE) {
            TRY(vote(b, to, TING_CONFUSION_NOTHING, number, 0));
            continue;
        }
        TRY(vote(b, to, input->symbols[at], number, at));
        for (; other < input->other_count && input->others[other].place == at; other++)
            TRY(hint(b, to, number, other));
        at++;
    }
    b->now = (ting_confusion){places, count};
    if (b->seen == -INFINITY || b->weights[number] > b->weights[b->strongest])
        b->strongest = number;
    b->seen = ting_log_add(b->seen, b->weights[number]);
out:
    return err;
}

ting_err ting_confusion_make(ting_arena *arena, const ting_confusion_input *inputs, int input_count, ting_confusion *out)
{
    ting_err err = TING_OK;
    double sum = -INFINITY;
    builder b = {.arena = arena, .inputs = inputs, .input_count = input_count, .seen = -INFINITY};
    b.weights = ting_arena_take(arena, (size_t)input_count * sizeof *b.weights);
    if (b.weights == NULL)
        FAIL(TING_ERR_MEMORY, "out of memory for the alternatives of a sentence");
    for (int i = 0; i < input_count; i++)
        sum = ting_log_add(sum, inputs[i].score);
    for (int i = 0; i < input_count; i++)
        b.weights[i] = inputs[i].score - sum;
    for (int i = 0; i < input_count; i++)
        TRY(add_input(&b, i));
    *out = b.now;
out:
    return err;
}
