/* SPDX-License-Identifier: Apache-2.0 */
/* image.c - patches of two-dimensional convolutions, both ways. */
#include "nn/image.h"

#include <string.h>

#include "nn/rows.h"
#include "nn/unfold.h"

enum { BLOCK_VALUES = 64 * 1024, LARGE_BLOCK_VALUES = 32 * BLOCK_VALUES };

int ting_conv2d_block(const ting_conv2d_shape *shape, bool large)
{
    int values = ting_conv2d_freq(shape) * ting_conv2d_patch(shape);
    int rows = values > 0 ? (large ? LARGE_BLOCK_VALUES : BLOCK_VALUES) / values : 0;
    return rows > 0 ? rows : 1;
}

struct job {
    const ting_kern *kern;
    const ting_conv2d_rows_of *block;
    ting_tensor x;
    ting_real *patches;
    const ting_real *from;
    int first_in; /* row of x */
};

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

/* The patches of output row `row` of a segment: [F', kt kf C] from x [rows, F C]. */
static void gather_row(const ting_conv2d_shape *s, const ting_real *x, int ldx, int rows, int row, ting_real *patches)
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

static size_t row_values(const ting_conv2d_shape *s)
{
    return (size_t)ting_conv2d_freq(s) * (size_t)ting_conv2d_patch(s);
}

static void gather_rows(void *arg, ting_row_block rows)
{
    const struct job *job = arg;
    const ting_conv2d_rows_of *block = job->block;
    int segment = ting_segment_of(block->out, block->first + rows.first);
    for (int i = rows.first; i < rows.first + rows.count; i++) {
        while (block->first + i >= block->out.start[segment + 1])
            segment++;
        const int in = block->in.start[segment];
        gather_row(block->shape, ting_row(job->x, in), job->x.ld, block->in.start[segment + 1] - in,
                   block->first + i - block->out.start[segment], job->patches + (size_t)i * row_values(block->shape));
    }
}

void ting_conv2d_gather(ting_pool *pool, const ting_conv2d_rows_of *block, ting_tensor x, ting_real *patches)
{
    struct job job = {.block = block, .x = x, .patches = patches};
    ting_rows_run(pool, block->count, (int)row_values(block->shape), gather_rows, &job);
}

/* What tap dt of an output row's patches [F', kt kf C] gives to a row of the gradient. */
static void scatter_tap(const ting_conv2d_shape *s, const ting_kern *kern, const ting_real *patches, int dt, ting_real *gx)
{
    const int freq = ting_conv2d_freq(s);
    const size_t c = (size_t)s->in_channels, run = (size_t)s->kernel_f * c;
    for (int f = 0; f < freq; f++) {
        int first, skip, count;
        inside(s, f, &first, &skip, &count);
        ting_real *to = gx + (size_t)(first + skip) * c;
        kern->add(count * s->in_channels, to,
                  patches + ((size_t)f * (size_t)s->kernel_t + (size_t)dt) * run + (size_t)skip * c, to);
    }
}

static void scatter_rows(void *arg, ting_row_block rows)
{
    const struct job *job = arg;
    const ting_conv2d_rows_of *block = job->block;
    const ting_conv2d_shape *s = block->shape;
    int segment = ting_segment_of(block->in, job->first_in + rows.first);
    for (int t = job->first_in + rows.first; t < job->first_in + rows.first + rows.count; t++) {
        while (t >= block->in.start[segment + 1])
            segment++;
        const int place = t - block->in.start[segment] + s->pad_t, out = block->out.start[segment];
        int row = place < s->kernel_t ? 0 : (place - s->kernel_t) / s->stride_t + 1; /* the first that sees t */
        if (out + row < block->first)
            row = block->first - out;
        for (; row * s->stride_t <= place && out + row < block->out.start[segment + 1] &&
               out + row < block->first + block->count; row++)
            scatter_tap(s, job->kern, job->from + (size_t)(out + row - block->first) * row_values(s),
                        place - row * s->stride_t, ting_grad_row(job->x, t));
    }
}

/* The first row of x that output row `row` sees, or could see. */
static int first_seen(const ting_conv2d_rows_of *block, int row)
{
    const int segment = ting_segment_of(block->out, row), start = block->in.start[segment];
    const int first = start + (row - block->out.start[segment]) * block->shape->stride_t - block->shape->pad_t;
    return first > start ? first : start;
}

void ting_conv2d_scatter(ting_pool *pool, const ting_kern *kern, const ting_conv2d_rows_of *block,
                         const ting_real *patches, ting_tensor x)
{
    struct job job = {.kern = kern, .block = block, .x = x, .from = patches};
    const int last = block->first + block->count - 1, segment = ting_segment_of(block->out, last);
    job.first_in = first_seen(block, block->first);
    int end = first_seen(block, last) + block->shape->kernel_t;
    end = end < block->in.start[segment + 1] ? end : block->in.start[segment + 1];
    ting_rows_run(pool, end - job.first_in, 2 * x.cols * block->shape->kernel_f, scatter_rows, &job);
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
