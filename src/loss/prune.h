/* SPDX-License-Identifier: Apache-2.0 */
/*
 * prune.h - which states of a transducer's lattice are worth a joiner (pruned RNN-T, Kuang 2022; k2
 * get_rnnt_prune_ranges).
 *
 * Of each frame a window of `width` states is kept: the one in which the paths of the simple loss pass most, moved as
 * little as the following laws ask, so that a path through all windows exists:
 *
 *     first[0] = 0,   first[t] <= first[t + 1] <= first[t] + width - 1,   first[T - 1] + width = labels + 1
 */
#ifndef TING_LOSS_PRUNE_H
#define TING_LOSS_PRUNE_H

#include "loss/simple_transducer.h"

/* targets: the whole lattice; range >= 1. first [frames in all], width [utterances] are what ting_transducer_targets
 * takes. width is range, but never more than the states there are, and never less than a path needs: U labels in T
 * frames want windows of at least ceil(U / T) + 1 states. */
void ting_prune_ranges(const ting_transducer_targets *targets, const ting_arcs *arcs, int range, int *first,
                       int *width);

#endif
