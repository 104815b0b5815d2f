/* SPDX-License-Identifier: Apache-2.0 */
/*
 * transducer_beam.h - modified beam search of a transducer (icefall beam_search.py modified_beam_search): at each encoder
 * row every hypothesis may emit one token or none, the best `beam` of all stay, and hypotheses with the same tokens become
 * one whose probability is the sum. Incremental: any cut of the rows gives the same.
 *
 *     TRY(ting_beam_new(model, &(ting_beam_options){.beam = 4}, &search));
 *     TRY(ting_beam_accept(search, ctx, rows));
 *     TRY(ting_beam_results(search, 4, &best, &count));       n-best
 *
 * With fusion (decode/fusion.h) a hypothesis gains with each of its tokens, as in icefall modified_beam_search_lm_shallow_fusion and
 * modified_beam_search_LODR: the network alone says which pairs of hypothesis and token stay in a row, what they gained counts from then
 * on. One stream and one thread; model, graph and fusion are shared.
 */
#ifndef TING_DECODE_TRANSDUCER_BEAM_H
#define TING_DECODE_TRANSDUCER_BEAM_H

#include "decode/context_graph.h"
#include "decode/decoded.h"
#include "decode/fusion.h"
#include "model/transducer.h"

typedef struct ting_beam_options {
    int beam;                        /* hypotheses kept, 1 to 64; 0 means 4 */
    double temperature;              /* above 1: less sure of itself; 0 means 1 */
    double blank_penalty;            /* subtracted from the logit of blank */
    const ting_context_graph *graph; /* phrases to favour, borrowed; NULL: none */
    const ting_fusion *fusion;       /* borrowed; NULL: none */
} ting_beam_options;

typedef struct ting_beam ting_beam;

/* Returns owned in *out, free with ting_beam_free. Errors: argument, memory, those of ting_fuser_new. */
ting_err ting_beam_new(const ting_transducer *model, const ting_beam_options *options,
                       ting_beam **out);
void ting_beam_free(ting_beam *search);

/* A new stream. */
void ting_beam_reset(ting_beam *search);

/* After the end of a sentence: forgets the emissions; the best hypothesis alone goes on, and rows are counted on. */
void ting_beam_cut(ting_beam *search);

/* rows [n, encoder_dim]. The arena is rewound. Errors: memory, numeric. */
ting_err ting_beam_accept(ting_beam *search, ting_ctx *ctx, ting_tensor rows);

/* The best `most` hypotheses, best first by log-probability per token (as the reference ranks them), at least one; they
 * borrow until the next call. With fusion the end of the sentence counts among several: one alone is asked for while it is still being
 * said. Errors: memory. */
ting_err ting_beam_results(ting_beam *search, int most, const ting_decoded **out, int *count);

#endif
