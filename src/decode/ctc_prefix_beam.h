/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ctc_prefix_beam.h - prefix beam search of a CTC head (Hannun 2014): token sequences side by side, each with the sum over
 * all its alignments so far, those that end in blank apart from those that end in its last token. Incremental: any cut of
 * the rows gives the same.
 *
 *     TRY(ting_ctc_beam_new(&(ting_ctc_beam_options){.vocab = n, .blank = 0, .beam = 8}, &search));
 *     TRY(ting_ctc_beam_accept(search, ctx, logits));
 *     TRY(ting_ctc_beam_results(search, 4, &best, &count));       n-best
 *
 * Of each row the likeliest `beam` tokens may prolong a sequence. Where a token stands, and how sure it is, comes from
 * the likeliest alignment of its sequence: its likeliest row there. One stream and one thread.
 *
 * With fusion (decode/fusion.h) a sequence has in its sums what the language models gain with each of its tokens; alignments of one
 * sequence share it. A row that is surely blank only scales sums: what its other tokens would have had, less than 1 - skip of each sum,
 * is lost.
 */
#ifndef TING_DECODE_CTC_PREFIX_BEAM_H
#define TING_DECODE_CTC_PREFIX_BEAM_H

#include "decode/decoded.h"
#include "decode/fusion.h"
#include "nn/ctx.h"

enum { TING_CTC_BEAM_MOST = 512 };

typedef struct ting_ctc_beam_options {
    int vocab, blank;
    int beam;             /* sequences kept, 1 to TING_CTC_BEAM_MOST; 0 means 8 */
    double blank_penalty; /* subtracted from the logit of blank */
    double skip;          /* rows whose blank is likelier are surely blank; 0 or 1: none is */
    const ting_fusion *fusion; /* borrowed; NULL: none */
} ting_ctc_beam_options;

typedef struct ting_ctc_beam ting_ctc_beam;

/* Returns owned in *out, free with ting_ctc_beam_free. Errors: argument (beam), memory, those of
 * ting_fuser_new. */
ting_err ting_ctc_beam_new(const ting_ctc_beam_options *options, ting_ctc_beam **out);
void ting_ctc_beam_free(ting_ctc_beam *search);

/* A new stream. */
void ting_ctc_beam_reset(ting_ctc_beam *search);

/* After the end of a sentence: forgets the emissions; the best sequence alone goes on, and rows are counted on. */
void ting_ctc_beam_cut(ting_ctc_beam *search);

/* logits [n, vocab], before the softmax. The arena is rewound. Errors: memory, numeric. */
ting_err ting_ctc_beam_accept(ting_ctc_beam *search, ting_ctx *ctx, ting_tensor logits);

/* The best `most` sequences, best first by log-probability, at least one; they borrow until the next call. With fusion that is with all
 * gains; among several the end of the sentence counts too: one alone is asked for while it is still being said. Errors: memory. */
ting_err ting_ctc_beam_results(ting_ctc_beam *search, int most, const ting_decoded **out, int *count);

#endif
