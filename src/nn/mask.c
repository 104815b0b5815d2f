/* SPDX-License-Identifier: Apache-2.0 */
/* mask.c - see mask.h. */
#include "nn/mask.h"

void ting_mask_row(uint64_t key, uint64_t counter, uint32_t threshold, ting_real keep, int cols,
                   ting_real *mask)
{
    int c = 0;
    for (; c + 4 <= cols; c += 4) {
        uint64_t bits = ting_rng_at(key, counter++);
        for (int lane = 0; lane < 4; lane++)
            mask[c + lane] = (uint32_t)(bits >> (16 * lane) & 0xFFFF) < threshold ? 0 : keep;
    }
    if (c < cols) {
        uint64_t bits = ting_rng_at(key, counter);
        for (; c < cols; c++, bits >>= 16)
            mask[c] = (uint32_t)(bits & 0xFFFF) < threshold ? 0 : keep;
    }
}
