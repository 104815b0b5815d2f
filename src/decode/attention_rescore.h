/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attention_rescore.h - an attention decoder's second opinion on what a first search has found (WeNet's attention_rescoring,
 * Zhang 2020):
 *
 *     attention = (1 - reverse) sum_t log p(token_t | those before it) + reverse sum_t log p'(token_t | those behind it),
 *                 `end` counted in
 *     score     = attention + ctc_weight x log-probability of the first search
 *
 * All hypotheses of all utterances go through the decoder in one call.
 */
#ifndef TING_DECODE_ATTENTION_RESCORE_H
#define TING_DECODE_ATTENTION_RESCORE_H

#include "model/attention_decoder.h"

typedef struct ting_rescore_options {
    double ctc_weight; /* WeNet's recipes: 0.3 to 0.5 */
    double reverse;    /* [0, 1] share of the decoder that reads from the last token; ignored without one */
} ting_rescore_options;

typedef struct ting_rescored {
    double score;
    double attention; /* exp(attention / (tokens + 1)) is WeNet's confidence of the line */
} ting_rescored;

/* tokens [n] of lines; line h was heard in segment of_memory[h] of memory [M, width] (NULL: its own number), and the first
 * search gave it first[h] -> out [lines]. The context has no tape; its arena is rewound. Errors: memory; internal (a token that
 * is none); numeric, when a score is not a number. */
ting_err ting_attention_rescore(ting_ctx *ctx, const ting_attention_decoder *decoder, ting_tensor memory,
                                ting_segments memory_segments, const int *tokens, ting_segments lines, const int *of_memory,
                                const double *first, const ting_rescore_options *options, ting_rescored *out);

/* Places of `count` scores in order, best first, the earlier of equals first. */
void ting_rescored_order(const ting_rescored *scores, int count, int *order);

#endif
