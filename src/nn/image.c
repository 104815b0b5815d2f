/* SPDX-License-Identifier: Apache-2.0 */
/* image.c - patches of two-dimensional convolutions, both ways. */
#include "nn/image.h"

#include <string.h>

#include "nn/segment.h"

ting_conv2d_cut ting_conv2d_cut_of(const ting_packed *w, int k)
{
    enum { GROUP_BYTES = 512 * 1024, MOST = 16 };
    const size_t bytes = ting_gemm_strip_bytes(w, k), fitting = GROUP_BYTES / (bytes == 0 ? 1 : bytes);
    const int strip = ting_gemm_strip_rows(w), strips = fitting > MOST ? MOST : fitting == 0 ? 1 : (int)fitting;
    return (ting_conv2d_cut){strip, strips * strip, bytes};
}

/* A run of positions within one output row, and their segment. */
struct run {
    int row; /* of the batch's output */
    int f, count;
    int segment;
};

static struct run run_at(const ting_conv2d_view *view, int position, int end, int segment)
{
    const int freq = ting_conv2d_freq(view->shape);
    struct run run = {.row = position / freq, .f = position % freq};
    run.count = freq - run.f < end - position ? freq - run.f : end - position;
    run.segment = ting_segment_next(view->out, segment, run.row);
    return run;
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

/* The patches of frequencies f0 .. f0 + count - 1 of output row `row` of a segment: [count, kt kf C] from x [rows, F C]. */
static void gather_row(const ting_conv2d_shape *s, const ting_real *x, int ldx, int rows, const struct run *run, int row,
                       ting_real *patches)
{
    const size_t c = (size_t)s->in_channels, width = (size_t)s->kernel_f * c;
    for (int f = run->f; f < run->f + run->count; f++) {
        int first, skip, count;
        inside(s, f, &first, &skip, &count);
        for (int dt = 0; dt < s->kernel_t; dt++, patches += width) {
            int t = row * s->stride_t + dt - s->pad_t;
            if (t < 0 || t >= rows || count < s->kernel_f)
                memset(patches, 0, width * sizeof *patches);
            if (t >= 0 && t < rows)
                copy(patches + (size_t)skip * c,
                     x + (size_t)t * (size_t)ldx + (size_t)(first + skip) * c, (size_t)count * c);
        }
    }
}

void ting_conv2d_gather(const ting_conv2d_view *view, ting_tensor x, int first, int count, ting_real *patches)
{
    const size_t k = (size_t)ting_conv2d_patch(view->shape);
    int segment = ting_segment_of(view->out, first / ting_conv2d_freq(view->shape));
    for (int p = first; p < first + count;) {
        const struct run run = run_at(view, p, first + count, segment);
        const int in = view->in.start[run.segment];
        gather_row(view->shape, ting_row(x, in), x.ld, view->in.start[run.segment + 1] - in, &run,
                   run.row - view->out.start[run.segment], patches);
        patches += (size_t)run.count * k;
        p += run.count;
        segment = run.segment;
    }
}

/* What tap dt of a run's patches [count, kt kf C] gives to a row of the gradient. */
static void scatter_tap(const ting_conv2d_shape *s, const ting_kern *kern, const struct run *run, const ting_real *patches, int dt,
                        ting_real *gx)
{
    const size_t c = (size_t)s->in_channels, width = (size_t)s->kernel_f * c;
    patches += (size_t)dt * width;
    for (int f = run->f; f < run->f + run->count; f++, patches += (size_t)s->kernel_t * width) {
        int first, skip, count;
        inside(s, f, &first, &skip, &count);
        ting_real *to = gx + (size_t)(first + skip) * c;
        kern->add(count * s->in_channels, to, patches + (size_t)skip * c, to);
    }
}

void ting_conv2d_scatter(const ting_conv2d_view *view, const ting_kern *kern, int first, int count, const ting_real *patches,
                         ting_tensor x)
{
    const ting_conv2d_shape *s = view->shape;
    const size_t k = (size_t)ting_conv2d_patch(s);
    int segment = ting_segment_of(view->out, first / ting_conv2d_freq(s));
    for (int p = first; p < first + count;) {
        const struct run run = run_at(view, p, first + count, segment);
        const int in = view->in.start[run.segment], rows = view->in.start[run.segment + 1] - in;
        for (int dt = 0; dt < s->kernel_t; dt++) {
            const int t = (run.row - view->out.start[run.segment]) * s->stride_t + dt - s->pad_t;
            if (t >= 0 && t < rows)
                scatter_tap(s, kern, &run, patches, dt, ting_grad_row(x, in + t));
        }
        patches += (size_t)run.count * k;
        p += run.count;
        segment = run.segment;
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
