/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bwd_conv2d.c - the filters' gradient is gy^T patches, the patches' gy W. docs/derive/convolution.md
 *
 * Patches become an operand of the first strip by strip; those of the second are added into the gradient of x as soon as they are
 * made. Rows of x that two blocks of output rows see belong to neighbours: of each segment, first the even blocks run, then
 * the odd ones.
 */
#include "nn/bwd/bwd.h"
#include "nn/gradient.h"
#include "nn/image.h"
#include "nn/rec.h"
#include "nn/segment.h"

struct job {
    const ting_kern *kern;
    const struct ting_rec_conv2d *rec;
    ting_conv2d_view view;
    int positions, k, n;
    ting_conv2d_cut cut;
    const ting_packed *filters; /* [n, k] in patch order */
    ting_packed *patches;       /* [some positions, k] */
    ting_real *filters_grad;    /* [n, k] in patch order */
    ting_real *sums;            /* [groups, n]: of gy; NULL */
    int base;                   /* the first position of `patches` */
    const int *blocks;          /* first output rows */
    int block_rows;
};

static const ting_real *gy_at(const struct job *job, int position)
{
    return job->rec->y.grad + (size_t)position * (size_t)job->n;
}

/* ---- filters and biases ---- */

static void gather_group(void *arg, unsigned char *room, int index)
{
    const struct job *job = arg;
    const ting_real one = 1;
    const int first = job->base + index * job->cut.group, left = job->positions - first;
    const int end = first + (left < job->cut.group ? left : job->cut.group);
    ting_real *patches = (ting_real *)(void *)room;
    for (int p = first; job->patches != NULL && p < end; p += job->cut.strip) {
        const int count = end - p < job->cut.strip ? end - p : job->cut.strip;
        ting_conv2d_gather(&job->view, job->rec->x, p, count, patches);
        ting_gemm_put(job->patches, p - job->base, count, 0, job->k, patches, job->k);
    }
    if (job->sums != NULL)
        job->kern->mix(end - first, job->n, 1, &one, 0, gy_at(job, first), job->n,
                       job->sums + (size_t)(first / job->cut.group) * (size_t)job->n);
}

/* Positions whose patches exist at a time: a few million values of them. */
static int positions_at_a_time(const struct job *job)
{
    enum { VALUES = 2 * 1024 * 1024, MOST = 8192 };
    const int fitting = VALUES / job->k < MOST ? VALUES / job->k : MOST;
    return (fitting / job->cut.group + (fitting < job->cut.group)) * job->cut.group;
}

static void parameter_gradients(ting_ctx *ctx, struct job *job)
{
    const struct ting_rec_conv2d *rec = job->rec;
    const ting_conv2d_shape *s = &rec->shape;
    const ting_gemm_run run = ting_ctx_gemm(ctx);
    const int most = positions_at_a_time(job), groups = (job->positions + job->cut.group - 1) / job->cut.group;
    if (rec->w->t.grad != NULL) {
        job->patches = ting_gemm_room(&run, ctx->multiply, job->k, job->positions < most ? job->positions : most);
        job->filters_grad = ting_arena_take_zeroed(ctx->arena, (size_t)job->n * (size_t)job->k, sizeof *job->filters_grad);
    }
    if (rec->b != NULL && rec->b->t.grad != NULL)
        job->sums = ting_arena_take_zeroed(ctx->arena, (size_t)groups * (size_t)job->n, sizeof *job->sums);
    ting_ctx_check(ctx);
    for (job->base = 0; job->base < job->positions && ctx->err == TING_OK; job->base += most) {
        const int count = job->positions - job->base < most ? job->positions - job->base : most;
        ting_gemm_tasks(&run, (size_t)job->cut.strip * (size_t)job->k * sizeof(ting_real),
                        (count + job->cut.group - 1) / job->cut.group, gather_group, job);
        if (job->patches != NULL)
            ting_gemm_add(&run, job->n, count, (ting_strided){gy_at(job, job->base), 1, job->n}, job->patches, 0, job->filters_grad,
                          job->k);
        ting_ctx_check(ctx);
    }
    if (ctx->err == TING_OK && job->filters_grad != NULL)
        ting_conv2d_add_from_patch_order(job->n, s->in_channels, s->kernel_t * s->kernel_f, job->filters_grad, rec->w->t.grad);
    if (ctx->err == TING_OK && job->sums != NULL)
        ting_sum_rows(ctx, groups, job->n, job->sums, job->n, rec->b->t.grad);
}

