/* SPDX-License-Identifier: Apache-2.0 */
/* best_sums.c - see best_sums.h. */
#include "decode/best_sums.h"

#include <math.h>
#include <string.h>

/* Row t of the nodes from the row before it; `next` [before_count]: the best choice not yet used behind each. */
static int prolong(const ting_sum_node *before, int before_count, const ting_sum_list *list, int most, int *next,
                   ting_sum_node *out)
{
    int count = 0;
    memset(next, 0, (size_t)before_count * sizeof *next);
    for (; count < most; count++) {
        int best = -1;
        double best_score = -INFINITY;
        for (int b = 0; b < before_count; b++) {
            double score = next[b] < list->count ? before[b].score + list->scores[next[b]] : -INFINITY;
            if (score > best_score) {
                best = b;
                best_score = score;
            }
        }
        if (best < 0)
            break;
        out[count] = (ting_sum_node){best_score, best, next[best]++};
    }
    return count;
}

ting_err ting_sums_find(ting_arena *arena, const ting_sum_list *lists, int list_count, int most, double root, ting_sums *out)
{
    const ting_sum_node start = {.score = root, .before = -1};
    *out = (ting_sums){.count = 1, .lists = list_count, .most = most, .root = root};
    out->nodes = ting_arena_take(arena, (size_t)list_count * (size_t)most * sizeof *out->nodes);
    int *next = ting_arena_take(arena, (size_t)most * sizeof *next);
    if (ting_arena_failed(arena))
        return TING_ERR_MEMORY;
    const ting_sum_node *before = &start;
    for (int t = 0; t < list_count; t++) {
        ting_sum_node *here = out->nodes + (size_t)t * (size_t)most;
        out->count = prolong(before, out->count, &lists[t], most, next, here);
        before = here;
    }
    return TING_OK;
}

double ting_sums_score(const ting_sums *sums, int rank)
{
    return sums->lists == 0 ? sums->root : sums->nodes[(size_t)(sums->lists - 1) * (size_t)sums->most + (size_t)rank].score;
}

void ting_sums_choices(const ting_sums *sums, int rank, int *choices)
{
    for (int t = sums->lists - 1, at = rank; t >= 0; t--) {
        const ting_sum_node *node = &sums->nodes[(size_t)t * (size_t)sums->most + (size_t)at];
        choices[t] = node->choice;
        at = node->before;
    }
}

int ting_sums_possible(const ting_sum_list *lists, int list_count, int most)
{
    int possible = 1;
    for (int t = 0; t < list_count && possible > 0; t++)
        possible = lists[t].count < most / possible + 1 ? possible * lists[t].count : most;
    return possible < most ? possible : most;
}
