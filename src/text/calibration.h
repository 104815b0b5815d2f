/* SPDX-License-Identifier: Apache-2.0 */
/*
 * calibration.h - how far confidences can be trusted: of the units that were given confidence c, is the share c right?
 *
 *     for every unit of a hypothesis:  ting_calibration_add(&c, confidence, right)
 *     ting_calibration_error           mean distance between the two, over ten bins (expected calibration error)
 *     ting_calibration_nce             how much better than the mean alone they tell right from wrong
 */
#ifndef TING_TEXT_CALIBRATION_H
#define TING_TEXT_CALIBRATION_H

#include <stdbool.h>

enum { TING_CALIBRATION_BINS = 10 }; /* [0, 0.1), ... [0.9, 1] */

typedef struct ting_calibration { /* starts as {0} */
    struct {
        long count, right;
        double confidence; /* sum */
    } bins[TING_CALIBRATION_BINS];
    long count, right;
    double log_prob; /* of what happened, natural */
} ting_calibration;

/* confidence: what lies outside 1e-6 to 1 - 1e-6 counts as that: certainty that is wrong would cost infinitely much. */
void ting_calibration_add(ting_calibration *calibration, double confidence, bool right);

/* 0: perfect; 0 of no unit. */
double ting_calibration_error(const ting_calibration *calibration);

/* Normalised cross entropy (NIST, Siu et al. 1997): 1 - H(right | confidence) / H(right). 1: confidences know all, 0: no more than their
 * mean, below: misleading. NAN where all or none are right. */
double ting_calibration_nce(const ting_calibration *calibration);

#endif
