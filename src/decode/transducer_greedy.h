/* SPDX-License-Identifier: Apache-2.0 */
/*
 * transducer_greedy.h - greedy search of a transducer, incremental: at each encoder row the best token; unless it is
 * blank it is emitted and the row is asked again, up to max_symbols times.
 *
 *     TRY(ting_greedy_new(model, &(ting_greedy_options){0}, &search));
 *     TRY(ting_greedy_accept(search, ctx, rows));   as often as rows come; any cut of them gives the same
 *     hypothesis = ting_greedy_result(search);
 *
 * One stream and one thread; the model is shared.
 */
#ifndef TING_DECODE_TRANSDUCER_GREEDY_H
#define TING_DECODE_TRANSDUCER_GREEDY_H

#include "decode/decoded.h"
#include "model/transducer.h"

typedef struct ting_greedy_options {
    int max_symbols;      /* tokens emitted at one row; 0 means 1 */
    double blank_penalty; /* subtracted from the logit of blank: more tokens, fewer deletions */
} ting_greedy_options;

typedef struct ting_greedy ting_greedy;

/* Returns owned in *out, free with ting_greedy_free. Errors: memory. */
ting_err ting_greedy_new(const ting_transducer *model, const ting_greedy_options *options,
                         ting_greedy **out);
void ting_greedy_free(ting_greedy *search);

/* Forgets everything: a new stream. */
void ting_greedy_reset(ting_greedy *search);

/* Forgets the emissions but goes on as if nothing had happened: after the end of a sentence. */
void ting_greedy_cut(ting_greedy *search);

/* rows [n, encoder_dim] as the encoder gives them. The arena is rewound. Errors: memory, numeric (a score that is not a
 * number). */
ting_err ting_greedy_accept(ting_greedy *search, ting_ctx *ctx, ting_tensor rows);

ting_decoded ting_greedy_result(const ting_greedy *search);

#endif
