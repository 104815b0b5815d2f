/* SPDX-License-Identifier: Apache-2.0 */
/* p2h_join.c - see p2h_join.h. */
#include "decode/p2h_join.h"

#include <math.h>
#include <string.h>

enum {
    ROOM = 64,   /* characters at a place of several syllables */
    NEAR = 2,    /* places between two syllables that are put into one copy */
    REACH = 2,   /* places behind a syllable that a beginning which has it must get to */
    NARROW = 16, /* beginnings that go on in the glance */
};

typedef struct joint {
    const ting_p2h_reader *reader;
    const ting_p2h_options *options;
    const ting_p2h_input *inputs;
    int input_count;
    int best; /* the likeliest of them */
    ting_confusion network;
    /* [places of the network][choices there] the characters of each; NULL: nothing has been read of it */
    const ting_p2h_place ***read;
} joint;

static ting_err lay_network(joint *j)
{
    ting_err err = TING_OK;
    ting_arena *arena = j->reader->arena;
    ting_confusion_input *heard = ting_arena_take(arena, (size_t)j->input_count * sizeof *heard);
    TRY(heard != NULL ? TING_OK : TING_ERR_MEMORY);
    for (int i = 0; i < j->input_count; i++) {
        const ting_p2h_input *input = &j->inputs[i];
        heard[i] = (ting_confusion_input){.symbols = input->syllables, .starts = input->starts, .count = input->count,
                                          .score = input->score, .others = input->others, .other_count = input->other_count};
        if (input->score > j->inputs[j->best].score)
            j->best = i;
    }
    TRY(ting_confusion_make(arena, heard, j->input_count, &j->network));
    j->read = ting_arena_take(arena, (size_t)j->network.count * sizeof *j->read);
    for (int t = 0; t < j->network.count && j->read != NULL; t++)
        j->read[t] = ting_arena_take_zeroed(arena, (size_t)j->network.places[t].count, sizeof *j->read[t]);
    TRY(ting_arena_failed(arena) ? TING_ERR_MEMORY : TING_OK);
out:
    return err;
}

/* Where the likeliest sequence is at place t of the network; -1: it has nothing there. */
static int place_of_best(const joint *j, int t)
{
    const ting_confusion_place *place = &j->network.places[t];
    for (int c = 0; c < place->count; c++)
        if (place->choices[c].input == j->best && place->choices[c].symbol != TING_CONFUSION_NOTHING)
            return place->choices[c].place;
    return -1;
}

static ting_err read_best(joint *j)
{
    ting_err err = TING_OK;
    ting_p2h_place *places;
    const ting_p2h_sequence best = {j->inputs[j->best].syllables, j->inputs[j->best].count};
    TRY(ting_p2h_read(j->reader, &best, 1, &places));
    for (int t = 0; t < j->network.count; t++)
        for (int c = 0; c < j->network.places[t].count; c++) {
            const ting_confusion_choice *choice = &j->network.places[t].choices[c];
            if (choice->input == j->best && choice->other < 0 && choice->symbol != TING_CONFUSION_NOTHING)
                j->read[t][c] = &places[choice->place];
        }
out:
    return err;
}

/* ---- glance ---- */

/* What the network may say of a syllable's characters at most: they differ as they do without neighbours, and the commonest is certain.
 * NULL: not to be guessed. */
static const ting_p2h_place *guess(const joint *j, int syllable)
{
    const ting_p2h_lm *lm = j->options->lm;
    const ting_ngram_state empty = ting_ngram_empty();
    ting_ngram_state after;
    const int *allowed;
    const int count = ting_p2h_allowed(&j->reader->model->tables, j->reader->limit, syllable, &allowed);
    ting_p2h_place *place = ting_arena_take_zeroed(j->reader->arena, 1, sizeof *place);
    if (count == 0 || place == NULL)
        return NULL;
    place->room = count < j->reader->keep ? count : j->reader->keep;
    place->characters = ting_arena_take(j->reader->arena, (size_t)place->room * sizeof *place->characters);
    place->log_probs = ting_arena_take(j->reader->arena, (size_t)place->room * sizeof *place->log_probs);
    if (ting_arena_failed(j->reader->arena))
        return NULL;
    for (int i = 0; i < count; i++)
        ting_p2h_place_offer(place, allowed[i], ting_ngram_score(lm->ngram, &empty, lm->word[allowed[i]], &after), (ting_p2h_origin){0});
    for (int i = place->count - 1; i >= 0; i--)
        place->log_probs[i] -= place->log_probs[0];
    return place;
}

