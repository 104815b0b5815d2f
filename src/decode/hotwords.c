/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hotwords.c - see hotwords.h. The words stand in the order of their syllables without tones: those that begin alike are neighbours,
 * and a walk through the network narrows the range of them place by place. Words whose first syllable may be missed stand in a second
 * order, by their syllables from the second on.
 */
#include "decode/hotwords.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

/* What a syllable loses in log-probability when it is heard in another tone, and when it is not heard at all, or as something else. Chosen
 * on sentences that nothing is reported of (docs/JOINT.md). */
static const double tone_loss = 2, miss_loss = 5;

enum {
    MOST_MATCHES = 4096, /* in a sentence: beyond it the list names everything that can be said */
    MOST_STEPS = 1 << 16, /* from a place: 啊啊啊啊.. fits into 40 places that may all be empty in millions of ways */
    FEWEST_TO_MISS = 3 /* syllables of a word of which one may be missed: of two a single one would be left */
};

typedef struct sorted {
    int *order; /* [count] numbers of words */
    int count;
    int from; /* by their syllables without tones from this one on */
} sorted;

struct ting_hotwords {
    ting_hotword *items; /* [count] */
    int count;
    sorted all, headless; /* by the first syllable; those of which it may be missed, by the second */
    int *base;            /* [syllables of the table] what tells syllables apart whose letters differ */
};

/* ---- the list ---- */

static int compare(const ting_hotwords *h, int from, int a, int b)
{
    const ting_hotword *x = &h->items[a], *y = &h->items[b];
    for (int i = from; i < x->count && i < y->count; i++)
        if (h->base[x->syllables[i]] != h->base[y->syllables[i]])
            return h->base[x->syllables[i]] < h->base[y->syllables[i]] ? -1 : 1;
    return x->count != y->count ? (x->count < y->count ? -1 : 1) : (a > b) - (a < b);
}

/* Merge sort, since qsort knows nothing but the two. */
static void sort(const ting_hotwords *h, int from, int *order, int *room, int count)
{
    const int half = count / 2;
    if (count < 2)
        return;
    sort(h, from, order, room, half);
    sort(h, from, order + half, room, count - half);
    memcpy(room, order, (size_t)count * sizeof *room);
    for (int a = 0, b = half, i = 0; i < count; i++)
        order[i] = b == count || (a < half && compare(h, from, room[a], room[b]) < 0) ? room[a++] : room[b++];
}

static ting_err copy_words(const ting_p2h_tables *tables, const ting_hotword *list, int count, ting_hotwords *h)
{
    ting_err err = TING_OK;
    for (int i = 0; i < count; i++) {
        const ting_hotword *word = &list[i];
        if (word->count < 1 || word->count > TING_HOTWORD_MOST)
            FAIL(TING_ERR_ARGUMENT, "a hotword of %d syllables, expected 1 to %d", word->count, (int)TING_HOTWORD_MOST);
        for (int k = 0; k < word->count; k++)
            if (word->syllables[k] < TING_P2H_FIRST || word->syllables[k] >= tables->syllables)
                FAIL(TING_ERR_ARGUMENT, "hotword %d has a syllable that the network does not know", i + 1);
        const size_t bytes = (size_t)word->count * sizeof(int);
        int *syllables = ting_alloc((size_t)word->count, sizeof(int)), *characters = ting_alloc((size_t)word->count, sizeof(int));
        h->items[i] = (ting_hotword){syllables, characters, word->count, word->log_prob};
        h->count++;
        h->all.order[h->all.count++] = i;
        if (word->count >= FEWEST_TO_MISS)
            h->headless.order[h->headless.count++] = i;
        if (syllables == NULL || characters == NULL)
            return TING_ERR_MEMORY;
        memcpy(syllables, word->syllables, bytes);
        memcpy(characters, word->characters, bytes);
    }
out:
    return err;
}

ting_err ting_hotwords_new(const ting_p2h_tables *tables, const ting_hotword *list, int count, ting_hotwords **out)
{
    ting_err err = TING_OK;
    *out = NULL;
    ting_hotwords *h = ting_alloc(1, sizeof *h);
    int *room = ting_alloc((size_t)count, sizeof *room);
    if (h == NULL || room == NULL) {
        err = TING_ERR_MEMORY;
        goto out;
    }
    h->items = ting_alloc((size_t)count, sizeof *h->items);
    h->all.order = ting_alloc((size_t)count, sizeof *h->all.order);
    h->headless.order = ting_alloc((size_t)count, sizeof *h->headless.order);
    h->headless.from = 1;
    h->base = ting_alloc((size_t)tables->syllables, sizeof *h->base);
    TRY(h->items != NULL && h->all.order != NULL && h->headless.order != NULL && h->base != NULL ? TING_OK : TING_ERR_MEMORY);
    for (int s = TING_P2H_FIRST; s < tables->syllables; s++) /* in ASCII order: tones of one syllable are neighbours */
        h->base[s] = s > TING_P2H_FIRST && ting_p2h_same_letters(tables->syllable[s - 1], tables->syllable[s]) ? h->base[s - 1] : s;
    TRY(copy_words(tables, list, count, h));
    sort(h, h->all.from, h->all.order, room, h->all.count);
    sort(h, h->headless.from, h->headless.order, room, h->headless.count);
    *out = h;
    h = NULL;
out:
    ting_free(room);
    ting_hotwords_free(h);
    return err;
}

