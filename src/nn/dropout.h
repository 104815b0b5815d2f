/* SPDX-License-Identifier: Apache-2.0 */
/* dropout.h - the mask of a dropout as a function of place, for whoever drops: forward, backward, ops with a dropout inside. */
#ifndef TING_NN_DROPOUT_H
#define TING_NN_DROPOUT_H

#include "nn/ctx.h"

typedef struct ting_mask { /* of a matrix */
    uint64_t key, counter; /* each row takes ting_mask_stride numbers of the stream */
    uint32_t threshold;    /* probability 2^16; 0: nothing is dropped */
    int cols;
} ting_mask;

/* Draws the mask of a [rows, cols] matrix: the context's random numbers advance. Nothing is dropped and nothing drawn unless
 * ctx->training, or if steady. A probability outside of 0 to below 1 is TING_ERR_ARGUMENT. */
ting_mask ting_mask_draw(ting_ctx *ctx, ting_real probability, int rows, int cols);

/* mask [count]: 0 or 1 / (1 - probability) for columns first .. first + count - 1 of a row; first is a multiple of 4. */
static inline void ting_mask_row(const ting_kern *kern, const ting_mask *m, int row, int first, int count, ting_real *mask)
{
    const uint64_t stride = ((uint64_t)m->cols + 3) / 4; /* four elements from each number */
    const ting_real keep = (ting_real)65536 / (ting_real)(65536 - m->threshold);
    kern->dropout_mask(count, m->key, m->counter + (uint64_t)row * stride + (uint64_t)first / 4, m->threshold, keep, mask);
}

/* y = mask x, or y += mask x, over a whole row; x and y [cols], y may be x. */
void ting_mask_apply(const ting_kern *kern, const ting_mask *mask, int row, const ting_real *x, ting_real *y, bool add);

#endif
