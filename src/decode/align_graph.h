/* SPDX-License-Identifier: Apache-2.0 */
/*
 * align_graph.h - what is to be aligned: places in order, each said in one of several ways -> the graph of its tokens.
 *
 *     places   公 {g ōng}   长 {zh ǎng | ch áng}   安 {ān}
 *     nodes    0 -> g -> ōng -> zh -> ǎng -> ān      a node for each token and for each context in which the model is asked: ān
 *                          \--> ch -> áng -> ān'     stands twice where the two tokens before matter, once where only itself does
 *
 * Nodes are in topological order; node 0 stands before the first token.
 */
#ifndef TING_DECODE_ALIGN_GRAPH_H
#define TING_DECODE_ALIGN_GRAPH_H

#include "base/err.h"
#include "model/transducer.h"

#include <stdbool.h>
#include <stddef.h>

enum { TING_ALIGN_TOKENS = 2, TING_ALIGN_PATHS = 8 }; /* a path's, a place's */

typedef struct ting_align_path { /* one way to say what stands at a place */
    int tokens[TING_ALIGN_TOKENS];
    int count; /* 1 or 2; of decode/substitute.h also 0, nothing */
} ting_align_path;

typedef struct ting_align_place {
    ting_align_path paths[TING_ALIGN_PATHS];
    int path_count; /* at least 1 */
} ting_align_place;

typedef struct ting_align_node {
    int token;             /* -1: of node 0 */
    int place, path;       /* -1: of node 0 */
    int from, from_count;  /* in graph.from: the nodes before it, all with smaller numbers */
    int reach;             /* the greatest number of a node after this one or after one with a smaller number; its own where none is */
    int context[TING_TRANSDUCER_MAX_CONTEXT]; /* the last `width` tokens up to this one, the newest last */
} ting_align_node;

typedef struct ting_align_graph { /* start with {0}; free with ting_align_graph_free */
    ting_align_node *nodes; /* [count] */
    int count;
    int *from;              /* [from_count] */
    int from_count;
    int *ends;              /* [end_count] nodes of the last place's last tokens */
    int end_count;
    int shortest;           /* tokens of the shortest way through it */
    size_t node_room, from_room;
} ting_align_graph;

/* width: tokens that the model sees behind it, its own included: a predictor's context, 1 for CTC; `start` [width]: what it sees before
 * the first. Errors: memory. */
ting_err ting_align_graph_make(const ting_align_place *places, int count, int width, const int *start, ting_align_graph *out);
void ting_align_graph_free(ting_align_graph *graph);

#endif