void ting_hotwords_free(ting_hotwords *h)
{
    if (h == NULL)
        return;
    for (int i = 0; i < h->count; i++) {
        ting_free((void *)(uintptr_t)h->items[i].syllables);
        ting_free((void *)(uintptr_t)h->items[i].characters);
    }
    ting_free(h->items);
    ting_free(h->all.order);
    ting_free(h->headless.order);
    ting_free(h->base);
    ting_free(h);
}

const ting_hotword *ting_hotwords_at(const ting_hotwords *hotwords, int number)
{
    return &hotwords->items[number];
}

/* ---- where they are ---- */

enum { GONE = -1 }; /* instead of a place: the syllable has none */

typedef struct walk {
    const ting_hotwords *list;
    const ting_confusion *network;
    double input_weight, bonus;
    ting_arena *arena;
    ting_hotword_match *matches; /* [MOST_MATCHES] */
    int count;
    int places[TING_HOTWORD_MOST]; /* of the syllables so far; or GONE */
    int missed;                    /* which of them was missed, or -1 */
    int steps;                     /* made from this beginning */
    ting_err err;
} walk;

typedef struct range { /* the words from .. to - 1 of an order */
    const sorted *in;
    int from, to;
} range;

static const ting_hotword *word_at(const walk *w, const range *r, int i)
{
    return &w->list->items[r->in->order[i]];
}

static int base_at(const walk *w, const ting_hotword *word, int depth)
{
    return w->list->base[word->syllables[depth]];
}

/* The first word of the range whose syllable `depth` is not before `base`. */
static int first_not_before(const walk *w, range r, int depth, int base)
{
    while (r.from < r.to) {
        const int middle = r.from + (r.to - r.from) / 2;
        const ting_hotword *word = word_at(w, &r, middle);
        if (word->count <= depth || base_at(w, word, depth) < base)
            r.from = middle + 1;
        else
            r.to = middle;
    }
    return r.from;
}

/* The words of the range that have `base` as their syllable `depth`. */
static range narrow(const walk *w, range r, int depth, int base)
{
    r.from = first_not_before(w, r, depth, base);
    r.to = first_not_before(w, r, depth, base + 1);
    return r;
}

/* What is heard of a syllable at a place in its likeliest way, in which another tone loses; NULL: nothing. */
static const ting_confusion_choice *heard_as(const walk *w, int place, int syllable, double *loss)
{
    const ting_confusion_place *p = &w->network->places[place];
    const ting_confusion_choice *best = NULL;
    for (int i = 0; i < p->count; i++) {
        const ting_confusion_choice *choice = &p->choices[i];
        const double here = choice->symbol == syllable ? 0 : tone_loss;
        if (choice->symbol < TING_P2H_FIRST || w->list->base[choice->symbol] != w->list->base[syllable])
            continue;
        if (best == NULL || choice->log_prob - here > best->log_prob - *loss) {
            best = choice;
            *loss = here;
        }
    }
    return best;
}

/* The likeliest syllable of a place, whatever it is; NULL: it has none. */
static const ting_confusion_choice *likeliest(const walk *w, int place)
{
    const ting_confusion_place *p = &w->network->places[place];
    const ting_confusion_choice *best = NULL;
    for (int i = 0; i < p->count; i++)
        if (p->choices[i].symbol != TING_CONFUSION_NOTHING && (best == NULL || p->choices[i].log_prob > best->log_prob))
            best = &p->choices[i];
    return best;
}

static bool is_heard(const walk *w, int place, int base)
{
    const ting_confusion_place *p = &w->network->places[place];
    for (int i = 0; i < p->count; i++)
        if (p->choices[i].symbol >= TING_P2H_FIRST && w->list->base[p->choices[i].symbol] == base)
            return true;
    return false;
}

/* A syllable that has no place is shown with the one before it, the first with the one behind. */
static int shown_at(const walk *w, int i)
{
    return w->places[i] != GONE ? w->places[i] : w->places[i > 0 ? i - 1 : 1];
}

static void add_match(walk *w, int number, double skipped)
{
    const ting_hotword *word = &w->list->items[number];
    if (w->count == MOST_MATCHES)
        return;
    ting_p2h_origin *origins = ting_arena_take(w->arena, (size_t)word->count * sizeof *origins);
    int *places = ting_arena_take(w->arena, (size_t)word->count * sizeof *places);
    if (origins == NULL || places == NULL) {
        w->err = TING_ERR_MEMORY;
        return;
    }
    double score = w->input_weight * skipped;
    for (int i = 0; i < word->count; i++) {
        const int place = places[i] = shown_at(w, i);
        double loss = miss_loss;
        const ting_confusion_choice *choice = i == w->missed ? likeliest(w, place) : heard_as(w, place, word->syllables[i], &loss);
        score += w->input_weight * ((i == w->missed ? 0 : choice->log_prob) - loss) + (w->places[i] != GONE ? w->bonus : 0);
        origins[i] = (ting_p2h_origin){.input = choice->input, .place = choice->place, .other = choice->other, .loss = loss};
    }
    w->matches[w->count++] = (ting_hotword_match){.number = number, .first = places[0], .end = places[word->count - 1] + 1,
                                                  .score = score, .origins = origins, .places = places};
}

