/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ctc_prefix_beam.h - prefix beam search of a CTC head (Graves 2006; Hannun 2014), incremental: each hypothesis is a
 * sequence of tokens, its log_prob the log of the sum over all paths that collapse to it and were not pruned.
 *
 *     TRY(ting_ctc_beam_new(&(ting_ctc_beam_options){.blank = 0, .beam = 10}, &search));
 *     TRY(ting_ctc_beam_accept(search, ting_ctc_head_log_probs(ctx, logits)));   any cut of the rows gives the same
 *     TRY(ting_ctc_beam_results(search, 4, &best, &count));       n-best
 *
 * In each row every hypothesis may stay or grow by any class; the best `beam` of all stay (no class is left out
 * before). A token's row and log_prob are those of its first row in the likeliest path of the hypothesis. One stream
 * and one thread.
 */
#ifndef TING_DECODE_CTC_PREFIX_BEAM_H
#define TING_DECODE_CTC_PREFIX_BEAM_H

#include "base/err.h"
#include "decode/decoded.h"
#include "nn/tensor.h"

enum { TING_CTC_BEAM_MOST = 1024 };

typedef struct ting_ctc_beam_options {
    int blank;
    int beam; /* hypotheses kept, 1 to TING_CTC_BEAM_MOST; 0 means 10 */
} ting_ctc_beam_options;

typedef struct ting_ctc_beam ting_ctc_beam;

/* Returns owned in *out, free with ting_ctc_beam_free. Errors: argument, memory. */
ting_err ting_ctc_beam_new(const ting_ctc_beam_options *options, ting_ctc_beam **out);
void ting_ctc_beam_free(ting_ctc_beam *search);

/* A new stream. */
void ting_ctc_beam_reset(ting_ctc_beam *search);

/* After the end of a sentence: forgets the emissions; the best hypothesis alone goes on, and rows are counted on. */
void ting_ctc_beam_cut(ting_ctc_beam *search);

/* log_probs [n, V], rows of log-probabilities. Errors: argument (blank is no class), memory, numeric (a row with a NaN,
 * or all of whose classes are impossible): the rows before it are taken. */
ting_err ting_ctc_beam_accept(ting_ctc_beam *search, ting_tensor log_probs);

/* The best `most` hypotheses, likeliest first, at least one; they borrow until the next call. Errors: memory. */
ting_err ting_ctc_beam_results(ting_ctc_beam *search, int most, const ting_decoded **out, int *count);

#endif
