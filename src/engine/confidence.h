/* SPDX-License-Identifier: Apache-2.0 */
/*
 * confidence.h - how likely a character that was written is right: a logistic regression on what the sound and the search say of it, so
 * that of the characters with confidence 0.8 about 80 % are right (docs/CONFIDENCE.md has the curve and how it was fitted).
 */
#ifndef TING_ENGINE_CONFIDENCE_H
#define TING_ENGINE_CONFIDENCE_H

typedef struct ting_evidence {
    double share; /* of the probability of all lines found that has it at its place, 0 to 1 */
    double heard; /* mean log-probability of its syllable's tokens */
    double beside; /* the same of its neighbours, their mean; where there is none, its own */
} ting_evidence;

/* In (0, 1). */
double ting_confidence(const ting_evidence *evidence);

#endif
