/* SPDX-License-Identifier: Apache-2.0 */
/*
 * expand.h - one step of a transducer beam search: every hypothesis with every token at one encoder row, the best few.
 * One product of the joiner serves all hypotheses.
 */
#ifndef TING_DECODE_EXPAND_H
#define TING_DECODE_EXPAND_H

#include "decode/decoded.h"
#include "decode/predictor_cache.h"

enum { TING_BEAM_MOST = 64 };

typedef struct ting_candidate {
    int parent, token;
    double total;    /* log-probability of the parent plus that of the token */
    double log_prob; /* of the token */
    ting_rival rivals[TING_RIVALS]; /* of the token; none of blank */
} ting_candidate;

typedef struct ting_expansion {
    const ting_transducer *model;
    ting_predictor_cache *cache;
    double temperature;   /* logits are divided by it */
    double blank_penalty; /* subtracted from the logit of blank */
    int beam;             /* 1 to TING_BEAM_MOST */
} ting_expansion;

/* e: one projected encoder row; contexts [count, context], totals [count]; the best `beam` of all pairs go to out,
 * best first (ties: the earlier parent, then the lower token). Returns how many, -1 with the sticky error in the
 * context. The arena is rewound. */
int ting_expand(const ting_expansion *step, ting_ctx *ctx, ting_tensor e, const int *contexts,
                const double *totals, int count, ting_candidate *out);

#endif
