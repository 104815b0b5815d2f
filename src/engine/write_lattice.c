/* SPDX-License-Identifier: Apache-2.0 */
/*
 * write_lattice.c - HTK's standard lattice format (The HTK Book, chapter 20): the hypotheses of each sentence as a graph
 * (word_lattice.h), and those of one recording behind each other.
 *
 *     VERSION=1.0
 *     UTTERANCE=name
 *     N=nodes L=links
 *     I=0 t=0.52                                     a node, seconds
 *     J=0 S=0 E=1 W=公 a=-0.31 l=0.00 p=0.87          a link; logarithms of base e
 *
 * a: of the sound; l: the rest of the score, on the first link that a hypothesis has for itself; p: the share of all hypotheses.
 */
#include "engine/write.h"

#include "base/err.h"
#include "engine/word_lattice.h"

/* A string as HTK reads it: nothing in it ends it. */
static void add_word(ting_str *out, const char *text)
{
    for (const char *c = text; *c != '\0'; c++) {
        if (*c == '\\' || *c == '"' || *c == '\'')
            ting_str_add(out, "\\");
        ting_str_addf(out, "%c", (unsigned char)*c <= ' ' ? '_' : *c);
    }
}

/* Sentences one after the other: between two of them nothing is said. */
static void add_lattices(ting_str *out, const ting_word_lattice *lattices, int count)
{
    int first = 0, number = 0;
    for (int i = 0; i < count; i++)
        for (int k = 0; k < lattices[i].node_count; k++)
            ting_str_addf(out, "I=%d t=%.3f\n", first++, lattices[i].times[k]);
    first = 0;
    for (int i = 0; i < count; i++) {
        for (int k = 0; k < lattices[i].link_count; k++) {
            const ting_word_link *l = &lattices[i].links[k];
            ting_str_addf(out, "J=%d S=%d E=%d W=", number++, first + l->from, first + l->to);
            add_word(out, l->word != NULL ? l->word->text : "!NULL");
            ting_str_addf(out, " a=%.4f l=%.4f p=%.4f\n", l->acoustic, l->other, l->share);
        }
        first += lattices[i].node_count;
        if (i + 1 < count)
            ting_str_addf(out, "J=%d S=%d E=%d W=!NULL a=0 l=0 p=1\n", number++, first - 1, first);
    }
}

void ting_write_slf(ting_str *out, const ting_result *result, const char *name)
{
    const int sentences = ting_result_sentence_count(result), count = sentences > 0 ? sentences : 1;
    ting_arena *arena = ting_arena_new(1 << 16);
    ting_word_lattice *lattices = arena != NULL ? ting_arena_take_zeroed(arena, (size_t)count, sizeof *lattices) : NULL;
    bool failed = lattices == NULL;
    for (int i = 0; i < sentences && !failed; i++)
        failed = ting_word_lattice_make(ting_result_sentence(result, i), arena, &lattices[i]) != TING_OK;
    double times[2] = {0, ting_result_duration(result)};
    ting_word_link nothing = {.to = 1, .share = 1};
    if (sentences == 0 && !failed) /* a lattice has two nodes at least */
        lattices[0] = (ting_word_lattice){.times = times, .node_count = 2, .links = &nothing, .link_count = 1};
    int nodes = 0, links = count - 1;
    for (int i = 0; i < count && !failed; i++) {
        nodes += lattices[i].node_count;
        links += lattices[i].link_count;
    }
    ting_str_add(out, "VERSION=1.0\nUTTERANCE=");
    add_word(out, name[0] != '\0' ? name : "_");
    ting_str_addf(out, "\nlmscale=1 acscale=1\nN=%d L=%d\n", nodes, links);
    if (failed)
        out->failed = true;
    else
        add_lattices(out, lattices, count);
    ting_arena_free(arena);
}
