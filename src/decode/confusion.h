/* SPDX-License-Identifier: Apache-2.0 */
/*
 * confusion.h - hypotheses of one sentence -> a confusion network: places one after the other, at each what the hypotheses have
 * there, with the share of their probability that says so (Mangu et al. 2000).
 *
 *     zhong1 guo2 ren2     0.5         place 0        1          2
 *     zhong4 guo2 ren2     0.3    ->   zhong1 0.7     guo2 1.0   ren2    0.8
 *     zhong1 guo2          0.2         zhong4 0.3                nothing 0.2
 *
 * A hypothesis may name what nearly stood at a place of it instead, and how much less likely that is: there it is a choice too, as
 * likely as that, or as the hypotheses that have it are together, whichever is more.
 *
 * The hypotheses are aligned one by one, in the order given, to what the ones before them made: fewest differences, and of equally
 * few, those whose symbols were said at nearly the same time.
 */
#ifndef TING_DECODE_CONFUSION_H
#define TING_DECODE_CONFUSION_H

#include "base/arena.h"
#include "base/err.h"

typedef struct ting_confusion_other { /* what nearly stood there instead */
    int place, symbol;
    double loss; /* in log-probability, >= 0 */
} ting_confusion_other;

typedef struct ting_confusion_input {
    const int *symbols;   /* [count], >= 0 */
    const double *starts; /* [count] seconds; NULL: not known */
    int count;
    double score;                       /* log-probability */
    const ting_confusion_other *others; /* [other_count] in order of place */
    int other_count;
} ting_confusion_input;

enum { TING_CONFUSION_NOTHING = -1 };

typedef struct ting_confusion_choice {
    int symbol;       /* or TING_CONFUSION_NOTHING */
    double log_prob;  /* given that one of the inputs is right */
    int input, place; /* the likeliest that has it, and where in it; of NOTHING the input alone */
    int other;        /* which of its others it is; -1: it is the symbol itself */
} ting_confusion_choice;

typedef struct ting_confusion_place {
    ting_confusion_choice *choices; /* [count], in the order in which they came */
    int count;
    size_t room;
} ting_confusion_place;

typedef struct ting_confusion {
    ting_confusion_place *places; /* [count] */
    int count;
} ting_confusion;

/* input_count >= 1; lives in the arena. Errors: memory. */
ting_err ting_confusion_make(ting_arena *arena, const ting_confusion_input *inputs, int input_count, ting_confusion *out);

#endif
