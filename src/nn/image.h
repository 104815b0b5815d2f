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

#include "kern/gemm_strip.h"
#include "nn/op.h"

enum { TING_DEPTHWISE2D_MOST = 15 }; /* kernel_t of a depthwise convolution */

/* An image whose rows follow each other as rows of one position each, [T F, C], and back: the same memory. */
static inline ting_tensor ting_image_positions(ting_tensor x, int frequencies)
{
    return (ting_tensor){x.data, x.grad, x.rows * frequencies, x.cols / frequencies, x.cols / frequencies};
}

static inline ting_tensor ting_image_frames(ting_tensor x, int frequencies)
{
    return (ting_tensor){x.data, x.grad, x.rows / frequencies, x.cols * frequencies, x.cols * frequencies};
}

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

typedef struct ting_conv2d_view { /* where patches lie: position p is frequency p % F' of output row p / F' of the batch */
    const ting_conv2d_shape *shape;
    ting_segments in, out;
} ting_conv2d_view;

/* Writes the patches of positions first .. first + count - 1, [count, kt kf C], from x [T, F C]. Any thread. */
void ting_conv2d_gather(const ting_conv2d_view *view, ting_tensor x, int first, int count, ting_real *patches);

/* The adjoint: adds the patches into the gradient of x, in order of the positions. */
void ting_conv2d_scatter(const ting_conv2d_view *view, const ting_kern *kern, int first, int count, const ting_real *patches,
                         ting_tensor x);

/* How positions are cut for products with w: strips (kern/gemm_strip.h), and groups of them that a thread takes at a time,
 * whose packed patches stay in the second-level cache. By the sizes alone. */
typedef struct ting_conv2d_cut {
    int strip, group; /* positions; a group is a multiple of a strip */
    size_t strip_bytes;
} ting_conv2d_cut;

ting_conv2d_cut ting_conv2d_cut_of(const ting_packed *w, int k);

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
