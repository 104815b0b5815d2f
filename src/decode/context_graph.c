/* SPDX-License-Identifier: Apache-2.0 */
/* context_graph.c - see context_graph.h. States are numbered as made: a parent before its children. */
#include "decode/context_graph.h"

#include "base/mem.h"

#include <stdbool.h>

typedef struct state {
    int token, parent;
    int first_child, sibling; /* -1: none */
    double token_score;       /* earned on the way in */
    double score;             /* earned from the root to here */
    double output_score;      /* of all phrases that end here */
    int phrase;               /* that ends exactly here, or -1 */
    int fail;                 /* the longest proper suffix that is a state */
    int output;               /* the longest proper suffix where a phrase ends, or -1 */
} state;

struct ting_context_graph {
    state *states;
    int count;
};

static int child_of(const ting_context_graph *graph, int parent, int token)
{
    int child = graph->states[parent].first_child;
    while (child >= 0 && graph->states[child].token != token)
        child = graph->states[child].sibling;
    return child;
}

static void add_phrase(ting_context_graph *graph, const ting_context_phrase *phrase, int index)
{
    int at = TING_CONTEXT_ROOT;
    for (int i = 0; i < phrase->count; i++) {
        int child = child_of(graph, at, phrase->tokens[i]);
        if (child < 0) {
            child = graph->count++;
            graph->states[child] = (state){.token = phrase->tokens[i],
                                           .parent = at,
                                           .first_child = -1,
                                           .sibling = graph->states[at].first_child,
                                           .phrase = -1,
                                           .output = -1,
                                           .token_score = phrase->score};
            graph->states[at].first_child = child;
        }
        if (graph->states[child].token_score < phrase->score)
            graph->states[child].token_score = phrase->score;
        at = child;
    }
    graph->states[at].phrase = index;
}

static bool is_end(const state *s)
{
    return s->phrase >= 0;
}

/* Fail and output links of one state whose parent has them. */
static void link_state(ting_context_graph *graph, int index)
{
    state *s = &graph->states[index];
    const state *parent = &graph->states[s->parent];
    s->score = parent->score + s->token_score;
    s->fail = TING_CONTEXT_ROOT;
    for (int at = s->parent; at != TING_CONTEXT_ROOT;) {
        at = graph->states[at].fail;
        int child = child_of(graph, at, s->token);
        if (child >= 0) {
            s->fail = child;
            break;
        }
    }
    const state *suffix = &graph->states[s->fail];
    s->output = s->fail == TING_CONTEXT_ROOT ? -1 : is_end(suffix) ? s->fail : suffix->output;
    s->output_score =
        (is_end(s) ? s->score : 0) + (s->output >= 0 ? graph->states[s->output].output_score : 0);
}

/* Breadth first: a fail link leads to a shallower state. `queue` has room for all. */
static void link_all(ting_context_graph *graph, int *queue)
{
    int head = 0, tail = 0;
    queue[tail++] = TING_CONTEXT_ROOT;
    while (head < tail) {
        int at = queue[head++];
        if (at != TING_CONTEXT_ROOT)
            link_state(graph, at);
        for (int child = graph->states[at].first_child; child >= 0;
             child = graph->states[child].sibling)
            queue[tail++] = child;
    }
}

ting_err ting_context_graph_new(const ting_context_phrase *phrases, int count,
                                ting_context_graph **out)
{
    ting_err err = TING_OK;
    ting_context_graph *graph = NULL;
    int *queue = NULL;
    size_t most = 1;
    *out = NULL;
    for (int i = 0; i < count; i++) {
        if (phrases[i].count < 1)
            FAIL(TING_ERR_ARGUMENT, "phrase %d has no tokens", i + 1);
        most += (size_t)phrases[i].count;
    }
    graph = ting_alloc(1, sizeof *graph);
    queue = ting_alloc(most, sizeof *queue);
    if (graph != NULL)
        graph->states = ting_alloc(most, sizeof *graph->states);
    if (graph == NULL || queue == NULL || graph->states == NULL) {
        err = TING_ERR_MEMORY;
        goto out;
    }
    graph->states[graph->count++] =
        (state){.token = -1, .first_child = -1, .sibling = -1, .phrase = -1, .output = -1};
    for (int i = 0; i < count; i++)
        add_phrase(graph, &phrases[i], i);
    link_all(graph, queue);
    *out = graph;
    graph = NULL;
out:
    ting_context_graph_free(graph);
    ting_free(queue);
    return err;
}

void ting_context_graph_free(ting_context_graph *graph)
{
    if (graph == NULL)
        return;
    ting_free(graph->states);
    ting_free(graph);
}

static int next_state(const ting_context_graph *graph, int at, int token)
{
    int child = child_of(graph, at, token);
    while (child < 0 && at != TING_CONTEXT_ROOT) {
        at = graph->states[at].fail;
        child = child_of(graph, at, token);
    }
    return child >= 0 ? child : TING_CONTEXT_ROOT;
}

double ting_context_step(const ting_context_graph *graph, int from, int token, int *next)
{
    *next = next_state(graph, from, token);
    return graph->states[*next].score - graph->states[from].score +
           graph->states[*next].output_score;
}

double ting_context_step_once(const ting_context_graph *graph, int from, int token, int *next)
{
    *next = next_state(graph, from, token);
    const state *to = &graph->states[*next];
    double earned = to->score;
    if (is_end(to) || to->output >= 0) {
        earned = is_end(to) ? to->score : graph->states[to->output].score;
        *next = TING_CONTEXT_ROOT;
    }
    return earned - graph->states[from].score;
}

int ting_context_match(const ting_context_graph *graph, int at)
{
    const state *s = &graph->states[at];
    return is_end(s) ? s->phrase : s->output >= 0 ? graph->states[s->output].phrase : -1;
}

double ting_context_unfinished(const ting_context_graph *graph, int at)
{
    return graph->states[at].score;
}