/* The characters of all choices of a place of which anything is known. */
static ting_err join_place(const joint *j, int t, const ting_p2h_place *const *read, ting_p2h_place *out)
{
    ting_arena *arena = j->reader->arena;
    *out = (ting_p2h_place){.room = ROOM};
    out->characters = ting_arena_take(arena, ROOM * sizeof *out->characters);
    out->log_probs = ting_arena_take(arena, ROOM * sizeof *out->log_probs);
    out->origins = ting_arena_take(arena, ROOM * sizeof *out->origins);
    if (ting_arena_failed(arena))
        return TING_ERR_MEMORY;
    for (int c = 0; c < j->network.places[t].count; c++) {
        const ting_confusion_choice *choice = &j->network.places[t].choices[c];
        const ting_p2h_origin origin = {.input = choice->input, .place = choice->place, .other = choice->other};
        const double heard = j->options->input_weight * choice->log_prob;
        if (choice->symbol == TING_CONFUSION_NOTHING)
            ting_p2h_place_offer(out, TING_P2H_NOTHING, heard, origin);
        for (int k = 0; read[c] != NULL && k < read[c]->count; k++)
            ting_p2h_place_offer(out, read[c]->characters[k], heard + j->options->bonus + read[c]->log_probs[k], origin);
    }
    return TING_OK;
}

static bool same_origin(const ting_p2h_origin *a, const ting_confusion_choice *b)
{
    return a->input == b->input && a->place == b->place && a->other == b->other;
}

/* [places][choices] which choices, of those not read, the network is to read. */
static ting_err glance(const joint *j, bool ***out)
{
    ting_err err = TING_OK;
    ting_arena *arena = j->reader->arena;
    const int length = j->network.count;
    ting_p2h_place *places = ting_arena_take(arena, (size_t)length * sizeof *places);
    bool **wanted = *out = ting_arena_take(arena, (size_t)length * sizeof *wanted);
    bool **alive = ting_arena_take(arena, (size_t)length * sizeof *alive);
    for (int t = 0; t < length && !ting_arena_failed(arena); t++) {
        const ting_confusion_place *from = &j->network.places[t];
        const ting_p2h_place **known = ting_arena_take(arena, (size_t)from->count * sizeof *known);
        wanted[t] = ting_arena_take_zeroed(arena, (size_t)from->count, sizeof *wanted[t]);
        alive[t] = ting_arena_take_zeroed(arena, ROOM, sizeof *alive[t]);
        TRY(ting_arena_failed(arena) ? TING_ERR_MEMORY : TING_OK);
        for (int c = 0; c < from->count; c++) {
            known[c] = j->read[t][c];
            if (known[c] == NULL && from->choices[c].symbol != TING_CONFUSION_NOTHING) {
                known[c] = guess(j, from->choices[c].symbol);
                wanted[t][c] = known[c] == NULL;
            }
        }
        TRY(join_place(j, t, known, &places[t]));
    }
    TRY(ting_arena_failed(arena) ? TING_ERR_MEMORY : TING_OK);
    ting_p2h_lm narrow = *j->options->lm;
    narrow.beam = NARROW;
    TRY(ting_p2h_lm_glance(&narrow, arena, places, length, REACH, alive));
    for (int t = 0; t < length; t++)
        for (int c = 0; c < j->network.places[t].count; c++)
            for (int i = 0; i < places[t].count && j->read[t][c] == NULL; i++)
                wanted[t][c] |= alive[t][i] && places[t].characters[i] != TING_P2H_NOTHING &&
                                same_origin(&places[t].origins[i], &j->network.places[t].choices[c]);
out:
    return err;
}

/* ---- what is left ---- */

typedef struct copy { /* of a sequence, with other syllables in it */
    int input;
    int *syllables;
    int last; /* the place that was changed last; -NEAR: none */
} copy;

typedef struct copies {
    copy *items; /* [count] */
    int count;
} copies;

