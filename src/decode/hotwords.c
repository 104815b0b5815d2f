/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hotwords.c - see hotwords.h. The words stand in the order of their syllables without tones: those that begin alike are neighbours,
 * and a walk through the network narrows the range of them place by place.
 */
#include "decode/hotwords.h"

#include "base/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Log-probability that a syllable in another tone loses: tones are what is heard wrong most. */
static const double tone_loss = 1;

enum { MOST_MATCHES = 1024 }; /* in a sentence: beyond it the list names everything that can be said */

struct ting_hotwords {
    ting_hotword *items; /* [count] */
    int count;
    int *order; /* [count] numbers of the words, by syllables without tones */
    int *base;  /* [syllables of the table] what tells syllables apart whose letters differ */
};

/* ---- the list ---- */

static bool same_letters(const char *a, const char *b)
{
    const size_t n = strlen(a);
    return n > 0 && strlen(b) == n && memcmp(a, b, n - 1) == 0;
}

static int compare(const ting_hotwords *h, int a, int b)
{
    const ting_hotword *x = &h->items[a], *y = &h->items[b];
    for (int i = 0; i < x->count && i < y->count; i++)
        if (h->base[x->syllables[i]] != h->base[y->syllables[i]])
            return h->base[x->syllables[i]] < h->base[y->syllables[i]] ? -1 : 1;
    return x->count != y->count ? (x->count < y->count ? -1 : 1) : (a > b) - (a < b);
}

/* Merge sort, since qsort knows nothing but the two. */
static void sort(const ting_hotwords *h, int *order, int *room, int count)
{
    const int half = count / 2;
    if (count < 2)
        return;
    sort(h, order, room, half);
    sort(h, order + half, room, count - half);
    memcpy(room, order, (size_t)count * sizeof *room);
    for (int a = 0, b = half, i = 0; i < count; i++)
        order[i] = b == count || (a < half && compare(h, room[a], room[b]) < 0) ? room[a++] : room[b++];
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
        h->order[i] = i;
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
    h->order = ting_alloc((size_t)count, sizeof *h->order);
    h->base = ting_alloc((size_t)tables->syllables, sizeof *h->base);
    TRY(h->items != NULL && h->order != NULL && h->base != NULL ? TING_OK : TING_ERR_MEMORY);
    for (int s = TING_P2H_FIRST; s < tables->syllables; s++) /* in ASCII order: tones of one syllable are neighbours */
        h->base[s] = s > TING_P2H_FIRST && same_letters(tables->syllable[s - 1], tables->syllable[s]) ? h->base[s - 1] : s;
    TRY(copy_words(tables, list, count, h));
    sort(h, h->order, room, count);
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
    ting_free(h->order);
    ting_free(h->base);
    ting_free(h);
}

const ting_hotword *ting_hotwords_at(const ting_hotwords *hotwords, int number)
{
    return &hotwords->items[number];
}

/* ---- where they are ---- */

typedef struct walk {
    const ting_hotwords *list;
    const ting_confusion *network;
    double input_weight, bonus;
    ting_arena *arena;
    ting_hotword_match *matches; /* [MOST_MATCHES] */
    int count;
    int places[TING_HOTWORD_MOST]; /* of the syllables so far */
    ting_err err;
} walk;

/* The first word of from .. to - 1 whose syllable `depth` is not before `base`. */
static int first_not_before(const ting_hotwords *h, int from, int to, int depth, int base)
{
    while (from < to) {
        const int middle = from + (to - from) / 2;
        const ting_hotword *word = &h->items[h->order[middle]];
        if (word->count <= depth || h->base[word->syllables[depth]] < base)
            from = middle + 1;
        else
            to = middle;
    }
    return from;
}

/* What is heard of a syllable at a place in its likeliest way; another tone loses. */
static const ting_confusion_choice *heard_as(const walk *w, int place, int syllable, double *log_prob)
{
    const ting_confusion_place *p = &w->network->places[place];
    const ting_confusion_choice *best = NULL;
    for (int i = 0; i < p->count; i++) {
        const ting_confusion_choice *choice = &p->choices[i];
        if (choice->symbol < TING_P2H_FIRST || w->list->base[choice->symbol] != w->list->base[syllable])
            continue;
        const double here = choice->log_prob - (choice->symbol == syllable ? 0 : tone_loss);
        if (best == NULL || here > *log_prob) {
            best = choice;
            *log_prob = here;
        }
    }
    return best;
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
        double log_prob = 0;
        const ting_confusion_choice *choice = heard_as(w, w->places[i], word->syllables[i], &log_prob);
        score += w->input_weight * log_prob + w->bonus;
        origins[i] = (ting_p2h_origin){.input = choice->input, .place = choice->place, .other = choice->other};
        places[i] = w->places[i];
    }
    w->matches[w->count++] = (ting_hotword_match){.number = number, .first = places[0], .end = places[word->count - 1] + 1,
                                                  .score = score, .origins = origins, .places = places};
}

/* Goes on with the words from .. to - 1, of which `depth` syllables were found before `place`. */
static void go_on(walk *w, int place, int depth, int from, int to, double skipped)
{
    const ting_hotwords *h = w->list;
    if (place == w->network->count || depth == TING_HOTWORD_MOST)
        return;
    const ting_confusion_place *p = &w->network->places[place];
    for (int i = 0; i < p->count; i++) {
        const int symbol = p->choices[i].symbol;
        bool known = symbol < TING_P2H_FIRST;
        for (int k = 0; k < i && !known; k++) /* in another tone */
            known = p->choices[k].symbol >= TING_P2H_FIRST && h->base[p->choices[k].symbol] == h->base[symbol];
        if (symbol == TING_CONFUSION_NOTHING && depth > 0)
            go_on(w, place + 1, depth, from, to, skipped + p->choices[i].log_prob);
        if (known)
            continue;
        int first = first_not_before(h, from, to, depth, h->base[symbol]);
        const int end = first_not_before(h, first, to, depth, h->base[symbol] + 1);
        w->places[depth] = place;
        for (; first < end && h->items[h->order[first]].count == depth + 1; first++) /* the shortest come first */
            add_match(w, h->order[first], skipped);
        if (first < end)
            go_on(w, place + 1, depth + 1, first, end, skipped);
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
        go_on(&w, place, 0, 0, hotwords->count, 0);
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
