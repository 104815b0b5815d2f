/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bwd_depthwise2d.c - both gradients are convolutions again, row by row of the input:
 *     gx = gy with the taps turned round; gw_i += the row of x, zeros around it, with a row of gy as its taps.
 * The gradients of the taps are kept a block of rows at a time and added up in order. docs/derive/convolution.md
 */
#include "nn/bwd/bwd.h"
#include "nn/gradient.h"
#include "nn/image.h"
#include "nn/rec.h"
#include "nn/rows.h"
#include "nn/segment.h"
#include "nn/taps.h"

#include <string.h>

struct job {
    const ting_kern *kern;
    const struct ting_rec_depthwise2d *rec;
    int freq, taps;    /* output frequencies; kernel_t kernel_f */
    ting_real *turned; /* [taps, C], the last tap first */
    ting_real *zeros;  /* [C] */
    bool taps_wanted;
    bool first; /* nobody has added to gx */
    ting_real *scratch;  /* of a block: partial [taps, C], then pieces of a row */
    size_t block_values; /* reals of scratch a block */
};

/* The output row that tap row i of the turned filter meets at input row t; NULL beyond the segment. */
static const ting_real *output_row(const struct job *job, int segment, int t, int i)
{
    const ting_conv2d_shape *s = &job->rec->shape;
    const int *start = job->rec->out.start;
    int row = t + s->pad_t - (s->kernel_t - 1) + i;
    return row >= 0 && row < start[segment + 1] - start[segment] ? ting_grad_row(job->rec->y, start[segment] + row)
                                                                 : NULL;
}

/* gx of input row t of a segment. With more padding than the kernel reaches, the outermost outputs saw nothing: they
 * are skipped. */
static void input_gradient(const struct job *job, int segment, int t, ting_real *room)
{
    const ting_conv2d_shape *s = &job->rec->shape;
    const ting_real *rows[TING_DEPTHWISE2D_MOST];
    int c = s->in_channels, pad = s->kernel_f - 1 - s->pad_f, skip = pad < 0 ? -pad : 0;
    ting_real *gx = ting_grad_row(job->rec->x, job->rec->segments.start[segment] + t);
    for (int i = 0; i < s->kernel_t; i++) {
        rows[i] = output_row(job, segment, t, i);
        rows[i] = rows[i] == NULL ? NULL : rows[i] + skip * c;
    }
    job->kern->depthwise2d(job->freq - 2 * skip, pad + skip, c, s->kernel_t, s->kernel_f, rows, job->turned, job->zeros,
                           job->first ? gx : room);
    if (!job->first)
        job->kern->add(s->freq * c, gx, room, gx);
}

/* What input row t gives to the gradient of the taps: each row i of the filter met another output row. */
static void taps_gradient(const struct job *job, int segment, int t, ting_real *partial, ting_real *room)
{
    const ting_conv2d_shape *s = &job->rec->shape;
    const size_t c = (size_t)s->in_channels, border = (size_t)s->pad_f * c, row = (size_t)s->freq * c;
    ting_real *padded = room, *found = padded + row + 2 * border; /* [freq + 2 pad, C], [kernel_f, C] */
    memset(padded, 0, border * sizeof *padded);
    memcpy(padded + border, ting_row(job->rec->x, job->rec->segments.start[segment] + t), row * sizeof *padded);
    memset(padded + border + row, 0, border * sizeof *padded);
    for (int i = 0; i < s->kernel_t; i++) {
        const ting_real *gy = output_row(job, segment, t, s->kernel_t - 1 - i);
        ting_real *gw = partial + (size_t)(i * s->kernel_f) * c;
        if (gy == NULL)
            continue;
        job->kern->depthwise(s->kernel_f, s->in_channels, job->freq, padded, s->in_channels, gy, NULL, found,
                             s->in_channels);
        job->kern->add(s->kernel_f * s->in_channels, gw, found, gw);
    }
}

static void some_rows(void *arg, ting_row_block block)
{
    const struct job *job = arg;
    const ting_segments segments = job->rec->segments;
    ting_real *partial = job->scratch + (size_t)block.index * job->block_values;
    ting_real *room = partial + (size_t)job->taps * (size_t)job->rec->shape.in_channels;
    memset(partial, 0, (size_t)(room - partial) * sizeof *partial);
    int s = ting_segment_of(segments, block.first);
    for (int r = block.first; r < block.first + block.count; r++) {
        s = ting_segment_next(segments, s, r);
        if (job->rec->x.grad != NULL)
            input_gradient(job, s, r - segments.start[s], room);
        if (job->taps_wanted)
            taps_gradient(job, s, r - segments.start[s], partial, room);
    }
}

static void turn_taps(ting_ctx *ctx, struct job *job)
{
    const size_t c = (size_t)job->rec->shape.in_channels;
    const ting_real *taps = ting_taps(ctx, job->rec->w);
    for (int i = 0; i < job->taps && ctx->err == TING_OK; i++)
        memcpy(job->turned + (size_t)(job->taps - 1 - i) * c, taps + (size_t)i * c, c * sizeof *taps);
}

void ting_bwd_depthwise2d(ting_ctx *ctx, const void *saved)
{
    struct job job = {.kern = ctx->kern, .rec = saved};
    const ting_conv2d_shape *s = &job.rec->shape;
    const ting_tensor y = job.rec->y;
    const ting_param *w = job.rec->w, *b = job.rec->b;
    const size_t c = (size_t)s->in_channels, rows = (size_t)(s->freq + 2 * s->pad_f + s->kernel_f);
    ting_arena_mark mark = ting_arena_tell(ctx->arena);
    job.freq = ting_conv2d_freq(s);
    job.taps = s->kernel_t * s->kernel_f;
    job.taps_wanted = w->t.grad != NULL;
    job.block_values = ((size_t)job.taps + rows) * c;
    const int count = job.rec->segments.start[job.rec->segments.count], cost = job.taps * job.freq * s->in_channels;
    const int blocks = ting_row_blocks(count, cost);
    job.turned = ting_ctx_reals(ctx, (size_t)job.taps * c);
    job.zeros = ting_arena_take_zeroed(ctx->arena, c, sizeof *job.zeros);
    job.scratch = ting_ctx_reals(ctx, (size_t)blocks * job.block_values);
    ting_real *gradient = ting_arena_take_zeroed(ctx->arena, (size_t)job.taps * c, sizeof *gradient);
    turn_taps(ctx, &job);
    ting_ctx_check(ctx);
    if (ctx->err != TING_OK)
        return;
    ting_gradient_touch(ctx, y);
    job.first = ting_gradient_first(ctx, job.rec->x);
    ting_rows_run(ctx->pool, count, cost, some_rows, &job);
    if (job.taps_wanted) {
        ting_sum_rows(ctx, blocks, job.taps * s->in_channels, job.scratch, (int)job.block_values, gradient);
        ting_taps_add_gradient(w, gradient);
    }
    if (b->t.grad != NULL)
        ting_sum_rows(ctx, y.rows * job.freq, s->in_channels, y.grad, s->in_channels, b->t.grad);
    ting_arena_rewind(ctx->arena, mark);
}