static void go_on(walk *w, range r, int place, int depth, double skipped);

/* Whether the word may be found as it is being found: short ones in full only, and no first syllable is missed where it was heard. */
static bool may_miss(const walk *w, const ting_hotword *word)
{
    if (w->missed >= 0 && word->count < FEWEST_TO_MISS)
        return false;
    return w->missed != 0 || w->places[0] == GONE || !is_heard(w, w->places[0], base_at(w, word, 0));
}

/* Syllable `depth` of the words of the range is at `place`, or GONE; what follows it is looked for from `next` on. */
static void take(walk *w, range r, int place, int next, int depth, double skipped)
{
    w->places[depth] = place;
    for (; r.from < r.to && word_at(w, &r, r.from)->count == depth + 1; r.from++) /* the shortest come first */
        if (may_miss(w, word_at(w, &r, r.from)))
            add_match(w, r.in->order[r.from], skipped);
    if (r.from < r.to)
        go_on(w, r, next, depth + 1, skipped);
}

/* Goes on with each word of the range as if its syllable `depth` were missed. */
static void miss(walk *w, range r, int place, int depth, double skipped)
{
    const bool here = place < w->network->count && likeliest(w, place) != NULL;
    const bool adjacent = w->places[depth - 1] == place - 1; /* else it is GONE before the empty places, not behind them */
    w->missed = depth;
    while (r.from < r.to) {
        const int base = base_at(w, word_at(w, &r, r.from), depth);
        const range same = {r.in, r.from, first_not_before(w, r, depth, base + 1)};
        if (here && !is_heard(w, place, base))
            take(w, same, place, place + 1, depth, skipped);
        if (adjacent)
            take(w, same, GONE, place, depth, skipped);
        r.from = same.to;
    }
    w->missed = -1;
}

/* Goes on with the words of the range, of which `depth` syllables were found before `place`. */
static void go_on(walk *w, range r, int place, int depth, double skipped)
{
    if (w->steps++ >= MOST_STEPS)
        return;
    if (depth > 0 && w->missed < 0)
        miss(w, r, place, depth, skipped);
    if (place == w->network->count)
        return;
    const ting_confusion_place *p = &w->network->places[place];
    const bool begun = depth > 1 || (depth == 1 && w->places[0] != GONE);
    for (int i = 0; i < p->count; i++) {
        const int symbol = p->choices[i].symbol;
        bool known = symbol < TING_P2H_FIRST;
        for (int k = 0; k < i && !known; k++) /* in another tone */
            known = p->choices[k].symbol >= TING_P2H_FIRST && w->list->base[p->choices[k].symbol] == w->list->base[symbol];
        if (symbol == TING_CONFUSION_NOTHING && begun)
            go_on(w, r, place + 1, depth, skipped + p->choices[i].log_prob);
        if (!known)
            take(w, narrow(w, r, depth, w->list->base[symbol]), place, place + 1, depth, skipped);
    }
}

/* Words that begin at a place, and those that go on there behind a first syllable that was missed. */
static void begin(walk *w, int place)
{
    const range all = {&w->list->all, 0, w->list->all.count}, headless = {&w->list->headless, 0, w->list->headless.count};
    w->steps = 0;
    w->missed = -1;
    go_on(w, all, place, 0, 0);
    w->missed = 0;
    w->places[0] = GONE;
    go_on(w, headless, place, 1, 0);
    if (place > 0 && likeliest(w, place - 1) != NULL) {
        w->places[0] = place - 1;
        go_on(w, headless, place, 1, 0);
    }
}

ting_err ting_hotwords_find(const ting_hotwords *hotwords, ting_arena *arena, const ting_confusion *network, double input_weight,
                            double bonus, ting_hotword_matches *out)
{
    walk w = {.list = hotwords, .network = network, .input_weight = input_weight, .bonus = bonus, .arena = arena};
    w.matches = ting_arena_take(arena, MOST_MATCHES * sizeof *w.matches);
    if (w.matches == NULL)
        return TING_ERR_MEMORY;
    for (int place = 0; place < network->count; place++)
        begin(&w, place);
    for (int i = 1; i < w.count; i++) { /* by end: they are found by beginning, so few move far */
        const ting_hotword_match match = w.matches[i];
        int at = i;
        for (; at > 0 && w.matches[at - 1].end > match.end; at--)
            w.matches[at] = w.matches[at - 1];
        w.matches[at] = match;
    }
    *out = (ting_hotword_matches){w.matches, w.count};
    return w.err;
}
