/* SPDX-License-Identifier: Apache-2.0 */
/* rivals.h - what was nearly emitted instead of a token: the next ones of the row. */
#ifndef TING_DECODE_RIVALS_H
#define TING_DECODE_RIVALS_H

#include "decode/decoded.h"
#include "nn/tensor.h"

/* The likeliest of log_probs [vocab] but the one that is emitted and blank, likeliest first. */
void ting_rivals_note(const ting_real *log_probs, int vocab, int blank, int emitted, ting_rival out[TING_RIVALS]);

/* Index of the greatest of scores [count], the first of equals. */
int ting_greatest(const ting_real *scores, int count);

#endif
