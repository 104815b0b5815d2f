/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lattice.h - sums over all alignments of a transducer's lattice (Graves 2012), in log space and double precision.
 *
 *     states (t, u), t < frames, u <= labels;  from (t, u):  blank to (t + 1, u),  label u to (t, u + 1)
 *     every path begins at (0, 0) and ends with the blank of (frames - 1, labels)
 */
#ifndef TING_LOSS_LATTICE_H
#define TING_LOSS_LATTICE_H

typedef struct ting_lattice {
    int frames, labels;   /* >= 1, >= 0 */
    const double *blank;  /* [frames, labels + 1] log-probabilities; -inf: not allowed */
    const double *label;  /* [frames, labels + 1]; the last column is not used */
} ting_lattice;

/* log of the sum over all paths; -inf when there is none. scratch [2 frames (labels + 1)]. When not NULL, blanks and labels
 * [frames, labels + 1] get the expected number of passages of each arc: the derivative of the result by the arc's
 * log-probability (all 0 without a path). */
double ting_lattice_sum(const ting_lattice *lattice, double *scratch, double *blanks, double *labels);

#endif