/* ---- input ---- */

static void scatter_block(void *arg, unsigned char *room, int index)
{
    const struct job *job = arg;
    const int freq = ting_conv2d_freq(job->view.shape), row = job->blocks[index];
    const int segment_end = job->view.out.start[ting_segment_of(job->view.out, row) + 1];
    const int end = (row + job->block_rows < segment_end ? row + job->block_rows : segment_end) * freq;
    ting_real *patches = (ting_real *)(void *)(room + ting_gemm_strip_bytes(job->filters, job->n));
    ting_gemm_begin(job->filters);
    for (int p = row * freq; p < end; p += job->cut.strip) {
        const int count = end - p < job->cut.strip ? end - p : job->cut.strip;
        ting_gemm_strip_pack(job->filters, count, job->n, gy_at(job, p), job->n, room);
        ting_gemm_strip(job->filters, &(ting_gemm_part){.k = job->n, .n = job->k}, count, room, NULL, 0, patches, job->k);
        ting_conv2d_scatter(&job->view, job->kern, p, count, patches, job->rec->x);
    }
    ting_gemm_end(job->filters);
}

static void input_gradient(ting_ctx *ctx, struct job *job)
{
    enum { BLOCK_ROWS = 8 };
    const ting_gemm_run run = ting_ctx_gemm(ctx);
    const ting_segments out = job->view.out;
    const int reach = job->rec->shape.kernel_t;
    job->block_rows = reach > BLOCK_ROWS ? reach : BLOCK_ROWS; /* a row of x is seen by two blocks at most */
    int *blocks = ting_ctx_ints(ctx, job->rec->y.rows / job->block_rows + out.count);
    const size_t bytes = ting_gemm_strip_bytes(job->filters, job->n) + (size_t)job->cut.strip * (size_t)job->k * sizeof(ting_real);
    for (int odd = 0; odd < 2 && ctx->err == TING_OK; odd++) {
        int count = 0;
        for (int s = 0; s < out.count; s++)
            for (int row = out.start[s] + odd * job->block_rows; row < out.start[s + 1]; row += 2 * job->block_rows)
                blocks[count++] = row;
        job->blocks = blocks;
        ting_gemm_tasks(&run, bytes, count, scatter_block, job);
        ting_ctx_check(ctx);
    }
}

void ting_bwd_conv2d(ting_ctx *ctx, const void *saved)
{
    const struct ting_rec_conv2d *rec = saved;
    const ting_conv2d_shape *s = &rec->shape;
    const ting_gemm_run run = ting_ctx_gemm(ctx);
    struct job job = {.kern = ctx->kern, .rec = rec, .view = {s, rec->segments, rec->out}, .k = ting_conv2d_patch(s),
                      .n = s->out_channels};
    ting_arena_mark mark = ting_arena_tell(ctx->arena);
    ting_gradient_touch(ctx, rec->y);
    ting_gradient_touch(ctx, rec->x);
    job.positions = rec->y.rows * ting_conv2d_freq(s);
    ting_real *ordered = ting_ctx_reals(ctx, (size_t)job.n * (size_t)job.k);
    if (ordered != NULL) {
        ting_conv2d_to_patch_order(job.n, s->in_channels, s->kernel_t * s->kernel_f, rec->w->t.data, ordered);
        job.filters = ting_gemm_pack(&run, ctx->multiply, job.k, job.n, (ting_strided){ordered, job.k, 1});
        ting_ctx_check(ctx);
    }
    if (ctx->err == TING_OK) {
        job.cut = ting_conv2d_cut_of(job.filters, job.k);
        parameter_gradients(ctx, &job);
    }
    if (ctx->err == TING_OK && rec->x.grad != NULL)
        input_gradient(ctx, &job);
    ting_arena_rewind(ctx->arena, mark);
}
