/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lattice.h - sums over all alignments of a transducer's lattice (Graves 2012), or of a band of it.
 *
 *     states (t, u), t < frames, u <= labels;  from (t, u):  blank to (t + 1, u),  label u to (t, u + 1)
 *     every path begins at (0, 0) and ends with the blank of (frames - 1, labels)
 *
 * In a band, frame t has the states first[t] .. first[t] + width - 1 only; arcs that leave it lead nowhere.
 */
#ifndef TING_LOSS_LATTICE_H
#define TING_LOSS_LATTICE_H

#include "base/real.h"
#include "base/wide.h"

#include <stddef.h>

typedef struct ting_lattice {
    int frames, labels; /* >= 1, >= 0 */
    int width;          /* 1 .. labels + 1 */
    const int *first;   /* [frames], 0 .. labels + 1 - width; NULL: all 0 */
    const ting_wide *blank,
        *label; /* [frames, width]: probabilities of the arcs; the label's of state `labels` is not used */
} ting_lattice;

/* Elements of the scratch that ting_lattice_sum needs. */
size_t ting_lattice_scratch(const ting_lattice *lattice);

/* ln of the sum over all paths; -inf when there is none. When not NULL, blanks and labels [frames, width] get the
 * expected number of passages of each arc: the derivative of the result by the arc's log-probability (all 0 without a
 * path, and where it is below 1e-20). */
double ting_lattice_sum(const ting_lattice *lattice, ting_wide *scratch, ting_real *blanks, ting_real *labels);

#endif
