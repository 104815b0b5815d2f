/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mask.h - dropout masks: 16 random bits an element, four elements from each 64-bit number of the
 * counter-based stream (base/rng.h). Element (r, c) takes lane c % 4 of number
 * counter + r * ceil(cols / 4) + c / 4, so any thread computes any part and backward computes it again.
 */
#ifndef TING_NN_MASK_H
#define TING_NN_MASK_H

#include "base/real.h"
#include "base/rng.h"

/* Numbers of the stream that one row takes. */
static inline uint64_t ting_mask_stride(int cols)
{
    return ((uint64_t)cols + 3) / 4;
}

/* mask[c] = 0 where the 16 bits are below threshold, else keep; the first number is `counter`. */
void ting_mask_row(uint64_t key, uint64_t counter, uint32_t threshold, ting_real keep, int cols,
                   ting_real *mask);

#endif
