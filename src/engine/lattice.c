/* SPDX-License-Identifier: Apache-2.0 */
/* lattice.c - see lattice.h. */
#include "engine/lattice.h"

#include <math.h>
#include <string.h>

typedef struct way { /* a hypothesis on its way through the lattice */
    const ting_hypothesis *said;
    int shared;   /* characters that it begins with as another one does; behind them stands its own link */
    int own;      /* that link */
    double share; /* of the probability of all */
} way;

typedef struct builder {
    ting_lattice *lattice;
    way *ways; /* [count] */
    int count;
    int beginnings; /* links of the tree of beginnings stand in front */
} builder;

static bool same(const ting_char *a, const ting_char *b)
{
    return strcmp(a->text, b->text) == 0;
}

static int begin_alike(const ting_hypothesis *a, const ting_hypothesis *b)
{
    int i = 0;
    while (i < a->char_count && i < b->char_count && same(&a->chars[i], &b->chars[i]))
        i++;
    return i;
}

/* The hypotheses that differ, how far each is like another, and its share. */
static void compare(builder *b, const ting_sentence *sentence)
{
    double all = 0;
    for (int h = 0; h < sentence->hypothesis_count; h++) {
        way new = {.said = ting_sentence_hypothesis(sentence, h)};
        bool known = false;
        for (int k = 0; k < b->count && !known; k++) {
            const int alike = begin_alike(b->ways[k].said, new.said);
            known = alike == new.said->char_count && alike == b->ways[k].said->char_count;
        }
        if (!known)
            b->ways[b->count++] = new;
    }
    for (int h = 0; h < b->count; h++) {
        way *w = &b->ways[h];
        for (int k = 0; k < b->count; k++) {
            const int alike = k == h ? 0 : begin_alike(w->said, b->ways[k].said);
            w->shared = alike > w->shared ? alike : w->shared;
        }
        all += w->share = exp(w->said->score - b->ways[0].said->score);
    }
    for (int h = 0; h < b->count; h++)
        b->ways[h].share /= all;
}

static int add_node(ting_lattice *l, double time)
{
    l->times[l->node_count] = time;
    return l->node_count++;
}

static ting_lattice_link *add_link(ting_lattice *l, int from, int to, const ting_char *word)
{
    l->links[l->link_count] = (ting_lattice_link){from, to, word, word != NULL ? (double)word->log_prob : 0, 0, 0};
    return &l->links[l->link_count++];
}

/* Follows the hypothesis from the first node through what it shares; returns where that ends. */
static int grow_beginning(ting_lattice *l, const way *w)
{
    int node = 0;
    for (int i = 0; i < w->shared; i++) {
        const ting_char *word = &w->said->chars[i];
        int k = 0;
        while (k < l->link_count && !(l->links[k].from == node && same(l->links[k].word, word)))
            k++;
        if (k == l->link_count)
            add_link(l, node, add_node(l, word->end), word);
        node = l->links[k].to;
    }
    return node;
}

/* The same from the last node back, to behind its own link. Nodes of ends are numbered from -1 down until all are there. */
static int grow_end(builder *b, const way *w, double *times, int *nodes)
{
    ting_lattice *l = b->lattice;
    int node = -1;
    for (int i = w->said->char_count - 1; i > w->shared; i--) {
        const ting_char *word = &w->said->chars[i];
        int k = b->beginnings;
        while (k < l->link_count && !(l->links[k].to == node && l->links[k].from < 0 && same(l->links[k].word, word)))
            k++;
        if (k == l->link_count) {
            times[*nodes] = word->start;
            add_link(l, -++*nodes, node, word);
        }
        node = l->links[k].from;
    }
    return node;
}

/* What the sounds of its way leave of the score stands on its own link; its share counts for all links of the way. */
static void weigh(builder *b, const way *w)
{
    ting_lattice *l = b->lattice;
    double heard = l->links[w->own].acoustic;
    for (int part = 0; part < 2; part++) /* before its own link, and behind it */
        for (int node = part == 0 ? l->links[w->own].from : l->links[w->own].to; node != (part == 0 ? 0 : l->node_count - 1);) {
            int k = part == 0 ? 0 : b->beginnings;
            while (part == 0 ? l->links[k].to != node : l->links[k].from != node)
                k++;
            heard += l->links[k].acoustic;
            l->links[k].share += w->share;
            node = part == 0 ? l->links[k].from : l->links[k].to;
        }
    l->links[w->own].other = w->said->score - heard;
    l->links[w->own].share = w->share;
}

ting_err ting_lattice_make(const ting_sentence *sentence, ting_arena *arena, ting_lattice *out)
{
    ting_err err = TING_OK;
    size_t most = 2;
    for (int h = 0; h < sentence->hypothesis_count; h++)
        most += (size_t)ting_sentence_hypothesis(sentence, h)->char_count + 1;
    *out = (ting_lattice){.times = ting_arena_take_zeroed(arena, most, sizeof *out->times),
                          .links = ting_arena_take_zeroed(arena, most, sizeof *out->links)};
    builder b = {.lattice = out, .ways = ting_arena_take_zeroed(arena, (size_t)sentence->hypothesis_count, sizeof *b.ways)};
    int *behind = ting_arena_take_zeroed(arena, (size_t)sentence->hypothesis_count, sizeof *behind);
    double *end_times = ting_arena_take_zeroed(arena, most, sizeof *end_times);
    if (ting_arena_failed(arena))
        FAIL(TING_ERR_MEMORY, "out of memory for a lattice of %zu nodes", most);
    compare(&b, sentence);
    add_node(out, sentence->start);
    for (int h = 0; h < b.count; h++)
        behind[h] = grow_beginning(out, &b.ways[h]);
    b.beginnings = out->link_count;
    int ends = 1;
    end_times[0] = sentence->end;
    for (int h = 0; h < b.count; h++) {
        const way *w = &b.ways[h];
        const int from = behind[h], to = grow_end(&b, w, end_times, &ends);
        b.ways[h].own = out->link_count;
        add_link(out, from, to, w->shared < w->said->char_count ? &w->said->chars[w->shared] : NULL);
    }
    for (int node = ends; node > 0; node--)
        add_node(out, end_times[node - 1]);
    for (int k = b.beginnings; k < out->link_count; k++) { /* -1 becomes the last node */
        ting_lattice_link *link = &out->links[k];
        link->from += link->from < 0 ? out->node_count : 0;
        link->to += link->to < 0 ? out->node_count : 0;
    }
    for (int h = 0; h < b.count; h++)
        weigh(&b, &b.ways[h]);
out:
    return err;
}
