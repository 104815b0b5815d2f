/* SPDX-License-Identifier: Apache-2.0 */
/* feed_forward.h - what the forward and the backward of ting_feed_forward share. */
#ifndef TING_NN_FEED_FORWARD_H
#define TING_NN_FEED_FORWARD_H

#include "nn/rec.h"

enum { TING_FEED_FORWARD_ROWS = 256 }; /* of a block: its inside, 2048 wide, takes half of the caches of two cores */

/* inside = dropout(act(before)), of the same shape, with the random numbers of the context, which advance. */
void ting_feed_forward_inside(ting_ctx *ctx, ting_tensor before, ting_act act, ting_real dropout, ting_tensor inside);

#endif
