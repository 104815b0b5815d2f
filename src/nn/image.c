/* SPDX-License-Identifier: Apache-2.0 */
/* image.c - patches of two-dimensional convolutions, both ways. */
#include "nn/image.h"

#include <string.h>

enum { BLOCK_VALUES = 64 * 1024 };

int ting_conv2d_block(const ting_conv2d_shape *shape)
{
    int values = ting_conv2d_freq(shape) * ting_conv2d_patch(shape);
    int rows = values > 0 ? BLOCK_VALUES / values : 0;
    return rows > 0 ? rows : 1;
}

/* The part of the frequencies first .. first + kernel_f - 1 that exists. */
static void inside(const ting_conv2d_shape *s, int f, int *first, int *skip, int *count)
{
    *first = f * s->stride_f - s->pad_f;
    *skip = *first < 0 ? -*first : 0;
    int end = s->freq - *first < s->kernel_f ? s->freq - *first : s->kernel_f;
    *count = end > *skip ? end - *skip : 0;
}

/* A few values at a time are copied faster in place than by a call. */
static void copy(ting_real *to, const ting_real *from, size_t count)
{
    if (count >= 16) {
        memcpy(to, from, count * sizeof *to);
        return;
    }
    for (size_t i = 0; i < count; i++)
        to[i] = from[i];
}

void ting_conv2d_gather(const ting_conv2d_shape *s, const ting_real *x, int ldx, int rows, int row,
                        ting_real *patches)
{
    int freq = ting_conv2d_freq(s);
    size_t c = (size_t)s->in_channels, run = (size_t)s->kernel_f * c;
    for (int f = 0; f < freq; f++) {
        int first, skip, count;
        inside(s, f, &first, &skip, &count);
        for (int dt = 0; dt < s->kernel_t; dt++, patches += run) {
            int t = row * s->stride_t + dt - s->pad_t;
            if (t < 0 || t >= rows || count < s->kernel_f)
                memset(patches, 0, run * sizeof *patches);
            if (t >= 0 && t < rows)
                copy(patches + (size_t)skip * c,
                     x + (size_t)t * (size_t)ldx + (size_t)(first + skip) * c, (size_t)count * c);
        }
    }
}

void ting_conv2d_scatter(const ting_conv2d_shape *s, const ting_kern *kern,
                         const ting_real *patches, int row, int rows, ting_real *gx, int ldx)
{
    int freq = ting_conv2d_freq(s);
    size_t c = (size_t)s->in_channels, run = (size_t)s->kernel_f * c;
    for (int f = 0; f < freq; f++) {
        int first, skip, count;
        inside(s, f, &first, &skip, &count);
        for (int dt = 0; dt < s->kernel_t; dt++, patches += run) {
            int t = row * s->stride_t + dt - s->pad_t;
            if (t < 0 || t >= rows)
                continue;
            ting_real *to = gx + (size_t)t * (size_t)ldx + (size_t)(first + skip) * c;
            kern->add(count * s->in_channels, to, patches + (size_t)skip * c, to);
        }
    }
}

void ting_conv2d_to_patch_order(int out, int in, int taps, const ting_real *filters,
                                ting_real *ordered)
{
    for (int o = 0; o < out; o++)
        for (int j = 0; j < taps; j++)
            for (int i = 0; i < in; i++)
                *ordered++ =
                    filters[((size_t)o * (size_t)in + (size_t)i) * (size_t)taps + (size_t)j];
}

void ting_conv2d_add_from_patch_order(int out, int in, int taps, const ting_real *ordered,
                                      ting_real *filters)
{
    for (int o = 0; o < out; o++)
        for (int j = 0; j < taps; j++)
            for (int i = 0; i < in; i++)
                filters[((size_t)o * (size_t)in + (size_t)i) * (size_t)taps + (size_t)j] +=
                    *ordered++;
}

bool ting_conv2d_starts(const ting_conv2d_shape *shape, ting_segments segments, int *out_start,
                        int *bad)
{
    out_start[0] = 0;
    for (int s = 0; s < segments.count; s++) {
        int rows = ting_conv2d_rows(shape, segments.start[s + 1] - segments.start[s]);
        if (rows <= 0) {
            *bad = s;
            return false;
        }
        out_start[s + 1] = out_start[s] + rows;
    }
    return true;
}
