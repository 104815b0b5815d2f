/* SPDX-License-Identifier: Apache-2.0 */
/* rivals.h - what greedy searches nearly emitted instead: the next tokens of the row, for n-best lists. */
#ifndef TING_DECODE_RIVALS_H
#define TING_DECODE_RIVALS_H

#include "nn/tensor.h"

enum { TING_GREEDY_RIVALS = 3 };

typedef struct ting_rival { /* a token that was nearly emitted instead */
    int token;              /* -1: there is none */
    double log_prob;
} ting_rival;

/* The likeliest of log_probs [vocab] but the one that is emitted and blank, likeliest first. */
void ting_rivals_note(const ting_real *log_probs, int vocab, int blank, int emitted, ting_rival out[TING_GREEDY_RIVALS]);

/* Index of the greatest of scores [count], the first of equals. */
int ting_greatest(const ting_real *scores, int count);

#endif
