/* SPDX-License-Identifier: Apache-2.0 */
/* word_lattice.c - see word_lattice.h. */
#include "engine/word_lattice.h"

#include <math.h>
#include <string.h>

typedef struct way { /* a hypothesis on its way through the lattice */
    const ting_char *chars; /* [count] */
    int count;
    double score;
    int shared;   /* characters that it begins with as another one does; behind them stands its own link */
    int own;      /* that link */
    double share; /* of the probability of all */
} way;

typedef struct builder {
    ting_word_lattice *lattice;
    way *ways; /* [count] */
    int count;
    int beginnings; /* links of the tree of beginnings stand in front */
} builder;

static bool same(const ting_char *a, const ting_char *b)
{
    return strcmp(a->text, b->text) == 0;
}

static int begin_alike(const way *a, const way *b)
{
    int i = 0;
    while (i < a->count && i < b->count && same(&a->chars[i], &b->chars[i]))
        i++;
    return i;
}

/* Of the first those of the sentence. */
static int count_chars(const ting_sentence *sentence, int hypothesis)
{
    return hypothesis == 0 ? sentence->char_count : ting_sentence_hypothesis(sentence, hypothesis)->char_count;
}

/* The hypotheses that differ, how far each is like another, and its share. */
static void compare(builder *b, const ting_sentence *sentence)
{
    double all = 0;
    for (int h = 0; h < sentence->hypothesis_count; h++) {
        const ting_hypothesis *said = ting_sentence_hypothesis(sentence, h);
        const way new = {.chars = ting_hypothesis_char(sentence, h, 0), .count = count_chars(sentence, h), .score = said->score};
        bool known = false;
        for (int k = 0; k < b->count && !known; k++) {
            const int alike = begin_alike(&b->ways[k], &new);
            known = alike == new.count && alike == b->ways[k].count;
        }
        if (!known)
            b->ways[b->count++] = new;
    }
    for (int h = 0; h < b->count; h++) {
        way *w = &b->ways[h];
        for (int k = 0; k < b->count; k++) {
            const int alike = k == h ? 0 : begin_alike(w, &b->ways[k]);
            w->shared = alike > w->shared ? alike : w->shared;
        }
        all += w->share = exp(w->score - b->ways[0].score);
    }
    for (int h = 0; h < b->count; h++)
        b->ways[h].share /= all;
}

static int add_node(ting_word_lattice *l, double time)
{
    l->times[l->node_count] = time;
    return l->node_count++;
}

static ting_word_link *add_link(ting_word_lattice *l, int from, int to, const ting_char *word)
{
    l->links[l->link_count] = (ting_word_link){from, to, word, word != NULL ? (double)word->log_prob : 0, 0, 0};
    return &l->links[l->link_count++];
}

/* Follows the hypothesis from the first node through what it shares; returns where that ends. */
static int grow_beginning(ting_word_lattice *l, const way *w)
{
    int node = 0;
    for (int i = 0; i < w->shared; i++) {
        const ting_char *word = &w->chars[i];
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
    ting_word_lattice *l = b->lattice;
    int node = -1;
    for (int i = w->count - 1; i > w->shared; i--) {
        const ting_char *word = &w->chars[i];
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
    ting_word_lattice *l = b->lattice;
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
    l->links[w->own].other = w->score - heard;
    l->links[w->own].share = w->share;
}

ting_err ting_word_lattice_make(const ting_sentence *sentence, ting_arena *arena, ting_word_lattice *out)
{
    ting_err err = TING_OK;
    size_t most = 2;
    for (int h = 0; h < sentence->hypothesis_count; h++)
        most += (size_t)count_chars(sentence, h) + 1;
    *out = (ting_word_lattice){.times = ting_arena_take_zeroed(arena, most, sizeof *out->times),
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
        add_link(out, from, to, w->shared < w->count ? &w->chars[w->shared] : NULL);
    }
    for (int node = ends; node > 0; node--)
        add_node(out, end_times[node - 1]);
    for (int k = b.beginnings; k < out->link_count; k++) { /* -1 becomes the last node */
        ting_word_link *link = &out->links[k];
        link->from += link->from < 0 ? out->node_count : 0;
        link->to += link->to < 0 ? out->node_count : 0;
    }
    for (int node = 1; node < out->node_count; node++) /* hypotheses differ in when they heard what they share */
        for (int k = 0; k < out->link_count; k++)
            if (out->links[k].to == node)
                out->times[node] = fmax(out->times[node], out->times[out->links[k].from]);
    for (int h = 0; h < b.count; h++)
        weigh(&b, &b.ways[h]);
out:
    return err;
}
