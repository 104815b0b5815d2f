/* SPDX-License-Identifier: Apache-2.0 */
/*
 * am_hints.h - hints (FitNets, Romero 2015): what a Zipformer shows on its way, rows at 50 Hz behind the subsampling and behind
 * each stack. A pupil's are drawn to its teacher's, so that no stack has to wait for the gradient of the last one: through
 * linear maps, or as they are where the widths are the same. Then a stack can also be given what the teacher's heard.
 *
 *     ting_am_hints seen;
 *     const ting_tap tap = ting_am_hints_tap(&seen);
 *     ctx->tap = &tap;
 *     ting_encoder_forward(ctx, ...);
 */
#ifndef TING_TRAIN_AM_HINTS_H
#define TING_TRAIN_AM_HINTS_H

#include "model/am_net.h"

typedef struct ting_am_hints {
    int count;
    ting_tensor value[TING_MOST_HINTS]; /* where the network left them; they live as long as its output */
} ting_am_hints;

/* Empties `hints`; what a forward with this tap shows is kept in it. */
ting_tap ting_am_hints_tap(ting_am_hints *hints);

/* How many hints an encoder shows, and how many columns each has in dims[TING_MOST_HINTS]; 0 if it is no Zipformer. */
int ting_am_hints_of(const ting_encoder_config *encoder, int *dims);

/* Mean over hints and rows of the squared distance between `own` and the teacher's, each of whose columns counts by its
 * standard deviation; times `units`. Both have the same rows. maps[i]: as in ting_am_net; without a weight there is none. */
ting_tensor ting_am_hints_loss(ting_ctx *ctx, const ting_am_hints *own, const ting_am_hints *taught,
                               const ting_linear_params *maps, double units);

#endif
