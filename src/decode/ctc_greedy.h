/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ctc_greedy.h - the best path of a CTC head (Graves 2006), incremental: in each row the likeliest class; a run of one
 * class is one token, blanks are none.
 *
 *     TRY(ting_ctc_greedy_new(blank, &search));
 *     TRY(ting_ctc_greedy_accept(search, ting_ctc_head_log_probs(ctx, logits)));   any cut of the rows gives the same
 *     hypothesis = ting_ctc_greedy_result(search);
 *
 * A token's row is the first of its run, so that it stands as soon as it is heard; its log_prob is the highest in the
 * run, and may still rise with the next rows. The log_prob of the whole is that of the path. One stream and one thread.
 */
#ifndef TING_DECODE_CTC_GREEDY_H
#define TING_DECODE_CTC_GREEDY_H

#include "base/err.h"
#include "decode/decoded.h"
#include "nn/tensor.h"

typedef struct ting_ctc_greedy ting_ctc_greedy;

/* Returns owned in *out, free with ting_ctc_greedy_free. Errors: memory. */
ting_err ting_ctc_greedy_new(int blank, ting_ctc_greedy **out);
void ting_ctc_greedy_free(ting_ctc_greedy *search);

/* Forgets everything: a new stream. */
void ting_ctc_greedy_reset(ting_ctc_greedy *search);

/* Forgets the emissions but goes on as if nothing had happened: a run that goes on is not a token again. */
void ting_ctc_greedy_cut(ting_ctc_greedy *search);

/* log_probs [n, V], rows of log-probabilities. Errors: argument (blank is no class), memory, numeric (a row with a NaN,
 * or all of whose classes are impossible): the rows before it are taken. */
ting_err ting_ctc_greedy_accept(ting_ctc_greedy *search, ting_tensor log_probs);

ting_decoded ting_ctc_greedy_result(const ting_ctc_greedy *search);

#endif
