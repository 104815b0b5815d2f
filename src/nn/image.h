/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image.h - what the two-dimensional convolutions and their backward share: sizes and patches.
 *
 * An image is [T, F C]: rows are frames, in a row frequency by frequency, channels innermost. A patch is
 * what one output position (t, f) sees, in the order (kernel_t, kernel_f, in_channels); so three taps of
 * one frame are one contiguous run of the input, and the filter matrix is [out, kt kf in].
 */
#ifndef TING_NN_IMAGE_H
#define TING_NN_IMAGE_H

#include "nn/op.h"

enum { TING_DEPTHWISE2D_MOST = 15 }; /* kernel_t of a depthwise convolution */

/* Output frequencies; 0 or less when the kernel does not fit. */
static inline int ting_conv2d_freq(const ting_conv2d_shape *s)
{
    int room = s->freq + 2 * s->pad_f - s->kernel_f;
    return room < 0 ? 0 : room / s->stride_f + 1;
}

/* Output rows of a segment of `rows` rows. */
static inline int ting_conv2d_rows(const ting_conv2d_shape *s, int rows)
{
    int room = rows + 2 * s->pad_t - s->kernel_t;
    return room < 0 ? 0 : room / s->stride_t + 1;
}

/* Values in one patch. */
static inline int ting_conv2d_patch(const ting_conv2d_shape *s)
{
    return s->kernel_t * s->kernel_f * s->in_channels;
}

/* A kernel as wide as the image and one row high: each row is its own patch. */
static inline bool ting_conv2d_rows_are_patches(const ting_conv2d_shape *s)
{
    return s->kernel_t == 1 && s->kernel_f == s->freq && s->stride_t == 1 && s->pad_t == 0 && s->pad_f == 0;
}

/* Output rows whose patches together make a block: with `large` enough of them that packing the filters again for each block
 * costs little, otherwise as many as stay in the second-level cache. */
int ting_conv2d_block(const ting_conv2d_shape *shape, bool large);

typedef struct ting_conv2d_rows_of { /* a block of output rows, which may belong to several segments */
    const ting_conv2d_shape *shape;
    ting_segments in, out;
    int first, count;
} ting_conv2d_rows_of;

/* Writes the block's patches [count F', kt kf C] from x [T, F C]. */
void ting_conv2d_gather(ting_pool *pool, const ting_conv2d_rows_of *block, ting_tensor x, ting_real *patches);

/* The adjoint: adds the block's patches into the gradient of x. A row of it adds up in order of the output rows. */
void ting_conv2d_scatter(ting_pool *pool, const ting_kern *kern, const ting_conv2d_rows_of *block,
                         const ting_real *patches, ting_tensor x);

/* Filters between the layout of files, [out, in, taps], and the layout of patches, [out, taps, in]. */
void ting_conv2d_to_patch_order(int out, int in, int taps, const ting_real *filters,
                                ting_real *ordered);
void ting_conv2d_add_from_patch_order(int out, int in, int taps, const ting_real *ordered,
                                      ting_real *filters);

/* Fills out_start [count + 1] with where each segment's output begins; false when a segment is too short
 * for a single output row, with the segment's index in *bad. */
bool ting_conv2d_starts(const ting_conv2d_shape *shape, ting_segments segments, int *out_start,
                        int *bad);

#endif
