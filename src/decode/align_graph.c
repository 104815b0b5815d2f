/* SPDX-License-Identifier: Apache-2.0 */
/* align_graph.c - see align_graph.h. */
#include "decode/align_graph.h"

#include "base/mem.h"

#include <string.h>

typedef struct list { /* of nodes */
    int *items;
    int count;
    size_t room;
} list;

static ting_err list_add(list *l, int node)
{
    ting_err err = ting_reserve(&l->items, (size_t)l->count, 1, &l->room, sizeof *l->items);
    if (err == TING_OK)
        l->items[l->count++] = node;
    return err;
}

static void push(const ting_align_node *node, int token, int width, int *context)
{
    memcpy(context, node->context + 1, (size_t)(width - 1) * sizeof *context);
    context[width - 1] = token;
}

static bool same_context(const int *a, const int *b, int width)
{
    return memcmp(a, b, (size_t)width * sizeof *a) == 0;
}

/* A node for the token after before->items[at], and its arcs from all of them that give it the same context. */
static ting_err add_node(ting_align_graph *g, const list *before, int at, const ting_align_node *like, int width)
{
    ting_err err = TING_OK;
    int context[TING_TRANSDUCER_MAX_CONTEXT];
    TRY(ting_reserve(&g->nodes, (size_t)g->count, 1, &g->node_room, sizeof *g->nodes));
    ting_align_node *node = &g->nodes[g->count];
    *node = *like;
    node->from = g->from_count;
    for (int k = at; k < before->count; k++) {
        push(&g->nodes[before->items[k]], node->token, width, context);
        if (!same_context(context, node->context, width))
            continue;
        TRY(ting_reserve(&g->from, (size_t)g->from_count, 1, &g->from_room, sizeof *g->from));
        g->from[g->from_count++] = before->items[k];
        node->from_count++;
    }
    g->count++;
out:
    return err;
}

/* All nodes of one token of a path, to `made`. */
static ting_err add_token(ting_align_graph *g, const list *before, int token, int place, int path, int width, list *made)
{
    ting_err err = TING_OK;
    const int first = g->count;
    for (int i = 0; i < before->count; i++) {
        ting_align_node like = {.token = token, .place = place, .path = path};
        push(&g->nodes[before->items[i]], token, width, like.context);
        bool known = false;
        for (int n = first; n < g->count && !known; n++)
            known = same_context(g->nodes[n].context, like.context, width);
        if (known)
            continue;
        TRY(add_node(g, before, i, &like, width));
        TRY(list_add(made, g->count - 1));
    }
out:
    return err;
}

static ting_err add_place(ting_align_graph *g, const ting_align_place *p, int place, int width, const list *before, list *after)
{
    ting_err err = TING_OK;
    list between[TING_ALIGN_TOKENS] = {{0}};
    int shortest = TING_ALIGN_TOKENS;
    for (int k = 0; k < p->path_count; k++) {
        const ting_align_path *path = &p->paths[k];
        const list *from = before;
        for (int i = 0; i < path->count; i++) {
            list *to = i + 1 < path->count ? &between[i] : after;
            if (to != after)
                to->count = 0;
            TRY(add_token(g, from, path->tokens[i], place, k, width, to));
            from = to;
        }
        shortest = path->count < shortest ? path->count : shortest;
    }
    g->shortest += shortest;
out:
    for (int i = 0; i < TING_ALIGN_TOKENS; i++)
        ting_free(between[i].items);
    return err;
}

static void set_reach(ting_align_graph *g)
{
    for (int n = 0; n < g->count; n++) {
        g->nodes[n].reach = n;
        for (int k = 0; k < g->nodes[n].from_count; k++)
            g->nodes[g->from[g->nodes[n].from + k]].reach = n;
    }
    for (int n = 1; n < g->count; n++)
        if (g->nodes[n].reach < g->nodes[n - 1].reach)
            g->nodes[n].reach = g->nodes[n - 1].reach;
}

ting_err ting_align_graph_make(const ting_align_place *places, int count, int width, const int *start, ting_align_graph *out)
{
    ting_err err = TING_OK;
    list before = {0}, after = {0};
    *out = (ting_align_graph){0};
    TRY(ting_reserve(&out->nodes, 0, 1, &out->node_room, sizeof *out->nodes));
    out->nodes[out->count++] = (ting_align_node){.token = -1, .place = -1, .path = -1};
    memcpy(out->nodes[0].context, start, (size_t)width * sizeof *start);
    TRY(list_add(&before, 0));
    for (int i = 0; i < count; i++) {
        after.count = 0;
        TRY(add_place(out, &places[i], i, width, &before, &after));
        const list old = before;
        before = after;
        after = old;
    }
    set_reach(out);
    out->ends = before.items;
    out->end_count = before.count;
    before.items = NULL;
out:
    ting_free(before.items);
    ting_free(after.items);
    if (err != TING_OK) {
        ting_align_graph_free(out);
        ting_fail(err, "out of memory for a text of %d characters to align", count);
    }
    return err;
}

void ting_align_graph_free(ting_align_graph *g)
{
    ting_free(g->nodes);
    ting_free(g->from);
    ting_free(g->ends);
    *g = (ting_align_graph){0};
}
