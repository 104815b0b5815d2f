/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rescorer.h - an attention decoder beside a search: it keeps the encoder rows of the sentence being spoken, and puts what the
 * search has found in its own order (decode/attention_rescore.h).
 *
 * One stream and one thread; the model is shared.
 */
#ifndef TING_ENGINE_RESCORER_H
#define TING_ENGINE_RESCORER_H

#include "decode/attention_rescore.h"
#include "decode/decoded.h"

typedef struct ting_rescorer ting_rescorer;

/* Returns owned in *out, free with ting_rescorer_free; borrows the decoder. Errors: memory. */
ting_err ting_rescorer_new(const ting_attention_decoder *decoder, const ting_rescore_options *options, ting_rescorer **out);
void ting_rescorer_free(ting_rescorer *rescorer);

void ting_rescorer_reset(ting_rescorer *rescorer); /* a new stream */
void ting_rescorer_cut(ting_rescorer *rescorer);   /* the sentence is over: its rows are forgotten */

/* rows [n, width], copied; of a silence without end the oldest are forgotten. What follows runs where the context does (its
 * arena, threads and kernels are borrowed). Errors: memory. */
ting_err ting_rescorer_hear(ting_rescorer *rescorer, const ting_ctx *ctx, ting_tensor rows);

/* found [count >= 1] in order, best first, their scores replaced by those of the rescoring; borrows until the next call.
 * Errors: memory, numeric. */
ting_err ting_rescorer_order(ting_rescorer *rescorer, const ting_decoded *found, int count, const ting_decoded **out);

#endif
