/* SPDX-License-Identifier: Apache-2.0 */
/* feed_forward.h - what the forward and the backward of ting_feed_forward share: how columns are cut; rows by nn/strips.h. */
#ifndef TING_NN_FEED_FORWARD_H
#define TING_NN_FEED_FORWARD_H

#include "nn/rec.h"
#include "nn/segment.h"
#include "nn/strips.h"

/* A block of rows is what a thread takes through the op, a strip (kern/gemm_strip.h) and a piece of the inside's columns at a
 * time: values of a piece stand in the first-level cache, packed ones of a block in the second. Rows of `room` lie LD apart, so
 * that they don't fight for sets of the cache. */
enum { TING_FEED_FORWARD_LD = TING_GEMM_PIECE + 16 };

/* The row of the mask that row `row` of the inside gets. */
static inline int ting_feed_forward_mask_row(const struct ting_rec_feed_forward *op, int row)
{
    return op->segments.count == 0 ? row : ting_segment_of(op->segments, row);
}

#endif
