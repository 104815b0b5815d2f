/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ctc_greedy.h - greedy (best path) search of a CTC head (Graves 2006), incremental: the best symbol of each row; equal
 * neighbours are one token, blanks fall away.
 *
 *     TRY(ting_ctc_greedy_new(&(ting_ctc_greedy_options){.vocab = n, .blank = 0}, &search));
 *     TRY(ting_ctc_greedy_accept(search, ctx, logits));     as often as rows come; any cut of them gives the same
 *     hypothesis = ting_ctc_greedy_result(search);
 *
 * A token's row is the one of its run at which it is likeliest. One stream and one thread.
 */
#ifndef TING_DECODE_CTC_GREEDY_H
#define TING_DECODE_CTC_GREEDY_H

#include "decode/decoded.h"
#include "nn/ctx.h"

typedef struct ting_ctc_greedy_options {
    int vocab, blank;
    double blank_penalty; /* subtracted from the logit of blank: more tokens, fewer deletions */
} ting_ctc_greedy_options;

typedef struct ting_ctc_greedy ting_ctc_greedy;

/* Returns owned in *out, free with ting_ctc_greedy_free. Errors: memory. */
ting_err ting_ctc_greedy_new(const ting_ctc_greedy_options *options, ting_ctc_greedy **out);
void ting_ctc_greedy_free(ting_ctc_greedy *search);

/* Forgets everything: a new stream. */
void ting_ctc_greedy_reset(ting_ctc_greedy *search);

/* Forgets the emissions but goes on as if nothing had happened: after the end of a sentence. */
void ting_ctc_greedy_cut(ting_ctc_greedy *search);

/* logits [n, vocab], before the softmax. The arena is rewound. Errors: memory, numeric (a score that is not a number). */
ting_err ting_ctc_greedy_accept(ting_ctc_greedy *search, ting_ctx *ctx, ting_tensor logits);

/* log_prob is that of the best path, blanks included. */
ting_decoded ting_ctc_greedy_result(const ting_ctc_greedy *search);

#endif
