/* SPDX-License-Identifier: Apache-2.0 */
/*
 * decoder.h - encoder rows -> token sequences, whatever head the model has and whichever way of searching is wanted.
 *
 *     transducer, if the model has one   greedy | modified beam search      (decode/transducer_*.h)
 *     CTC head                           greedy | prefix beam search        (decode/ctc_*.h), which the attention decoder, if the
 *                                        model has one, may put in order    (rescorer.h)
 *
 * options->head takes the other one. In both beams language models over tokens may weigh along (fuse.h).
 *
 * One stream and one thread; the model is shared.
 */
#ifndef TING_ENGINE_DECODER_H
#define TING_ENGINE_DECODER_H

#include "decode/decoded.h"
#include "engine/am.h"

typedef struct ting_decoder ting_decoder;

/* Whether it is the CTC head that is searched. */
bool ting_decoder_takes_ctc(const ting_am_net *net, const ting_options *options);

/* Returns owned in *out, free with ting_decoder_free; borrows the model and the options' language models. Errors: memory, unsupported
 * (rescoring by a model that has no attention decoder, a head that it lacks), those of ting_fuse_open. */
ting_err ting_decoder_new(const ting_am *am, const ting_options *options, ting_decoder **out);
void ting_decoder_free(ting_decoder *decoder);

void ting_decoder_reset(ting_decoder *decoder); /* a new stream */
void ting_decoder_cut(ting_decoder *decoder);   /* the sentence is over: its emissions are forgotten */

/* rows [n, dim] of the encoder, in order; any cut of them gives the same. The arena is rewound. Errors: memory, numeric. */
ting_err ting_decoder_accept(ting_decoder *decoder, ting_ctx *ctx, ting_tensor rows);

/* The best `most` sequences, best first, at least one; borrows until the next call. One alone, as a partial result wants it, is
 * the search's own, not rescored. Errors: memory, numeric. */
ting_err ting_decoder_results(ting_decoder *decoder, int most, const ting_decoded **out, int *count);

#endif
