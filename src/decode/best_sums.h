/* SPDX-License-Identifier: Apache-2.0 */
/*
 * best_sums.h - the n best sums of one number from each of several lists, exactly: lines of hanzi from the characters of
 * each place, or from the lines of each piece.
 *
 *     list 0 [3 2 1], list 1 [5 1]  ->  8 (3 + 5), 7 (2 + 5), 6 (1 + 5), 4 (3 + 1), ...
 *
 * After each list the n best beginnings are kept; each prolongs one of the n best before it. Of equal sums the one with
 * the earlier beginning, then the earlier choice, comes first: sum 0 is made of choice 0 everywhere.
 */
#ifndef TING_DECODE_BEST_SUMS_H
#define TING_DECODE_BEST_SUMS_H

#include "base/arena.h"
#include "base/err.h"

typedef struct ting_sum_list {
    const double *scores; /* [count] falling */
    int count;
} ting_sum_list;

typedef struct ting_sum_node { /* a beginning: which earlier one it prolongs, with which choice */
    double score;
    int before, choice;
} ting_sum_node;

typedef struct ting_sums {
    int count;            /* sums found: at most `most` */
    int lists, most;
    double root;
    ting_sum_node *nodes; /* [lists, most] */
} ting_sums;

/* The `most` >= 1 best sums; `root` is added to each. No list gives one sum, `root`; an empty list none. Lives in the
 * arena. Errors: memory. */
ting_err ting_sums_find(ting_arena *arena, const ting_sum_list *lists, int list_count, int most, double root, ting_sums *out);

double ting_sums_score(const ting_sums *sums, int rank);

/* What sum `rank` < count was made of: choices [lists]. */
void ting_sums_choices(const ting_sums *sums, int rank, int *choices);

/* How many sums there can be, at most `most`: for memory that must be taken before they are found. */
int ting_sums_possible(const ting_sum_list *lists, int list_count, int most);

#endif