/* The copy that has a symbol at a place of an input, made if there is none with room for it; NULL: out of memory. */
static copy *put(const joint *j, copies *all, int input, int place, int symbol)
{
    const ting_p2h_input *from = &j->inputs[input];
    const size_t bytes = (size_t)from->count * sizeof *from->syllables;
    int at = 0;
    while (at < all->count && (all->items[at].input != input || place - all->items[at].last < NEAR))
        at++;
    copy *to = &all->items[at];
    if (at == all->count) {
        *to = (copy){.input = input, .syllables = ting_arena_take(j->reader->arena, bytes), .last = -NEAR};
        if (to->syllables == NULL)
            return NULL;
        memcpy(to->syllables, from->syllables, bytes);
        all->count++;
    }
    to->syllables[place] = symbol; /* also where it stands already: no other choice may take the place */
    to->last = place;
    return to;
}

static bool same_symbol(const ting_p2h_input *a, int at, const ting_p2h_input *b, int there)
{
    const bool in_a = at >= 0 && at < a->count, in_b = there >= 0 && there < b->count;
    return in_a == in_b && (!in_a || a->syllables[at] == b->syllables[there]);
}

/* Where a choice at place t of the network is read: in the likeliest sequence, if that has something there, and the same beside it as the
 * sequence that the choice is from; else in that one. */
static ting_p2h_origin context_of(const joint *j, int t, const ting_confusion_choice *choice)
{
    const int at_best = place_of_best(j, t);
    const ting_p2h_input *own = &j->inputs[choice->input], *best = &j->inputs[j->best];
    if (at_best >= 0 && same_symbol(own, choice->place - 1, best, at_best - 1) && same_symbol(own, choice->place + 1, best, at_best + 1))
        return (ting_p2h_origin){.input = j->best, .place = at_best};
    return (ting_p2h_origin){.input = choice->input, .place = choice->place};
}

/* wanted[t][c] are read: each in its place of a copy. */
static ting_err read_others(joint *j, bool *const *wanted)
{
    ting_err err = TING_OK;
    ting_arena *arena = j->reader->arena;
    size_t most = 0, put_count = 0;
    for (int t = 0; t < j->network.count; t++)
        most += (size_t)j->network.places[t].count;
    copies all = {.items = ting_arena_take(arena, most * sizeof *all.items)};
    struct { int copy, place; } *where = ting_arena_take(arena, most * sizeof *where);
    TRY(ting_arena_failed(arena) ? TING_ERR_MEMORY : TING_OK);
    for (int t = 0; t < j->network.count; t++) {
        for (int c = 0; c < j->network.places[t].count; c++) {
            const ting_confusion_choice *choice = &j->network.places[t].choices[c];
            if (!wanted[t][c])
                continue;
            const ting_p2h_origin context = context_of(j, t, choice);
            const copy *to = put(j, &all, context.input, context.place, choice->symbol);
            TRY(to != NULL ? TING_OK : TING_ERR_MEMORY);
            where[put_count].copy = (int)(to - all.items);
            where[put_count++].place = context.place;
        }
    }
    ting_p2h_sequence *items = ting_arena_take(arena, (size_t)all.count * sizeof *items);
    ting_p2h_place **places = ting_arena_take(arena, (size_t)all.count * sizeof *places);
    TRY(ting_arena_failed(arena) ? TING_ERR_MEMORY : TING_OK);
    for (int i = 0; i < all.count; i++)
        items[i] = (ting_p2h_sequence){all.items[i].syllables, j->inputs[all.items[i].input].count};
    TRY(ting_p2h_read(j->reader, items, all.count, places));
    put_count = 0;
    for (int t = 0; t < j->network.count; t++)
        for (int c = 0; c < j->network.places[t].count; c++)
            if (wanted[t][c]) {
                j->read[t][c] = &places[where[put_count].copy][where[put_count].place];
                put_count++;
            }
out:
    return err;
}

ting_err ting_p2h_join(const ting_p2h_reader *reader, const ting_p2h_options *options, const ting_p2h_input *inputs, int input_count,
                       ting_confusion *network, ting_p2h_place **places)
{
    ting_err err = TING_OK;
    bool **wanted;
    joint j = {.reader = reader, .options = options, .inputs = inputs, .input_count = input_count};
    TRY(lay_network(&j));
    TRY(read_best(&j));
    TRY(glance(&j, &wanted));
    TRY(read_others(&j, wanted));
    *network = j.network;
    *places = ting_arena_take(reader->arena, (size_t)j.network.count * sizeof **places);
    TRY(*places != NULL ? TING_OK : TING_ERR_MEMORY);
    for (int t = 0; t < j.network.count; t++)
        TRY(join_place(&j, t, j.read[t], &(*places)[t]));
out:
    return err;
}
