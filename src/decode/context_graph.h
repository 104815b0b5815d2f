/* SPDX-License-Identifier: Apache-2.0 */
/*
 * context_graph.h - phrases that a search should favour or report: an Aho-Corasick automaton with scores (icefall
 * context_graph.py).
 *
 * Every token that leads deeper into a phrase earns its score; when the match breaks, what was earned is given back on
 * the way to the longest suffix that still matches, so a phrase only profits as a whole. Where phrases share a
 * beginning, its tokens earn the largest of their scores.
 */
#ifndef TING_DECODE_CONTEXT_GRAPH_H
#define TING_DECODE_CONTEXT_GRAPH_H

#include "base/err.h"

typedef struct ting_context_graph ting_context_graph;

enum { TING_CONTEXT_ROOT = 0 }; /* the state at the beginning */

typedef struct ting_context_phrase {
    const int *tokens; /* [count], count >= 1 */
    int count;
    double score; /* earned by each token */
} ting_context_phrase;

/* Returns owned in *out, free with ting_context_graph_free. Copies. Errors: memory, argument (an empty phrase). */
ting_err ting_context_graph_new(const ting_context_phrase *phrases, int count,
                                ting_context_graph **out);
void ting_context_graph_free(ting_context_graph *graph);

/* From `state` by a token: returns what is earned (or given back) and stores the next state. A matched phrase's earnings
 * are added once more, as the reference does, to keep it ahead. */
double ting_context_step(const ting_context_graph *graph, int state, int token, int *next);

/* The same for biasing: a phrase that is complete is paid once and the match starts anew. */
double ting_context_step_once(const ting_context_graph *graph, int state, int token, int *next);

/* The longest phrase that ends in this state: its index, or -1. */
int ting_context_match(const ting_context_graph *graph, int state);

/* What has to be given back if nothing follows: the earnings of an unfinished match. */
double ting_context_unfinished(const ting_context_graph *graph, int state);

#endif
