/* SPDX-License-Identifier: Apache-2.0 */
/* segment.h - finding the segment of a row; some segments may be empty. */
#ifndef TING_NN_SEGMENT_H
#define TING_NN_SEGMENT_H

#include "nn/tensor.h"

/* The segment at or after `segment` that holds `row`, which none before it does. */
static inline int ting_segment_next(ting_segments segments, int segment, int row)
{
    while (row >= segments.start[segment + 1])
        segment++;
    return segment;
}

/* The segment that holds `row`, by halving. */
static inline int ting_segment_of(ting_segments segments, int row)
{
    int low = 0, high = segments.count - 1; /* it is one of these */
    while (low < high) {
        const int middle = low + (high - low) / 2;
        if (row >= segments.start[middle + 1])
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

#endif
